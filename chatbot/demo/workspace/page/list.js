// A list of messages that is brought up to date in place: what did not change stays as it is.

import { day, el } from "./dom.js";
import { message } from "./message.js";

const GROUP_SECONDS = 300;

export class List {
  #box;
  #place;
  #inThread;
  #shown = new Map();

  constructor(box, place, { inThread }) {
    this.#box = box;
    this.#place = place;
    this.#inThread = inThread;
  }

  clear() {
    this.#shown.clear();
    this.#box.replaceChildren();
  }

  show(items, opening) {
    const box = this.#box;
    const atEnd = opening || box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    const held = focusMark(box);
    const nodes = [];
    const next = new Map();
    let previous = null;
    for (const item of items) {
      if (!this.#inThread && (!previous || day(previous.ts) !== day(item.ts))) nodes.push(this.#keep(next, `day ${day(item.ts)}`, "", () => el("div", { class: "day" }, el("span", {}, day(item.ts)))));
      const follows = previous !== null && joins(previous, item);
      const drawn = JSON.stringify(item) + follows;
      nodes.push(this.#keep(next, item.ts + (item.ephemeral ?? ""), drawn, () => message(item, this.#place, { inThread: this.#inThread, follows })));
      if (this.#inThread && item === items[0] && items.length > 1) {
        const said = items.filter((one) => !one.ephemeral).length - 1;
        const count = said === 1 ? "1 reply" : `${said} replies`;
        nodes.push(this.#keep(next, "count", count, () => el("div", { class: "day" }, el("span", {}, count))));
      }
      previous = this.#inThread && item === items[0] ? null : item;
    }
    this.#shown = next;
    nodes.forEach((node, index) => {
      if (box.children[index] !== node) box.insertBefore(node, box.children[index] ?? null);
    });
    while (box.children.length > nodes.length) box.lastElementChild.remove();
    restoreFocus(box, held);
    if (atEnd) box.scrollTop = box.scrollHeight;
  }

  #keep(next, key, drawn, draw) {
    const known = this.#shown.get(key);
    const kept = known?.drawn === drawn ? known : { drawn, node: draw() };
    next.set(key, kept);
    return kept.node;
  }
}

// One person's messages in a row share one head.
function joins(before, item) {
  return before.user === item.user && !before.ephemeral && !item.ephemeral && !before.reply_count && Number(item.ts) - Number(before.ts) < GROUP_SECONDS;
}

function focusMark(box) {
  const node = document.activeElement;
  if (!box.contains(node) || !node.dataset.actionId) return null;
  return { ts: node.closest("[data-ts]")?.dataset.ts, action: node.dataset.actionId };
}

function restoreFocus(box, held) {
  if (!held || document.activeElement !== document.body) return;
  box.querySelector(`[data-ts="${CSS.escape(held.ts)}"] [data-action-id="${CSS.escape(held.action)}"]`)?.focus();
}

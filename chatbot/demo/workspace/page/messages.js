// One message as people see it.

import { click } from "./api.js";
import { diff, render } from "./blocks.js";
import { element } from "./dom.js";
import { emoji, mrkdwn, people } from "./mrkdwn.js";

const SHOWN_LINES = 14;

const time = (ts) => new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const isText = (file) => typeof file.preview === "string";
const isDiff = (file) => file.filetype === "diff" || /\.(diff|patch)$/.test(file.name);

function fileBox(file) {
  const body = [];
  if (isText(file)) {
    const lines = file.preview.replace(/\n$/, "").split("\n");
    const show = (count) => {
      const shown = lines.slice(0, count).join("\n");
      return isDiff(file) ? diff(shown) : element("pre", {}, shown);
    };
    const box = element("div", {}, show(SHOWN_LINES));
    body.push(box);
    if (lines.length > SHOWN_LINES) {
      body.push(element("button", { type: "button", class: "plain more", onclick: (event) => { box.replaceChildren(show(lines.length)); event.currentTarget.remove(); } }, `Show all ${lines.length} lines`));
    }
  }
  return element("div", { class: "file" },
    element("div", { class: "file-name" }, element("a", { href: `${file.url}?page=1`, download: file.name }, file.title || file.name), element("span", { class: "muted" }, ` ${file.size.toLocaleString()} bytes`)),
    body);
}

export function messageBox(message, channel, { openThread, failed }) {
  const name = people.get(message.user) || message.user;
  const press = async (part, block) => {
    try {
      await click({ channel, ts: message.ts, block_id: block.block_id, action_id: part.action_id });
    } catch (error) { failed(error); }
  };
  const blocks = message.blocks || [];
  const body = blocks.length ? blocks.map((block) => render(block, press)) : mrkdwn(message.text || "");
  return element("article", { class: `message${message.ephemeral ? " ephemeral" : ""}`, "data-ts": message.ts },
    element("div", { class: `avatar ${message.bot_id ? "bot" : name.split(" ")[0].toLowerCase()}`, "aria-hidden": "true" }, message.bot_id ? "🧵" : name[0]),
    element("div", { class: "content" },
      message.ephemeral ? element("div", { class: "muted" }, "👁 Only visible to you") : null,
      element("div", { class: "by" }, element("strong", {}, name), message.bot_id ? element("span", { class: "badge" }, "APP") : null, element("time", {}, time(message.ts))),
      body,
      message.edited && !message.bot_id ? element("span", { class: "muted" }, " (edited)") : null,
      (message.files || []).map(fileBox),
      message.reactions?.length ? element("div", { class: "reactions" }, message.reactions.map((one) => element("span", { class: "reaction" }, `${emoji(one.name)} ${one.count}`))) : null,
      openThread && message.reply_count ? element("button", { type: "button", class: "plain replies", onclick: () => openThread(message.ts) }, `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`) : null,
      openThread && !message.reply_count && !message.ephemeral ? element("button", { type: "button", class: "plain reply", onclick: () => openThread(message.ts) }, "Reply in thread") : null));
}

export function show(place, boxes) {
  // What was opened or closed stays so, and whoever read at the end stays at the end.
  const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 80;
  const closed = new Set([...place.querySelectorAll("details:not([open])")].map(key));
  const opened = new Set([...place.querySelectorAll("details[open]")].map(key));
  const expanded = new Set([...place.querySelectorAll(".file")].filter((file) => !file.querySelector(".more")).map(key));
  const top = place.scrollTop;
  place.replaceChildren(...boxes);
  for (const details of place.querySelectorAll("details")) {
    if (closed.has(key(details))) details.open = false;
    else if (opened.has(key(details))) details.open = true;
  }
  for (const file of place.querySelectorAll(".file")) if (expanded.has(key(file))) file.querySelector(".more")?.click();
  place.scrollTop = atEnd ? place.scrollHeight : top;
}

function key(node) {
  const message = node.closest(".message");
  const same = node.matches(".file") ? ".file" : "details";
  return `${message?.dataset.ts}/${[...message.querySelectorAll(same)].indexOf(node)}`;
}

// A menu whose options the app makes while a person types.

import { el } from "./dom.js";
import { plain } from "./blocks.js";

const WAIT = 150;

// `suggest(typed)` answers options; `choose(option)` hears of the choice. The choice stays in the node.
export function picker(element, hold, suggest, choose) {
  const list = el("ul", { class: "picker-list", role: "listbox", hidden: true });
  const input = el("input", {
    type: "search",
    role: "combobox",
    autocomplete: "off",
    "aria-expanded": "false",
    "aria-label": plain(element.placeholder) || "Search",
    placeholder: plain(element.placeholder) || "Search…",
  });
  const box = el("div", { ...hold, class: "picker" }, input, list);
  let timer = 0;
  let asked = 0;
  let at = -1;

  const show = (...items) => {
    list.replaceChildren(...items);
    list.hidden = items.length === 0;
    input.setAttribute("aria-expanded", String(items.length > 0));
    at = -1;
  };
  const take = (option) => {
    box.dataset.option = JSON.stringify(option);
    input.value = plain(option.text);
    show();
    choose?.(option);
  };
  const item = (option) =>
    el("li", { role: "option", tabindex: "-1", onmousedown: (event) => event.preventDefault(), onclick: () => take(option) }, plain(option.text));

  const ask = async () => {
    const mine = ++asked;
    const typed = input.value;
    const least = element.min_query_length ?? 3;
    if (typed.length < least) {
      show(el("li", { class: "hint" }, `Type ${least} or more characters.`));
      return;
    }
    try {
      const answer = await suggest(typed);
      if (mine !== asked) return;
      const options = answer.options ?? answer.option_groups.flatMap((group) => group.options);
      show(...(options.length ? options.map(item) : [el("li", { class: "hint" }, "No results")]));
    } catch (error) {
      if (mine === asked) show(el("li", { class: "hint" }, error.message));
    }
  };
  const move = (step) => {
    const items = [...list.querySelectorAll("[role=option]")];
    if (!items.length) return;
    at = (at + step + items.length) % items.length;
    items.forEach((node, index) => node.classList.toggle("at", index === at));
    items[at].scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("focus", ask);
  input.addEventListener("input", () => {
    delete box.dataset.option;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("blur", () => show());
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && at >= 0) list.querySelectorAll("[role=option]")[at].click();
    else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      show();
    } else return;
    event.preventDefault();
  });
  if (element.initial_option) {
    box.dataset.option = JSON.stringify(element.initial_option);
    input.value = plain(element.initial_option.text);
  }
  return box;
}

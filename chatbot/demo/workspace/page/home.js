// The app's own side of its direct messages: two tabs, its home, and what it suggests to say.

import * as api from "./api.js";
import { blocks } from "./blocks.js";
import { el, toast } from "./dom.js";
import { values } from "./inputs.js";

const tell = (work) => work.catch((error) => toast(error.message));

export class Home {
  #tabs;
  #box;
  #prompts;
  #context;
  #fill;
  #shown = "messages";
  #direct = false;

  constructor({ tabs, box, prompts, context, fill }) {
    this.#tabs = tabs;
    this.#box = box;
    this.#prompts = prompts;
    this.#context = context;
    this.#fill = fill;
  }

  // Of the place that is shown now; elsewhere there is neither.
  enter(isDirect) {
    this.#direct = isDirect;
    if (isDirect) this.choose("messages");
    else this.#show("messages");
  }

  choose(tab) {
    this.#show(tab);
    tell(api.look(tab).then((found) => this.#draw(found)));
  }

  // The app published it anew, or suggests other words.
  heard() {
    if (this.#direct) tell(api.look(this.#shown, true).then((found) => this.#draw(found)));
  }

  #show(tab) {
    this.#shown = tab;
    document.body.classList.toggle("at-home", tab === "home");
    this.#box.hidden = tab !== "home";
    this.#tabs.hidden = !this.#direct;
    this.#prompts.hidden = !this.#direct || tab === "home";
    const one = (name, label) => el("button", { type: "button", role: "tab", class: name === tab ? "here" : "", "aria-selected": name === tab ? "true" : "false", data: { tab: name }, onclick: () => this.choose(name) }, label);
    this.#tabs.replaceChildren(one("messages", "Messages"), one("home", "Home"));
  }

  #draw({ home, prompts }) {
    this.#prompts.replaceChildren(
      ...(prompts?.prompts ?? []).map((one) => el("button", { type: "button", class: "prompt", title: one.message, onclick: () => this.#fill(one.message) }, one.title)),
    );
    if (!home) {
      this.#box.replaceChildren(el("p", { class: "subtitle" }, "The app shows nothing here yet."));
      return;
    }
    if (this.#box.dataset.hash === home.hash) return;
    const form = el("form", { class: "home-form", novalidate: true });
    const press = (part, block) => {
      const sent = { view_id: home.id, block_id: block.block_id, action_id: part.action_id, selected_option: part.selected_option, values: values(form) };
      return tell(api.click(sent));
    };
    const at = this.#box.scrollTop;
    form.append(el("div", { class: "blocks" }, blocks(home.blocks, { ...this.#context, press })));
    form.addEventListener("submit", (event) => event.preventDefault());
    this.#box.replaceChildren(form);
    this.#box.dataset.hash = home.hash;
    this.#box.scrollTop = at;
  }
}

// A modal that the app opened.

import { close, submit } from "./api.js";
import { render } from "./blocks.js";
import { element } from "./dom.js";

const dialog = document.getElementById("modal");
let open = null;

function values() {
  const found = {};
  for (const control of dialog.querySelectorAll("[data-block]")) {
    const { block, action, type } = control.dataset;
    const value = type === "static_select"
      ? { type, selected_option: { value: control.value, text: { type: "plain_text", text: control.selectedOptions[0]?.textContent || "" } } }
      : { type, value: control.value || null };
    (found[block] ||= {})[action] = value;
  }
  return found;
}

export function openModal(view, failed) {
  open = view.id;
  const send = async (event) => {
    event.preventDefault();
    try {
      const answer = await submit({ view_id: view.id, values: values() });
      for (const [block, words] of Object.entries(answer.errors || {})) {
        const place = dialog.querySelector(`[data-error="${CSS.escape(block)}"]`);
        if (place) place.textContent = words;
      }
    } catch (error) { failed(error); }
  };
  dialog.replaceChildren(element("form", { onsubmit: send },
    element("h2", {}, view.title?.text || ""),
    (view.blocks || []).map((block) => render(block, null)),
    element("div", { class: "actions end" },
      element("button", { type: "button", class: "button", onclick: () => close({ view_id: view.id }) }, view.close?.text || "Close"),
      view.submit ? element("button", { class: "button primary" }, view.submit.text) : null)));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("textarea, input, select")?.focus();
}

export function closeModal(id) {
  if (id === open && dialog.open) dialog.close();
}

dialog.addEventListener("cancel", () => open && close({ view_id: open }));

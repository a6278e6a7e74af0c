// A person's own message, written anew.

import { el, toast } from "./dom.js";
import { unescape } from "./mrkdwn.js";

// Slack's text as it was typed.
function typed(text, users) {
  const plain = text
    .replace(/<@(\w+)(?:\|[^>]*)?>/g, (_, id) => `@${users.get(id)?.is_bot ? users.get(id).real_name : (users.get(id)?.name ?? id)}`)
    .replace(/<#\w+\|([^>]*)>/g, (_, name) => `#${name}`)
    .replace(/<(?:mailto:)?[^>|]*\|([^>]*)>/g, (_, label) => label)
    .replace(/<([^>|]*)>/g, (_, url) => url);
  return unescape(plain);
}

export function editMessage(item, users, save) {
  const area = el("textarea", { rows: 4, "aria-label": "Message" });
  area.value = typed(item.text, users);
  const box = el("dialog", { class: "modal", "aria-label": "Edit message" });
  const done = () => box.remove();
  const form = el(
    "form",
    { class: "modal-form" },
    el("div", { class: "modal-head" }, el("h2", {}, "Edit message")),
    el("div", { class: "modal-body" }, el("div", { class: "field" }, area)),
    el("div", { class: "modal-foot" }, el("button", { type: "button", class: "button", onclick: done }, "Cancel"), el("button", { type: "submit", class: "button primary" }, "Save")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await save(area.value);
      done();
    } catch (error) {
      toast(error.message);
    }
  });
  box.addEventListener("close", done);
  box.append(form);
  document.body.append(box);
  box.showModal();
  area.focus();
}

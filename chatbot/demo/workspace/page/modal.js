// Dialogs: the app's forms, and questions before a press.

import { el, toast } from "./dom.js";
import { blocks, plain, text } from "./blocks.js";
import { missing, showErrors, values } from "./inputs.js";

export function ask(confirm) {
  return new Promise((settle) => {
    const box = el("dialog", { class: "modal modal-small", "aria-label": plain(confirm.title) });
    const end = (answer) => {
      box.close();
      box.remove();
      settle(answer);
    };
    box.append(
      el("div", { class: "modal-head" }, el("h2", {}, plain(confirm.title))),
      el("div", { class: "modal-body" }, text(confirm.text)),
      el(
        "div",
        { class: "modal-foot" },
        el("button", { type: "button", class: "button", onclick: () => end(false) }, plain(confirm.deny) || "Cancel"),
        el("button", { type: "button", class: `button ${confirm.style ?? "primary"}`, onclick: () => end(true) }, plain(confirm.confirm) || "Yes"),
      ),
    );
    box.addEventListener("cancel", () => end(false));
    document.body.append(box);
    box.showModal();
  });
}

const open = new Map();

// Shows the view, or puts its new form in the place of the old one.
export function showView(view, context) {
  const before = open.get(view.id) ? values(open.get(view.id)) : {};
  closeView(view.id);
  const form = el("form", { class: "modal-form", novalidate: true });
  const box = el("dialog", { class: "modal", "aria-label": plain(view.title), data: { viewId: view.id } }, form);
  const submit = el("button", { type: "submit", class: "button primary" }, plain(view.submit) || "Submit");
  form.append(
    el("div", { class: "modal-head" }, el("h2", {}, plain(view.title)), el("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => context.close(view) }, "✕")),
    el("div", { class: "modal-body" }, blocks(view.blocks, { ...context, press: (part) => context.press(view, form, part), suggest: (part, block, typed) => context.suggest(view, part, typed) })),
    el(
      "div",
      { class: "modal-foot" },
      el("button", { type: "button", class: "button", onclick: () => context.close(view) }, plain(view.close) || "Close"),
      view.submit ? submit : null,
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(view, form, submit, context);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
  });
  box.addEventListener("cancel", (event) => {
    event.preventDefault();
    context.close(view);
  });
  keep(form, before);
  open.set(view.id, box);
  document.body.append(box);
  box.showModal();
  box.querySelector("input, textarea, select")?.focus();
}

// Words stay in fields that are there again after an update, by block and action.
function keep(form, before) {
  for (const [block, given] of Object.entries(before)) {
    const field = form.querySelector(`[data-block-id="${CSS.escape(block)}"]`);
    for (const [action, held] of Object.entries(given)) {
      const input = field?.querySelector(`[data-action-id="${CSS.escape(action)}"]`);
      if (input && typeof held.value === "string") input.value = held.value;
    }
  }
}

async function send(view, form, submit, context) {
  const empty = missing(form, view);
  if (empty !== null) {
    showErrors(form, { [empty]: "Please complete this required field." });
    return;
  }
  submit.disabled = true;
  try {
    const answer = await context.submit(view, values(form));
    showErrors(form, answer.errors ?? {});
  } catch (error) {
    toast(error.message);
  } finally {
    submit.disabled = false;
  }
}

export function closeView(id) {
  open.get(id)?.remove();
  open.delete(id);
}

export function closeViews() {
  for (const id of [...open.keys()]) closeView(id);
}

// Where a person writes: Enter sends, Shift+Enter begins a line, Tab completes a name or command.

import { el, toast } from "./dom.js";
import { bytes } from "./files.js";

// `app`: the commands that are typed here, and the shortcuts that stand beside.
export function composer(form, label, names, send, app = { commands: [], shortcuts: [] }) {
  let files = [];
  const area = el("textarea", { rows: 1, placeholder: label, "aria-label": label });
  const picker = el("input", { type: "file", multiple: true, hidden: true, "aria-hidden": "true", tabindex: -1 });
  const chosen = el("div", { class: "chosen" });
  const hints = el("div", { class: "completions", role: "listbox", hidden: true });
  const button = el("button", { type: "submit", class: "send", "aria-label": "Send", disabled: true }, "➤");

  const grow = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 200)}px`;
    button.disabled = !area.value.trim() && !files.length;
    complete();
  };
  const attach = (more) => {
    files = [...files, ...more];
    chosen.replaceChildren(
      ...files.map((file) =>
        el("span", { class: "chip" }, `${file.name} · ${bytes(file.size)} `, el("button", { type: "button", class: "quiet", "aria-label": `Remove ${file.name}`, onclick: () => drop(file) }, "✕")),
      ),
    );
    grow();
  };
  const drop = (file) => {
    files = files.filter((one) => one !== file);
    attach([]);
  };
  const typed = () => area.value.slice(0, area.selectionStart).match(/(^|\s)@(\w*)$/);
  const matches = () => {
    if (/^\/\S*$/.test(area.value)) return app.commands.map((one) => one.command).filter((name) => name.startsWith(area.value));
    const found = typed();
    return found ? names().filter((name) => name.toLowerCase().startsWith(found[2].toLowerCase())) : [];
  };
  const complete = () => {
    const found = matches();
    hints.hidden = !found.length;
    hints.replaceChildren(...found.map((name, index) => el("button", { type: "button", role: "option", class: index ? "" : "first", onclick: () => insert(name) }, name.startsWith("/") ? commandHint(name) : `@${name}`, index ? null : el("kbd", {}, "Tab"))));
  };
  const insert = (name) => {
    const at = area.selectionStart;
    const typing = area.value.slice(0, at);
    const before = name.startsWith("/") ? `${name} ` : typing.replace(/@\w*$/, `@${name} `);
    area.value = before + area.value.slice(at);
    area.setSelectionRange(before.length, before.length);
    area.focus();
    grow();
  };
  const commandHint = (name) => {
    const known = app.commands.find((one) => one.command === name);
    return el("span", {}, el("b", {}, name), el("span", { class: "subtitle" }, ` ${known.usage_hint}`));
  };
  const submit = async () => {
    const text = area.value.trim();
    if (!text && !files.length) return;
    const kept = [area.value, files];
    area.value = "";
    files = [];
    attach([]);
    try {
      await send(text, kept[1]);
    } catch (error) {
      [area.value] = kept;
      attach(kept[1]);
      toast(error.message);
    }
  };

  area.addEventListener("input", grow);
  area.addEventListener("blur", () => setTimeout(() => (hints.hidden = true), 150));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Tab" && !event.shiftKey && matches().length) {
      event.preventDefault();
      insert(matches()[0]);
    } else if (event.key === "Escape") hints.hidden = true;
  });
  area.addEventListener("paste", (event) => attach(event.clipboardData.files));
  picker.addEventListener("change", () => {
    attach(picker.files);
    picker.value = "";
  });
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    attach(event.dataTransfer.files);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.replaceChildren(
    hints,
    area,
    chosen,
    el(
      "div",
      { class: "composer-foot" },
      el("button", { type: "button", class: "quiet attach", title: "Attach a file", "aria-label": "Attach a file", onclick: () => picker.click() }, "+"),
      picker,
      app.shortcuts.map((one) => el("button", { type: "button", class: "quiet shortcut", title: one.name, "aria-label": one.name, onclick: one.run }, "⚡")),
      el("span", { class: "keys" }, el("kbd", {}, "Enter"), " sends · ", el("kbd", {}, "Shift+Enter"), " new line · ", el("kbd", {}, "@"), " mentions", app.commands.length ? [" · ", el("kbd", {}, "/"), " commands"] : null),
      button,
    ),
  );
  return {
    fill(words) {
      area.value = words;
      area.focus();
      area.setSelectionRange(words.length, words.length);
      grow();
      hints.hidden = true;
    },
    focus: () => area.focus(),
  };
}

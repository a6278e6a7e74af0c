// Inputs of forms: drawn, and read back in the form of Slack's state.values.

import { el } from "./dom.js";
import { plain } from "./blocks.js";
import { picker } from "./picker.js";

// Where a form may ask for a place: those that the person sees, and the one before them.
let places = () => ({ channels: [], current: null });

export function setPlaces(read) {
  places = read;
}

export function field(block, context) {
  const id = `field-${block.block_id}`;
  const box = el(
    "div",
    { class: "field", data: { blockId: block.block_id } },
    el("label", { for: id }, plain(block.label), block.optional ? el("span", { class: "optional" }, " (optional)") : null),
    control(block.element, id, (typed) => context.suggest(block.element, block, typed)),
    block.hint ? el("div", { class: "hint" }, plain(block.hint)) : null,
    el("div", { class: "error", role: "alert" }),
  );
  return box;
}

function control(element, id, suggest) {
  const hold = { id, data: { actionId: element.action_id, kind: element.type } };
  const placeholder = plain(element.placeholder);
  switch (element.type) {
    case "plain_text_input": {
      const limits = { maxlength: element.max_length ?? 3000, placeholder };
      const input = element.multiline ? el("textarea", { ...hold, ...limits, rows: 5 }) : el("input", { ...hold, ...limits, type: "text" });
      input.value = element.initial_value ?? "";
      return input;
    }
    case "email_text_input":
    case "url_text_input":
    case "number_input": {
      const types = { email_text_input: "email", url_text_input: "url", number_input: "number" };
      const input = el("input", { ...hold, placeholder, type: types[element.type] });
      input.value = element.initial_value ?? "";
      return input;
    }
    case "static_select": {
      const options = element.options ?? element.option_groups.flatMap((group) => group.options);
      const chosen = element.initial_option?.value;
      return el(
        "select",
        hold,
        el("option", { value: "" }, placeholder || "Choose…"),
        options.map((option) => el("option", { value: option.value, selected: option.value === chosen, data: { option: JSON.stringify(option) } }, plain(option.text))),
      );
    }
    case "external_select":
      return picker(element, hold, suggest);
    case "channels_select":
    case "conversations_select": {
      const { channels, current } = places();
      const shown = channels.filter((one) => element.type === "conversations_select" || one.kind === "channel");
      const chosen = element.initial_conversation ?? element.initial_channel ?? (element.default_to_current_conversation ? current : null);
      return el(
        "select",
        hold,
        el("option", { value: "" }, placeholder || "Choose…"),
        shown.map((one) => el("option", { value: one.id, selected: one.id === chosen }, one.kind === "im" ? one.name : `# ${one.name}`)),
      );
    }
    case "checkboxes":
    case "radio_buttons": {
      const type = element.type === "checkboxes" ? "checkbox" : "radio";
      const chosen = (element.initial_options ?? (element.initial_option ? [element.initial_option] : [])).map((option) => option.value);
      return el(
        "div",
        { ...hold, role: "group" },
        element.options.map((option) =>
          el("label", { class: "choice" }, el("input", { type, name: id, value: option.value, checked: chosen.includes(option.value), data: { option: JSON.stringify(option) } }), plain(option.text)),
        ),
      );
    }
    case "datepicker": {
      const input = el("input", { ...hold, type: "date" });
      input.value = element.initial_date ?? "";
      return input;
    }
    default:
      return el("em", { class: "unknown" }, `[${element.type}]`);
  }
}

// What stands in the form, by block and action.
export function values(form) {
  const found = {};
  for (const box of form.querySelectorAll("[data-block-id]")) {
    const input = box.querySelector("[data-kind]");
    if (input) found[box.dataset.blockId] = { [input.dataset.actionId]: value(input) };
  }
  return found;
}

function value(input) {
  const type = input.dataset.kind;
  const option = (node) => JSON.parse(node.dataset.option);
  if (type === "static_select") {
    const chosen = input.selectedOptions[0];
    return { type, selected_option: chosen?.dataset.option ? option(chosen) : null };
  }
  if (type === "external_select") return { type, selected_option: input.dataset.option ? option(input) : null };
  if (type === "conversations_select") return { type, selected_conversation: input.value || null };
  if (type === "channels_select") return { type, selected_channel: input.value || null };
  if (type === "checkboxes") return { type, selected_options: [...input.querySelectorAll("input:checked")].map(option) };
  if (type === "radio_buttons") {
    const chosen = input.querySelector("input:checked");
    return { type, selected_option: chosen ? option(chosen) : null };
  }
  if (type === "datepicker") return { type, selected_date: input.value || null };
  return { type, value: input.value === "" ? null : input.value };
}

// The first empty input that must be filled; Slack's own client asks for it before it sends.
export function missing(form, view) {
  const given = values(form);
  for (const block of view.blocks.filter((part) => part.type === "input" && !part.optional)) {
    const [only] = Object.values(given[block.block_id] ?? {});
    const content = only && (only.value ?? only.selected_option ?? only.selected_date ?? only.selected_conversation ?? only.selected_channel ?? (only.selected_options?.length ? only.selected_options : null));
    if (content === null || content === undefined) return block.block_id;
  }
  return null;
}

export function showErrors(form, errors) {
  for (const box of form.querySelectorAll("[data-block-id]")) {
    const words = errors[box.dataset.blockId] ?? "";
    box.classList.toggle("wrong", words !== "");
    box.querySelector(".error").textContent = words;
  }
}

// Block Kit as elements. `press` is what a button does; null where nothing can be pressed.

import { element, link } from "./dom.js";
import { emoji, markdown, mrkdwn, people } from "./mrkdwn.js";

const ICONS = { pending: "○", in_progress: "", complete: "✓", error: "✕" };

const text = (value) => (value ? (value.type === "mrkdwn" ? mrkdwn(value.text) : [value.text]) : []);

function styled(node, style = {}) {
  let shown = node;
  if (style.code) shown = element("code", {}, shown);
  if (style.bold) shown = element("strong", {}, shown);
  if (style.italic) shown = element("em", {}, shown);
  if (style.strike) shown = element("s", {}, shown);
  return shown;
}

function run(part) {
  if (part.type === "text") return styled(document.createTextNode(part.text), part.style);
  if (part.type === "link") return styled(link(part.url, part.text || part.url), part.style);
  if (part.type === "emoji") return emoji(part.name);
  if (part.type === "user") return element("span", { class: "mention" }, `@${people.get(part.user_id) || part.user_id}`);
  return part.text || "";
}

function rich(block) {
  return (block.elements || []).map((part) => {
    if (part.type === "rich_text_list") {
      return element(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => element("li", {}, item.elements.map(run))));
    }
    const runs = (part.elements || []).map(run);
    if (part.type === "rich_text_quote") return element("blockquote", {}, runs);
    if (part.type !== "rich_text_preformatted") return element("div", { class: "line" }, runs);
    const plain = part.elements.map((inner) => inner.text || "").join("");
    return isDiff(plain) ? diff(plain) : element("pre", {}, runs);
  });
}

const isDiff = (plain) => /^(@@ |diff --git |--- )/m.test(plain);

export function diff(plain) {
  return element("pre", { class: "diff" }, plain.split("\n").map((line) => element("span", { class: diffClass(line) }, `${line}\n`)));
}

function diffClass(line) {
  if (/^(diff |index |--- |\+\+\+ )/.test(line)) return "meta";
  if (line.startsWith("@@")) return "hunk";
  return { "+": "added", "-": "removed" }[line[0]] || "";
}

function card(task) {
  return element("li", { class: `card ${task.status}` },
    element("span", { class: "icon", "aria-label": task.status }, ICONS[task.status] ?? "•"),
    element("div", {},
      element("div", { class: "card-title" }, task.title),
      task.details ? element("div", { class: "card-note" }, rich(task.details)) : null,
      task.output ? element("div", { class: "card-note output" }, rich(task.output)) : null));
}

function button(part, block, press) {
  const label = text(part.text);
  if (part.url) return element("span", { class: `button ${part.style || ""}` }, link(part.url, label));
  const act = async (event) => {
    const confirm = part.confirm;
    if (confirm && !window.confirm(`${confirm.title?.text || ""}\n\n${confirm.text?.text || ""}`)) return;
    const pressed = event.currentTarget;
    pressed.disabled = true;
    try { await press(part, block); } finally { pressed.disabled = false; }
  };
  return element("button", { type: "button", class: `button ${part.style || ""}`, disabled: !press, onclick: act }, label);
}

const cell = (value) => (value?.type === "rich_text" ? rich(value) : [String(value?.text ?? value?.value ?? "")]);

export function render(block, press) {
  switch (block.type) {
    case "section":
      return element("div", { class: "section" },
        element("div", { class: "section-text" }, text(block.text)),
        block.fields ? element("div", { class: "fields" }, block.fields.map((field) => element("div", {}, text(field)))) : null,
        block.accessory?.type === "button" ? button(block.accessory, block, press) : null);
    case "header": return element("div", { class: "header" }, text(block.text));
    case "context": return element("div", { class: "context" }, block.elements.map((part) => element("span", {}, text(part))));
    case "divider": return element("hr");
    case "actions": return element("div", { class: "actions" }, block.elements.filter((part) => part.type === "button").map((part) => button(part, block, press)));
    case "plan": return element("details", { class: "plan", open: true, "data-key": "plan" }, element("summary", {}, block.title), element("ul", {}, (block.tasks || []).map(card)));
    case "task_card": return element("ul", { class: "plan" }, card(block));
    case "markdown": return element("div", { class: "markdown" }, markdown(block.text));
    case "rich_text": return element("div", { class: "rich" }, rich(block));
    case "alert": return element("div", { class: `alert ${block.level || "default"}` }, text(block.text));
    case "container": return element("details", { class: "container", open: !block.default_collapsed, "data-key": block.title?.text || block.title }, element("summary", {}, block.title?.text || block.title || ""), (block.child_blocks || []).map((child) => render(child, press)));
    case "table":
    case "data_table": return element("div", { class: "table" }, element("table", {}, block.rows.map((row) => element("tr", {}, row.map((value) => element("td", {}, cell(value)))))));
    case "input": return input(block);
    default: return element("div", { class: "muted" }, block.fallback || `(${block.type})`);
  }
}

function input(block) {
  const part = block.element;
  const attributes = { id: `input-${block.block_id}`, placeholder: part.placeholder?.text, "data-block": block.block_id, "data-action": part.action_id, "data-type": part.type };
  let control;
  if (part.type === "static_select") {
    control = element("select", attributes, part.options.map((option) => element("option", { value: option.value }, text(option.text))));
  } else if (part.multiline) {
    control = element("textarea", { ...attributes, rows: "5" }, part.initial_value || "");
  } else {
    control = element("input", { ...attributes, value: part.initial_value || "" });
  }
  return element("div", { class: "input" }, element("label", { for: attributes.id }, text(block.label)), control, element("div", { class: "field-error", "data-error": block.block_id }));
}

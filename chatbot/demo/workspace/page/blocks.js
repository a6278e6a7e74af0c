// Block Kit into elements. `press(element, block)` is called for a press that the app should know of.

import { el, link, safeUrl } from "./dom.js";
import { picker } from "./picker.js";
import { emoji } from "./emoji.js";
import { code, looksLikeDiff } from "./files.js";
import { field } from "./inputs.js";
import { ask } from "./modal.js";
import { channelMention, inline, markdown, mention, mrkdwn, unescape } from "./mrkdwn.js";

export function blocks(list, context) {
  return list.map((block) => el("div", { class: `block block-${block.type}`, data: { block: block.type } }, one(block, context)));
}

function one(block, context) {
  const draw = DRAW[block.type];
  return draw ? draw(block, context) : el("em", { class: "unknown" }, context.fallback || `[${block.type}]`);
}

const DRAW = {
  section(block, context) {
    return [
      block.accessory ? el("div", { class: "accessory" }, element(block.accessory, block, context)) : null,
      block.text ? text(block.text) : null,
      block.fields ? el("div", { class: "fields" }, block.fields.map((part) => el("div", {}, text(part)))) : null,
    ];
  },
  header: (block) => el("h3", {}, plain(block.text)),
  divider: () => el("hr"),
  context: (block, context) => el("div", { class: "context" }, block.elements.map((part) => (part.type === "image" ? image(part, context, "small") : text(part)))),
  actions: (block, context) => el("div", { class: "actions" }, block.elements.map((part) => element(part, block, context))),
  context_actions: (block, context) => el("div", { class: "actions" }, block.elements.map((part) => element(part, block, context))),
  markdown: (block) => markdown(block.text),
  rich_text: (block) => rich(block),
  image: (block, context) => [block.title ? el("div", { class: "image-title" }, plain(block.title)) : null, image(block, context, "large")],
  plan: (block, context) => plan(block, context),
  task_card: (block) => el("div", { class: "plan" }, card(block)),
  table: (block) => table(block.rows, block.column_settings ?? []),
  data_table: (block) => [
    block.caption ? el("div", { class: "image-title" }, plain(block.caption)) : null,
    table(block.rows, [], true),
  ],
  container: (block, context) => container(block, context),
  alert: (block) => el("div", { class: `alert alert-${block.level ?? "default"}`, role: "note" }, text(block.text)),
  card: (block, context) => cardBlock(block, context),
  carousel: (block, context) => el("div", { class: "carousel" }, block.elements.map((part) => cardBlock(part, context))),
  input: (block, context) => field(block, context),
  file: (block) => el("em", { class: "unknown" }, block.external_id ?? "file"),
};

// Texts

export function plain(object) {
  const words = typeof object === "string" ? object : (object?.text ?? "");
  if (object?.emoji === false) return words;
  return words.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));
}

export function text(object) {
  if (typeof object === "string") return el("div", { class: "mrkdwn" }, object);
  return object.type === "mrkdwn" ? mrkdwn(object.text) : el("div", { class: "mrkdwn plain" }, plain(object));
}

// Rich text

export function rich(block) {
  return el("div", { class: "rich" }, (block.elements ?? []).map(richPart));
}

function richPart(part) {
  switch (part.type) {
    case "rich_text_section":
      return el("div", { class: "rich-section", dir: "auto" }, part.elements.map(run));
    case "rich_text_quote":
      return el("blockquote", { dir: "auto" }, part.elements.map(run));
    case "rich_text_preformatted": {
      const words = part.elements.map((item) => item.text ?? item.url ?? "").join("");
      return part.language === "diff" || looksLikeDiff(words) ? code(words, "diff") : el("pre", {}, words);
    }
    case "rich_text_list":
      return el(part.style === "ordered" ? "ol" : "ul", { class: `indent-${Math.min(4, part.indent ?? 0)}` }, part.elements.map((item) => el("li", {}, item.elements.map(run))));
    default:
      return null;
  }
}

function run(item) {
  let node = runNode(item);
  const style = item.style ?? {};
  if (style.code) node = el("code", {}, node);
  if (style.bold) node = el("b", {}, node);
  if (style.italic) node = el("i", {}, node);
  if (style.strike) node = el("s", {}, node);
  return node;
}

function runNode(item) {
  switch (item.type) {
    case "text":
      return item.text;
    case "link":
      return link(item.url, item.text || item.url);
    case "user":
      return mention(item.user_id);
    case "channel":
      return channelMention(item.channel_id);
    case "emoji":
      return emoji(item.name);
    case "broadcast":
      return el("span", { class: "mention" }, `@${item.range}`);
    case "date":
      return item.fallback ?? new Date(item.timestamp * 1000).toLocaleString();
    default:
      return item.text ?? "";
  }
}

// Plans

const MARKS = { pending: "○", in_progress: "", complete: "✓", error: "✕" };
const SAID = { pending: "waiting", in_progress: "under way", complete: "done", error: "failed" };

function plan(block, context) {
  const tasks = block.tasks ?? [];
  const moving = tasks.some((task) => task.status === "in_progress");
  const done = tasks.filter((task) => task.status === "complete").length;
  const box = el(
    "details",
    { class: "plan", open: context.isOpen("plan", true) },
    el("summary", {}, el("span", { class: moving ? "plan-title moving" : "plan-title" }, plain(block.title)), el("span", { class: "plan-count" }, `${done} of ${tasks.length}`)),
    el("ul", {}, tasks.map((task) => el("li", {}, card(task)))),
  );
  box.addEventListener("toggle", () => context.setOpen("plan", box.open));
  return box;
}

function card(task) {
  const more = [task.details, task.output].filter(Boolean);
  return el(
    "div",
    { class: `card task task-${task.status}`, data: { task: task.task_id, status: task.status } },
    el("span", { class: "mark", "aria-label": SAID[task.status] ?? task.status, role: "img" }, MARKS[task.status] ?? "○"),
    el(
      "div",
      { class: "task-words" },
      el("div", { class: "task-title", dir: "auto" }, plain(task.title)),
      more.map((part, index) => el("div", { class: index === more.length - 1 && task.output ? "task-output" : "task-details" }, rich(part))),
      task.sources?.length ? el("div", { class: "sources" }, task.sources.map((source) => link(source.url, source.text))) : null,
    ),
  );
}

// Boxes

function container(block, context) {
  const title = block.rich_text_title ? rich(block.rich_text_title) : plain(block.title);
  const subtitle = block.subtitle ? el("span", { class: "subtitle" }, inline(block.subtitle.text)) : null;
  const inside = el("div", { class: "inside" }, blocks(block.child_blocks, context));
  if (!block.is_collapsible) return el("div", { class: "container" }, el("div", { class: "container-head" }, el("b", {}, title), subtitle), inside);
  const key = `container ${plain(block.title)}`;
  const box = el("details", { class: "container", open: context.isOpen(key, !block.default_collapsed) }, el("summary", { class: "container-head" }, el("b", {}, title), subtitle), inside);
  box.addEventListener("toggle", () => context.setOpen(key, box.open));
  return box;
}

function cardBlock(block, context) {
  return el(
    "div",
    { class: "card-block" },
    block.hero_image ? image(block.hero_image, context, "large") : null,
    el("div", { class: "card-head" }, block.icon ? image(block.icon, context, "small") : null, el("div", {}, block.title ? el("b", {}, text(block.title)) : null, block.subtitle ? el("div", { class: "subtitle" }, text(block.subtitle)) : null)),
    block.body ? text(block.body) : null,
    block.actions ? el("div", { class: "actions" }, block.actions.map((part) => element(part, block, context))) : null,
  );
}

function image(part, context, size) {
  const source = part.slack_file ? context.fileUrl(part.slack_file) : part.image_url;
  const url = source && new URL(source, location.href);
  // The page loads nothing from elsewhere.
  if (!url || url.origin !== location.origin) return source ? link(source, `🖼 ${part.alt_text}`) : el("span", {}, part.alt_text);
  return el("img", { src: url.href, alt: part.alt_text, class: `image-${size}` });
}

function table(rows, settings, hasHead = false) {
  const [first, ...rest] = rows;
  const line = (row, tag) =>
    el("tr", {}, row.map((cell, index) => el(tag, { class: `align-${settings[index]?.align ?? (cell.type === "raw_number" ? "right" : "left")}` }, cellWords(cell))));
  const body = hasHead || rest.length ? [el("thead", {}, line(first, "th")), el("tbody", {}, rest.map((row) => line(row, "td")))] : [el("tbody", {}, line(first, "td"))];
  return el("div", { class: "table-box" }, el("table", {}, body));
}

function cellWords(cell) {
  if (cell.type === "rich_text") return rich(cell);
  return String(cell.text ?? cell.value ?? cell.number ?? "");
}

// Interactive elements

function element(part, block, context) {
  switch (part.type) {
    case "button":
    case "workflow_button":
      return button(part, block, context);
    case "icon_button":
      return el("button", { type: "button", class: "button", title: plain(part.text), data: { actionId: part.action_id }, onclick: () => context.press(part, block) }, part.icon === "trash" ? "🗑" : plain(part.text));
    case "feedback_buttons":
      return ["positive_button", "negative_button"].map((name) =>
        el("button", { type: "button", class: "button", title: plain(part[name].text), onclick: () => context.press({ ...part, value: part[name].value }, block) }, name === "positive_button" ? "👍" : "👎"),
      );
    case "image":
      return image(part, context, "thumb");
    case "static_select":
    case "overflow":
      return menu(part, block, context);
    case "external_select":
      return picker(
        part,
        { data: { actionId: part.action_id ?? "" } },
        (typed) => context.suggest(part, block, typed),
        (option) => context.press({ ...part, selected_option: option }, block),
      );
    default:
      return el("em", { class: "unknown" }, `[${part.type}]`);
  }
}

function button(part, block, context) {
  const props = { class: `button ${part.style ?? ""}`, data: { actionId: part.action_id ?? "" }, "aria-label": part.accessibility_label };
  const press = async (event) => {
    if (part.confirm && !(await ask(part.confirm))) return;
    await context.press(part, block, event?.currentTarget);
  };
  if (part.url && safeUrl(part.url)) {
    return el("a", { ...props, href: safeUrl(part.url), target: "_blank", rel: "noopener noreferrer", onclick: press }, plain(part.text), el("span", { class: "out", "aria-hidden": "true" }, "↗"));
  }
  return el("button", { ...props, type: "button", onclick: press }, plain(part.text));
}

function menu(part, block, context) {
  const choose = el(
    "select",
    { "aria-label": plain(part.placeholder) || "Choose", data: { actionId: part.action_id ?? "" } },
    el("option", { value: "" }, plain(part.placeholder) || "⋯"),
    part.options.map((option) => el("option", { value: option.value, selected: part.initial_option?.value === option.value }, plain(option.text))),
  );
  choose.addEventListener("change", () => {
    const chosen = part.options.find((option) => option.value === choose.value);
    if (chosen) context.press({ ...part, selected_option: chosen }, block);
  });
  return choose;
}

export { unescape };

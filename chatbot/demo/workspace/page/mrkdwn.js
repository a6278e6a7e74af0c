// Slack's mrkdwn, and Markdown of markdown blocks, into elements.

import { el, link } from "./dom.js";
import { emoji } from "./emoji.js";

let names = { users: new Map(), channels: new Map() };

export function setNames(users, channels) {
  names = { users, channels };
}

export function mention(id, label) {
  const user = names.users.get(id);
  return el("span", { class: "mention" }, `@${user ? user.real_name : (label ?? id)}`);
}

export function channelMention(id, label) {
  return el("span", { class: "mention" }, `#${names.channels.get(id)?.name ?? label ?? id}`);
}

export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\n]+)>",
    ":([a-z0-9_+-]+(?:::skin-tone-\\d)?):",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]*[^*\\s])\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]*[^_\\s])_(?![\\w_])",
    "(?<![\\w~])~(?=\\S)([^~\\n]*[^~\\s])~(?![\\w~])",
  ].join("|"),
  "g",
);

export function inline(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    out.push(unescape(text.slice(at, match.index)));
    at = match.index + match[0].length;
    const [, code, control, name, bold, italic, strike] = match;
    if (code !== undefined) out.push(el("code", {}, unescape(code.replace(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, url, label) => label ?? url))));
    else if (control !== undefined) out.push(sequence(control));
    else if (name !== undefined) out.push(emoji(name));
    else if (bold !== undefined) out.push(el("b", {}, inline(bold)));
    else if (italic !== undefined) out.push(el("i", {}, inline(italic)));
    else out.push(el("s", {}, inline(strike)));
  }
  out.push(unescape(text.slice(at)));
  return out.filter((part) => part !== "");
}

function sequence(control) {
  const bar = control.indexOf("|");
  const head = bar < 0 ? control : control.slice(0, bar);
  const label = bar < 0 ? undefined : unescape(control.slice(bar + 1));
  if (head.startsWith("@")) return mention(head.slice(1), label);
  if (head.startsWith("#")) return channelMention(head.slice(1), label);
  if (head.startsWith("!date^")) return date(head.split("^"), label);
  if (head.startsWith("!")) return el("span", { class: "mention" }, `@${label ?? head.slice(1)}`);
  return link(unescape(head), label ?? unescape(head).replace(/^mailto:/, ""));
}

function date([, seconds, format], fallback) {
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? "";
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => (name.startsWith("time") ? time : name.startsWith("date") ? dayWords(at, name) : whole));
  return el("time", { datetime: at.toISOString(), title: at.toLocaleString() }, words);
}

// As Slack says it: a pretty date names the days around today.
function dayWords(at, name) {
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(Date.now())) / 86_400_000);
  const near = new Map([[-1, "yesterday"], [0, "today"], [1, "tomorrow"]]).get(days);
  if (name.includes("pretty") && near) return near;
  return at.toLocaleDateString([], { year: "numeric", month: name.includes("short") ? "short" : "long", day: "numeric" });
}

export function mrkdwn(text) {
  const box = el("div", { class: "mrkdwn", dir: "auto" });
  text.split("```").forEach((part, index, all) => {
    const fenced = index % 2 === 1 && index < all.length - 1;
    if (fenced) box.append(el("pre", {}, unescape(part.replace(/^\n/, "").replace(/\n$/, ""))));
    else paragraphs(index % 2 === 1 ? "```" + part : part, box);
  });
  return box;
}

function paragraphs(text, box) {
  let quote = null;
  const lines = text.split("\n");
  lines.forEach((line, index) => {
    const quoted = line.match(/^(?:&gt;|>)\s?(.*)$/);
    if (quoted) {
      if (!quote) box.append((quote = el("blockquote")));
      else quote.append(el("br"));
      quote.append(...inline(quoted[1]));
      return;
    }
    const after = quote !== null;
    quote = null;
    if (line === "" && index === lines.length - 1) return;
    if (index > 0 && !after) box.append(el("br"));
    box.append(...inline(line));
  });
}

// Markdown

const MD = new RegExp(
  [
    "`([^`\\n]+)`",
    "\\[([^\\]\\n]+)\\]\\((\\S+?)\\)",
    "\\*\\*(?=\\S)(.+?)\\*\\*",
    "~~(?=\\S)(.+?)~~",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]+?)\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]+?)_(?![\\w_])",
    "(https?://[^\\s<>()\\]]+[^\\s<>()\\].,;:!?])",
    ":([a-z0-9_+-]{2,}):",
  ].join("|"),
  "g",
);

function mdInline(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(MD)) {
    out.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    const [, code, label, url, bold, strike, star, under, bare, name] = match;
    if (code !== undefined) out.push(el("code", {}, code));
    else if (label !== undefined) out.push(link(url, mdInline(label)));
    else if (bold !== undefined) out.push(el("b", {}, mdInline(bold)));
    else if (strike !== undefined) out.push(el("s", {}, mdInline(strike)));
    else if (star !== undefined || under !== undefined) out.push(el("i", {}, mdInline(star ?? under)));
    else if (bare !== undefined) out.push(link(bare, bare));
    else out.push(emoji(name));
  }
  out.push(text.slice(at));
  return out.filter((part) => part !== "");
}

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;

export function markdown(text) {
  const box = el("div", { class: "markdown" });
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  let index = 0;
  while (index < lines.length) index = mdBlock(lines, index, box);
  return box;
}

function mdBlock(lines, index, box) {
  const line = lines[index];
  const fence = line.match(/^\s*(```+|~~~+)/);
  if (fence) return mdFence(lines, index, fence[1], box);
  const heading = line.match(/^(#{1,6})\s+(.*)$/);
  if (heading) {
    box.append(el(`h${Math.min(6, heading[1].length + 2)}`, { dir: "auto" }, mdInline(heading[2])));
    return index + 1;
  }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
    box.append(el("hr"));
    return index + 1;
  }
  if (/^\s*>/.test(line)) {
    const quoted = [];
    while (index < lines.length && /^\s*>/.test(lines[index])) quoted.push(lines[index++].replace(/^\s*>\s?/, ""));
    box.append(el("blockquote", {}, markdown(quoted.join("\n"))));
    return index;
  }
  if (ITEM.test(line)) return mdList(lines, index, box);
  if (line.includes("|") && /^[\s|:-]+-[\s|:-]*$/.test(lines[index + 1] ?? "")) return mdTable(lines, index, box);
  if (line.trim() === "") return index + 1;
  const words = [];
  while (index < lines.length && lines[index].trim() !== "" && !/^(\s*(```|~~~|>)|#{1,6}\s)/.test(lines[index]) && !ITEM.test(lines[index])) {
    if (words.length) words.push(el("br"));
    words.push(...mdInline(lines[index++]));
  }
  box.append(el("p", { dir: "auto" }, words));
  return index;
}

function mdFence(lines, index, mark, box) {
  const code = [];
  let at = index + 1;
  while (at < lines.length && !lines[at].trim().startsWith(mark)) code.push(lines[at++]);
  box.append(el("pre", {}, code.join("\n")));
  return at + 1;
}

function mdList(lines, index, box) {
  const stack = [];
  while (index < lines.length) {
    const item = lines[index].match(ITEM);
    if (!item) break;
    const depth = item[1].length;
    while (stack.length && stack.at(-1).depth > depth) stack.pop();
    if (!stack.length || stack.at(-1).depth < depth) {
      const list = el(/\d/.test(item[2]) ? "ol" : "ul");
      (stack.at(-1)?.list.lastElementChild ?? box).append(list);
      stack.push({ depth, list });
    }
    const task = item[3].match(/^\[([ xX])\]\s+(.*)$/);
    stack.at(-1).list.append(el("li", { dir: "auto" }, task ? [task[1] === " " ? "☐ " : "☑ ", mdInline(task[2])] : mdInline(item[3])));
    index += 1;
  }
  return index;
}

function mdTable(lines, index, box) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const table = el("table", {}, el("thead", {}, el("tr", {}, cells(lines[index]).map((cell) => el("th", {}, mdInline(cell))))));
  const body = el("tbody");
  let at = index + 2;
  while (at < lines.length && lines[at].includes("|")) body.append(el("tr", {}, cells(lines[at++]).map((cell) => el("td", {}, mdInline(cell)))));
  table.append(body);
  box.append(el("div", { class: "table-box" }, table));
  return at;
}

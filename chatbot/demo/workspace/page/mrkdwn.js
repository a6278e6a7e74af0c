// Slack's mrkdwn, and the Markdown of `markdown` blocks, as elements.

import { element, link } from "./dom.js";

const EMOJI = {
  eyes: "👀", white_check_mark: "✅", x: "❌", warning: "⚠️", hourglass: "⏳", rocket: "🚀", gear: "⚙️",
  mag: "🔍", memo: "📝", tada: "🎉", no_entry: "⛔", octagonal_sign: "🛑", hourglass_flowing_sand: "⏳",
  arrow_right: "➡️", speech_balloon: "💬", page_facing_up: "📄", bulb: "💡", red_circle: "🔴",
  large_yellow_circle: "🟡", large_green_circle: "🟢", lock: "🔒", wave: "👋", "+1": "👍",
};
export const people = new Map();
export const channels = new Map();

export const emoji = (name) => EMOJI[name] || `:${name}:`;
const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

function mention(code) {
  const [target, label] = code.split("|");
  if (target.startsWith("@")) return element("span", { class: "mention" }, `@${people.get(target.slice(1)) || label || target.slice(1)}`);
  if (target.startsWith("#")) return element("span", { class: "mention" }, `#${label || channels.get(target.slice(1)) || target.slice(1)}`);
  if (target.startsWith("!date^")) {
    const at = new Date(Number(target.split("^")[1]) * 1000);
    return element("span", {}, Number.isNaN(at.getTime()) ? unescape(label || "") : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  }
  if (target.startsWith("!")) return element("span", { class: "mention loud" }, `@${target.slice(1)}`);
  return link(unescape(target), unescape(label || target));
}

const INLINE = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|(?<![\w~])~([^~\n]+)~(?![\w~])|:([a-z0-9_+-]+):/g;

function inline(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(unescape(text.slice(at, match.index)));
    at = match.index + match[0].length;
    const [, fence, code, special, bold, italic, strike, name] = match;
    if (fence !== undefined) found.push(element("pre", {}, unescape(fence.replace(/^\n/, ""))));
    else if (code !== undefined) found.push(element("code", {}, unescape(code)));
    else if (special !== undefined) found.push(mention(special));
    else if (bold !== undefined) found.push(element("strong", {}, inline(bold)));
    else if (italic !== undefined) found.push(element("em", {}, inline(italic)));
    else if (strike !== undefined) found.push(element("s", {}, inline(strike)));
    else found.push(emoji(name));
  }
  found.push(unescape(text.slice(at)));
  return found.flat();
}

export function mrkdwn(text) {
  const parts = [];
  let quote = null;
  for (const line of splitOutsideFences(text)) {
    const quoted = /^&gt; ?(.*)$/s.exec(line);
    if (quoted) {
      if (!quote) parts.push((quote = element("blockquote")));
      quote.append(...inline(quoted[1]), element("br"));
    } else {
      quote = null;
      parts.push(element("div", { class: "line" }, inline(line)));
    }
  }
  return parts;
}

function splitOutsideFences(text) {
  const lines = [];
  let open = false;
  for (const line of text.split("\n")) {
    if (open) lines[lines.length - 1] += `\n${line}`;
    else lines.push(line);
    if ((line.match(/```/g) || []).length % 2) open = !open;
  }
  return lines;
}

const MARK = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|\[([^\]\n]+)\]\(([^)\s]+)\)|\\([\\`*_{}[\]()#+\-.!<>|~@:&])/g;

function marks(text) {
  const found = [];
  let at = 0;
  for (const match of text.matchAll(MARK)) {
    found.push(unescape(text.slice(at, match.index)));
    at = match.index + match[0].length;
    const [, code, bold, star, under, label, address, plain] = match;
    if (code !== undefined) found.push(element("code", {}, code));
    else if (bold !== undefined) found.push(element("strong", {}, marks(bold)));
    else if (star ?? under) found.push(element("em", {}, marks(star ?? under)));
    else if (label !== undefined) found.push(link(address, marks(label)));
    else found.push(plain);
  }
  found.push(unescape(text.slice(at)));
  return found.flat();
}

export function markdown(text) {
  const parts = [];
  const lines = text.split("\n");
  let list = null;
  let paragraph = null;
  const end = () => { list = null; paragraph = null; };
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i];
    const heading = /^(#{1,6}) +(.*)$/.exec(line);
    const item = /^\s*(?:[-*+]|(\d+)[.)]) +(.*)$/.exec(line);
    if (/^\s*```/.test(line)) {
      const start = i + 1;
      do i += 1; while (i < lines.length && !/^\s*```/.test(lines[i]));
      parts.push(element("pre", {}, lines.slice(start, i).join("\n")));
      end();
    } else if (heading) {
      parts.push(element("div", { class: "heading" }, marks(heading[2])));
      end();
    } else if (item) {
      const kind = item[1] ? "ol" : "ul";
      if (!list || list.localName !== kind) parts.push((list = element(kind)));
      list.append(element("li", {}, marks(item[2])));
      paragraph = null;
    } else if (/^\s*>/.test(line)) {
      parts.push(element("blockquote", {}, marks(line.replace(/^\s*> ?/, ""))));
      end();
    } else if (line.trim() === "") {
      end();
    } else {
      list = null;
      if (!paragraph) parts.push((paragraph = element("p")));
      else paragraph.append(" ");
      paragraph.append(...marks(line));
    }
  }
  return parts;
}

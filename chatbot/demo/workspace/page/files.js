// Files of a message: text as a snippet, diffs in colours, pictures as pictures.

import { el } from "./dom.js";

const SHOWN_LINES = 12;

export function looksLikeDiff(words) {
  return /^(diff --git |@@ )/m.test(words);
}

export function code(words, kind) {
  const pre = el("pre", { class: kind === "diff" ? "diff" : "" });
  if (kind !== "diff") {
    pre.append(words);
    return pre;
  }
  pre.append(...diffLines(words.split("\n")));
  return pre;
}

function diffLines(lines) {
  let inHunk = false;
  return lines.map((line) => {
    if (line.startsWith("diff --git ")) inHunk = false;
    if (line.startsWith("@@")) inHunk = true;
    return el("span", { class: `line ${lineKind(line, inHunk)}` }, line === "" ? "\u00a0" : line);
  });
}

function lineKind(line, inHunk) {
  if (line.startsWith("@@")) return "hunk";
  if (!inHunk) return "meta";
  if (line.startsWith("+")) return "added";
  if (line.startsWith("-")) return "removed";
  return "same";
}

export function file(entry, context) {
  const head = el(
    "div",
    { class: "file-head" },
    el("span", { class: "file-icon", "aria-hidden": "true" }, "📄"),
    el("div", {}, el("b", {}, entry.title || entry.name), el("div", { class: "subtitle" }, `${entry.pretty_type ?? entry.filetype ?? "File"} · ${bytes(entry.size)}`)),
    el("a", { class: "button", href: `${entry.url}?page=1`, download: entry.name, "aria-label": `Download ${entry.name}` }, "Download"),
  );
  const box = el("div", { class: "file", data: { file: entry.id } }, head);
  if (entry.is_image) box.append(el("img", { class: "image-large", src: `${entry.url}?page=1&inline=1`, alt: entry.alt_txt ?? entry.name }));
  else if (entry.preview) box.append(...snippet(entry, context));
  return box;
}

function snippet(entry, context) {
  const kind = entry.filetype === "diff" || looksLikeDiff(entry.preview) ? "diff" : "text";
  const lines = entry.preview.replace(/\n$/, "").split("\n");
  const key = `file ${entry.id}`;
  const holder = el("div", { class: "snippet" });
  const draw = () => {
    const all = context.isOpen(key, false);
    const shown = all ? lines : lines.slice(0, SHOWN_LINES);
    holder.replaceChildren(code(shown.join("\n"), kind));
    if (lines.length <= SHOWN_LINES) return;
    const words = all ? "Show less" : `Show all ${lines.length} lines`;
    const toggle = () => {
      context.setOpen(key, !all);
      draw();
    };
    holder.append(el("button", { type: "button", class: "more", onclick: toggle }, words));
  };
  draw();
  return [holder];
}

export function bytes(size) {
  if (size < 1024) return `${size} B`;
  return size < 1024 ** 2 ? `${(size / 1024).toFixed(1)} kB` : `${(size / 1024 ** 2).toFixed(1)} MB`;
}

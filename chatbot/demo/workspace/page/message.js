// One message, in the channel or in its thread.

import { clockTime, el } from "./dom.js";
import { blocks } from "./blocks.js";
import { emoji, PICKS } from "./emoji.js";
import { file } from "./files.js";
import { mrkdwn } from "./mrkdwn.js";

const COLOURS = ["#1264a3", "#2bac76", "#cd2553", "#7c3085", "#b2641d"];

export function avatar(user) {
  if (user.is_bot) return el("span", { class: "avatar avatar-bot", "aria-hidden": "true" }, user.icon ?? "🧵");
  const colour = [...user.id].reduce((sum, char) => sum + char.charCodeAt(0), 0) % COLOURS.length;
  return el("span", { class: `avatar avatar-${colour}`, "aria-hidden": "true" }, user.real_name.slice(0, 1));
}

// `place` knows people, who looks, and what presses do.
export function message(item, place, { inThread, follows }) {
  // Other apps may speak without being a user.
  const user = item.user ? place.user(item.user) : { id: item.bot_id ?? "", real_name: item.username ?? "An app", is_bot: true, icon: "🤖" };
  const isGone = item.subtype === "tombstone";
  const context = place.context(item);
  return el(
    "article",
    { class: `message${follows ? " follows" : ""}${item.ephemeral ? " ephemeral" : ""}`, data: { ts: item.ts }, tabindex: -1 },
    item.ephemeral ? el("div", { class: "only-you" }, "👁 Only visible to you") : null,
    el("div", { class: "gutter" }, follows ? el("time", { class: "side-time" }, clockTime(item.ts)) : isGone ? el("span", { class: "avatar avatar-gone", "aria-hidden": "true" }, "🗑") : avatar(user)),
    el(
      "div",
      { class: "content" },
      follows || isGone ? null : head(item, user),
      isGone ? el("em", { class: "unknown" }, "This message was deleted.") : body(item, context),
      (item.files ?? []).map((entry) => file(entry, context)),
      reactions(item, place),
      inThread || !item.reply_count ? null : replies(item, place),
    ),
    item.ephemeral || isGone ? null : tools(item, place, inThread),
  );
}

function head(item, user) {
  return el(
    "div",
    { class: "head" },
    el("b", { class: "author" }, user.real_name),
    user.is_bot ? el("span", { class: "badge" }, "APP") : null,
    el("time", { title: new Date(Number(item.ts) * 1000).toLocaleString() }, clockTime(item.ts)),
  );
}

function body(item, context) {
  if (item.attachments?.length) return el("div", { class: "words" }, mrkdwn(item.text ?? ""), item.attachments.map(attachment));
  const own = item.bot_id ? (item.blocks ?? []) : [];
  const edited = item.edited && !item.bot_id ? el("span", { class: "edited" }, " (edited)") : null;
  if (own.length) return el("div", { class: "blocks" }, blocks(own, context), edited);
  const words = mrkdwn(item.text ?? "");
  // Behind the last word, as Slack has it.
  if (edited) words.append(edited);
  return item.text || edited ? el("div", { class: "words" }, words) : null;
}

function attachment(part) {
  const title = part.title ? el("b", {}, part.title) : null;
  return el("div", { class: "attachment" }, title, mrkdwn(part.text ?? part.fallback ?? ""));
}

function reactions(item, place) {
  if (!item.reactions?.length) return null;
  return el(
    "div",
    { class: "reactions" },
    item.reactions.map((reaction) => {
      const mine = reaction.users.includes(place.me.id);
      const who = reaction.users.map((id) => place.user(id).real_name).join(", ");
      return el(
        "button",
        { type: "button", class: `reaction${mine ? " mine" : ""}`, title: `${who} reacted with :${reaction.name}:`, data: { reaction: reaction.name }, "aria-pressed": mine ? "true" : "false", onclick: () => place.react(item, reaction.name, !mine) },
        emoji(reaction.name),
        el("span", {}, String(reaction.count)),
      );
    }),
  );
}

function replies(item, place) {
  const people = (item.reply_users ?? []).slice(0, 4).map((id) => avatar(place.user(id)));
  const count = item.reply_count === 1 ? "1 reply" : `${item.reply_count} replies`;
  return el(
    "button",
    { type: "button", class: "replies", onclick: () => place.openThread(item.ts) },
    people,
    el("b", {}, count),
    el("span", { class: "subtitle" }, `Last reply ${clockTime(item.latest_reply)}`),
  );
}

function tools(item, place, inThread) {
  const mine = item.user === place.me.id;
  const tool = (label, sign, act) => el("button", { type: "button", class: "quiet", title: label, "aria-label": label, onclick: act }, sign);
  return el(
    "div",
    { class: "tools", role: "toolbar", "aria-label": "Message" },
    PICKS.slice(0, 3).map((name) => tool(`React with :${name}:`, emoji(name), () => place.react(item, name, true))),
    inThread ? null : tool("Reply in thread", "💬", () => place.openThread(item.ts)),
    place.shortcuts().map((one) => tool(one.name, "⚡", () => place.shortcut(item, one))),
    mine ? tool("Edit", "✎", () => place.edit(item)) : null,
    mine ? tool("Delete", "🗑", () => place.remove(item)) : null,
  );
}

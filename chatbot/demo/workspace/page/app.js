// The page: channels, messages, one thread, and what a person writes.

import { listen, post, readMessages, readState, readThread, upload, who } from "./api.js";
import { element } from "./dom.js";
import { closeModal, openModal } from "./modal.js";
import { messageBox, show } from "./messages.js";
import { channels, people } from "./mrkdwn.js";

const $ = (id) => document.getElementById(id);
let state = null;
let channel = null;
let thread = null;
let lastPosted = null;

function failed(error) {
  const box = element("div", { class: "toast", role: "alert" }, error.message);
  document.body.append(box);
  setTimeout(() => box.remove(), 6000);
}

async function showChannel() {
  const { messages } = await readMessages(channel);
  show($("messages"), messages.map((message) => messageBox(message, channel, { openThread, failed })));
}

async function showThread() {
  if (!thread) return;
  const at = thread;
  const { messages } = await readThread(channel, at);
  if (at === thread) show($("replies"), messages.map((message) => messageBox(message, channel, { failed })));
}

async function openThread(ts) {
  thread = ts;
  $("thread").hidden = false;
  $("replies").replaceChildren();
  await showThread();
  $("replies").scrollTop = $("replies").scrollHeight;
}

function composer(form, placeholder, send) {
  const area = element("textarea", { rows: "2", placeholder, "aria-label": placeholder });
  const file = element("input", { type: "file", hidden: true });
  const chosen = element("span", { class: "muted" });
  const submit = async () => {
    const text = area.value.trim();
    if (!text && !file.files.length) return;
    try {
      await send(text, file.files[0]);
      area.value = "";
      file.value = "";
      chosen.textContent = "";
    } catch (error) { failed(error); }
  };
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
    if (event.key === "Tab" && /(^|\s)@\w*$/.test(area.value)) {
      event.preventDefault();
      area.value = area.value.replace(/@\w*$/, "@Threadsmith ");
    }
  });
  file.addEventListener("change", () => { chosen.textContent = file.files[0]?.name || ""; });
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  form.replaceChildren(area, element("div", { class: "row" },
    element("button", { type: "button", class: "plain", title: "Attach a file", "aria-label": "Attach a file", onclick: () => file.click() }, "+"),
    file, chosen, element("span", { class: "grow muted" }, "Enter sends, Shift+Enter starts a new line, @ then Tab: @Threadsmith"),
    element("button", { class: "button primary" }, "Send")));
  return area;
}

function fillSidebar() {
  $("channels").replaceChildren(...state.channels.map((one) =>
    element("button", { type: "button", class: `channel${one.id === channel ? " here" : ""}`, "aria-current": one.id === channel ? "true" : null, onclick: () => choose(one.id) },
      `${one.kind === "im" ? "●" : "#"} ${one.name}`)));
  const here = state.channels.find((one) => one.id === channel);
  $("channel-name").textContent = `${here.kind === "im" ? "" : "# "}${here.name}`;
}

async function choose(id) {
  channel = id;
  thread = null;
  $("thread").hidden = true;
  fillSidebar();
  await showChannel();
  $("messages").scrollTop = $("messages").scrollHeight;
}

async function heard(change) {
  if (change.type === "view") return openModal(change.view, failed);
  if (change.type === "view_closed") return closeModal(change.view_id);
  if (change.channel !== channel) return undefined;
  if (change.thread_ts && change.thread_ts === lastPosted && thread !== lastPosted) await openThread(lastPosted);
  await showChannel();
  if (thread && [change.thread_ts, change.ts].includes(thread)) await showThread();
  return undefined;
}

async function start() {
  state = await readState();
  for (const person of state.people) people.set(person.id, person.real_name);
  for (const one of state.channels) channels.set(one.id, one.name);
  $("notice").textContent = state.notice;
  $("person").replaceChildren(...state.people.filter((one) => !one.is_bot).map((one) =>
    element("option", { value: one.name, selected: one.id === state.me.id }, one.real_name)));
  $("person").addEventListener("change", (event) => { location.search = `?as=${encodeURIComponent(event.target.value)}`; });
  const area = composer($("composer"), "Write a message", async (text, file) => {
    const values = { channel, text };
    lastPosted = (await (file ? upload(file, values) : post(values))).ts;
  });
  composer($("reply-composer"), "Reply in the thread", (text, file) => {
    const values = { channel, text, thread_ts: thread };
    return file ? upload(file, values) : post(values);
  });
  $("suggestions").replaceChildren(...state.suggestions.map((words) =>
    element("button", { type: "button", class: "suggestion", onclick: () => { area.value = words; area.focus(); } }, words)));
  $("close-thread").addEventListener("click", () => { thread = null; $("thread").hidden = true; });
  who.id = state.me.id;
  await choose(state.channels[0].id);
  listen(heard, (connected) => {
    document.body.classList.toggle("offline", !connected);
    if (connected) { showChannel(); showThread(); }
  });
  area.focus();
}

start().catch(failed);

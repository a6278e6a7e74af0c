// The page: channels, messages, one thread, and what a person writes and presses.

import * as api from "./api.js";
import { composer } from "./composer.js";
import { el, toast } from "./dom.js";
import { Home } from "./home.js";
import { List } from "./list.js";
import { avatar } from "./message.js";
import { editMessage } from "./editing.js";
import { closeView, showView } from "./modal.js";
import { setPlaces, values } from "./inputs.js";
import { setNames } from "./mrkdwn.js";

const $ = (id) => document.getElementById(id);

let state;
let users = new Map();
let channel = null;
let thread = null;
let ownPost = null;
let app = { commands: [], shortcuts: [] };
let home;
const unread = new Set();
const opened = new Map();
const statuses = new Map();

// What a message may ask for.

const tell = (work) => work.catch((error) => toast(error.message));

const place = {
  get me() {
    return state.me;
  },
  user: (id) => users.get(id) ?? { id, name: id, real_name: id, is_bot: false },
  openThread: (ts) => openThread(ts),
  react: (item, name, on) => tell(api.react({ channel, ts: item.ts, name, on })),
  shortcuts: () => app.shortcuts.filter((one) => one.type === "message"),
  shortcut: (item, one) => tell(api.shortcut({ channel, ts: item.ts, callback_id: one.callback_id })),
  remove: (item) => tell(api.remove({ channel, ts: item.ts })),
  edit: (item) => editMessage(item, users, (text) => api.edit({ channel, ts: item.ts, text })),
  context(item) {
    return {
      fallback: item.text,
      fileUrl: (file) => file.url,
      ...memory(item.ts),
      suggest: (part, block, value) => api.suggest({ channel, ts: item.ts, action_id: part.action_id, value }),
      async press(part, block, node) {
        if (node) node.classList.add("pressed");
        const values = { channel, ts: item.ts, block_id: block.block_id, action_id: part.action_id, selected_option: part.selected_option };
        await tell(api.click(values));
        if (node) node.classList.remove("pressed");
      },
    };
  },
};

// What is folded out stays so, whatever is drawn anew.
function memory(owner) {
  return {
    isOpen: (key, otherwise) => opened.get(`${owner} ${key}`) ?? otherwise,
    setOpen: (key, open) => opened.set(`${owner} ${key}`, open),
  };
}

const viewContext = {
  ...memory("view"),
  fallback: "",
  fileUrl: () => null,
  press: (view, form, part) => tell(api.click({ view_id: view.id, action_id: part.action_id, selected_option: part.selected_option, values: values(form) })),
  suggest: (view, part, value) => api.suggest({ view_id: view.id, action_id: part.action_id, value }),
  submit: (view, values) => api.submit({ view_id: view.id, values }),
  close: (view) => tell(api.close({ view_id: view.id })),
};

const messages = new List($("messages"), place, { inThread: false });
const replies = new List($("replies"), place, { inThread: true });

// Reading: one request at a time for each list, and one more where something changed meanwhile.

function reader(read) {
  let running = false;
  let again = false;
  return async (opening = false) => {
    if (running) {
      again = again || "quiet";
      if (opening) again = "opening";
      return;
    }
    running = true;
    try {
      await read(opening);
    } catch (error) {
      toast(error.message);
    }
    running = false;
    if (again) {
      const next = again === "opening";
      again = false;
      drawing(read)(next);
    }
  };
}

const readers = new Map();

function drawing(read) {
  if (!readers.has(read)) readers.set(read, reader(read));
  return readers.get(read);
}

async function readChannel(opening) {
  const at = channel;
  const found = await api.readMessages(at);
  if (at !== channel) return;
  messages.show(found.messages, opening);
  $("messages").classList.toggle("empty", !found.messages.length);
  // Whoever asked sees the first answer without a click.
  const answered = found.messages.some((one) => one.ts === ownPost && one.reply_count);
  if (answered && thread === null) openThread(ownPost);
  if (answered) ownPost = null;
}

async function readThread(opening) {
  const at = thread;
  if (at === null) return;
  const found = await api.readMessages(channel, at);
  if (at === thread) replies.show(found.messages, opening);
}

const drawChannel = (opening) => drawing(readChannel)(opening);
const drawThread = (opening) => drawing(readThread)(opening);

// Going to places

function choose(id) {
  channel = id;
  unread.delete(id);
  history.replaceState(null, "", `#${id}`);
  closeThread();
  messages.clear();
  drawSidebar();
  drawStatus();
  home.enter(here().kind === "im");
  drawChannel(true);
}

function openThread(ts) {
  thread = ts;
  $("thread").hidden = false;
  document.body.classList.add("with-thread");
  replies.clear();
  drawStatus();
  drawThread(true);
  writers.reply.focus();
}

function closeThread() {
  thread = null;
  $("thread").hidden = true;
  document.body.classList.remove("with-thread");
}

function here() {
  return state.channels.find((one) => one.id === channel);
}

function drawSidebar() {
  const entry = (one) =>
    el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: `${one.id === channel ? "here" : ""} ${unread.has(one.id) ? "unread" : ""}`, data: { channel: one.id }, "aria-current": one.id === channel ? "page" : null, onclick: () => choose(one.id) },
        el("span", { class: "sign", "aria-hidden": "true" }, one.kind === "im" ? "🧵" : "#"),
        one.name,
      ),
    );
  $("channels").replaceChildren(...state.channels.filter((one) => one.kind !== "im").map(entry));
  $("directs").replaceChildren(...state.channels.filter((one) => one.kind === "im").map(entry));
  const name = here().kind === "im" ? here().name : `# ${here().name}`;
  $("channel-name").textContent = name;
  $("thread-channel").textContent = name;
}

function drawPeople() {
  const people = state.people.filter((one) => !one.is_bot);
  $("people").replaceChildren(
    ...people.map((one) => {
      const mine = one.id === state.me.id;
      return el("li", {}, el("button", { type: "button", role: "radio", class: mine ? "here" : "", data: { person: one.name }, "aria-checked": mine ? "true" : "false", onclick: () => become(one) }, avatar(one), one.real_name));
    }),
  );
}

function become(person) {
  if (person.id === state.me.id) return;
  const hash = here().kind === "im" ? "" : `#${channel}`;
  location.assign(`${location.pathname}?as=${encodeURIComponent(person.name)}${hash}`);
}

function drawStatus() {
  const words = thread === null ? "" : (statuses.get(`${channel} ${thread}`) ?? "");
  $("thread-status").textContent = words;
}

// What the app says it is doing stands until it speaks, or for as long as Slack shows it.
function setStatus(key, { status, seconds }) {
  statuses.set(key, status);
  setTimeout(() => {
    if (statuses.get(key) === status) statuses.delete(key);
    drawStatus();
  }, seconds * 1000);
  drawStatus();
}

// What the workspace tells

function heard(change) {
  if (change.type === "view") return showView(change.view, viewContext);
  if (change.type === "home" || change.type === "prompts") return home.heard();
  if (change.type === "view_closed") return closeView(change.view_id);
  if (change.type === "status") {
    return setStatus(`${change.channel} ${change.thread_ts}`, change);
  }
  if (change.channel !== channel) {
    unread.add(change.channel);
    return drawSidebar();
  }
  drawChannel();
  if (thread !== null && [change.thread_ts, change.ts].includes(thread)) drawThread();
  return undefined;
}

const writers = {};

function drawWriters() {
  const names = () => state.people.filter((one) => one.id !== state.me.id).map((one) => (one.is_bot ? one.real_name : one.name));
  const write = (values, files) => {
    if (values.text.startsWith("/") && !files.length) return api.command(values);
    return files.length ? api.upload(files, values) : api.post(values);
  };
  const anywhere = app.shortcuts.filter((one) => one.type === "global");
  const shortcuts = anywhere.map((one) => ({ ...one, run: () => tell(api.shortcut({ callback_id: one.callback_id })) }));
  writers.channel = composer($("composer"), "Write a message", names, async (text, files) => {
    ownPost = (await write({ channel, text }, files)).ts ?? null;
    drawChannel(true);
  }, { commands: app.commands, shortcuts });
  writers.reply = composer($("reply-composer"), "Reply in the thread", names, async (text, files) => {
    await write({ channel, text, thread_ts: thread }, files);
    drawThread(true);
  });
}

function drawSuggestions() {
  if (!state.suggestions.length) return;
  const fill = (words) => {
    if (here().kind !== "channel") choose(state.channels[0].id);
    writers.channel.fill(words);
  };
  $("suggestions").replaceChildren(
    el("span", { class: "try" }, "Try:"),
    ...state.suggestions.map((words) => el("button", { type: "button", class: "suggestion", onclick: () => fill(words) }, words)),
  );
}

async function start() {
  [state, app] = await Promise.all([api.readState(), api.readApp()]);
  users = new Map(state.people.map((one) => [one.id, one]));
  setNames(users, new Map(state.channels.map((one) => [one.id, one])));
  setPlaces(() => ({ channels: state.channels, current: channel }));
  $("notice").textContent = state.notice;
  drawWriters();
  home = new Home({ tabs: $("tabs"), box: $("home"), prompts: $("prompts"), context: viewContext, fill: (words) => writers.channel.fill(words) });
  drawPeople();
  drawSuggestions();
  const [wanted, at] = location.hash.slice(1).split("/");
  choose(state.channels.some((one) => one.id === wanted) ? wanted : state.channels[0].id);
  if (at && channel === wanted) openThread(at);
  $("close-thread").addEventListener("click", closeThread);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && thread !== null) closeThread();
  });
  for (const view of state.views ?? []) showView(view, viewContext);
  let wasLost = false;
  api.listen(heard, (connected) => {
    $("offline").hidden = connected;
    if (connected && wasLost) {
      drawChannel();
      drawThread();
    }
    wasLost = !connected;
  });
  writers.channel.focus();
}

start().catch((error) => toast(error.message));

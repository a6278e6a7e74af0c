// What the page asks the workspace for, and what it is told.

export const me = new URLSearchParams(location.search).get("as") || "ada";

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { "X-Page": "1", ...options.headers } });
  const given = await answer.json();
  if (!given.ok && !given.errors) throw new Error(given.error || "The workspace does not answer.");
  return given;
}

const query = (values) => new URLSearchParams({ as: me, ...values }).toString();

const send = (path, values) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ as: me, ...values }) });

export const readState = () => ask(`/page/state?${query({})}`);
export const readMessages = (channel, thread_ts) => ask(`/page/messages?${query(thread_ts ? { channel, thread_ts } : { channel })}`);
export const post = (values) => send("/page/post", values);
export const edit = (values) => send("/page/edit", values);
export const remove = (values) => send("/page/delete", values);
export const react = (values) => send("/page/react", values);
export const click = (values) => send("/page/click", values);
export const suggest = (values) => send("/page/suggest", values);
export const submit = (values) => send("/page/submit", values);
export const readApp = () => send("/page/app", {});
export const command = (values) => send("/page/command", values);
export const shortcut = (values) => send("/page/shortcut", values);
export const look = (tab, is_shown_only = false) => send("/page/look", { tab, is_shown_only });
export const close = (values) => send("/page/close", values);

export function upload(files, values) {
  const form = new FormData();
  form.set("as", me);
  for (const [name, value] of Object.entries(values)) if (value) form.set(name, value);
  for (const file of files) form.append("file", file);
  return ask("/page/upload", { method: "POST", body: form });
}

// Comes back by itself; `connected` hears of each loss and return.
export function listen(heard, connected) {
  let wait = 300;
  const connect = () => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/page/socket?${query({})}`);
    socket.onopen = () => {
      wait = 300;
      connected(true);
    };
    socket.onmessage = (message) => heard(JSON.parse(message.data));
    socket.onclose = () => {
      connected(false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 4000);
    };
  };
  connect();
}

// What the page asks the workspace for.

export const who = { id: new URLSearchParams(location.search).get("as") || "ada" };

async function ask(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { "X-Page": "1", ...options.headers } });
  const given = await answer.json();
  if (!given.ok && !given.errors) throw new Error(given.error || "The workspace does not answer.");
  return given;
}

const query = (values) => new URLSearchParams({ as: who.id, ...values }).toString();
const send = (path, values) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ as: who.id, ...values }),
  });

export const readState = () => ask(`/page/state?${query({})}`);
export const readMessages = (channel) => ask(`/page/messages?${query({ channel })}`);
export const readThread = (channel, thread_ts) => ask(`/page/messages?${query({ channel, thread_ts })}`);
export const post = (values) => send("/page/post", values);
export const click = (values) => send("/page/click", values);
export const submit = (values) => send("/page/submit", values);
export const close = (values) => send("/page/close", values);

export function upload(file, values) {
  const form = new FormData();
  form.set("as", who.id);
  for (const [name, value] of Object.entries(values)) if (value) form.set(name, value);
  form.set("file", file);
  return ask("/page/upload", { method: "POST", body: form });
}

export function listen(heard, state) {
  let wait = 300;
  const connect = () => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/page/socket?${query({})}`);
    const person = who.id;
    socket.onopen = () => { wait = 300; state(true); };
    socket.onmessage = (message) => heard(JSON.parse(message.data));
    socket.onclose = () => {
      state(false);
      if (person === who.id) setTimeout(connect, wait);
      wait = Math.min(wait * 2, 5000);
    };
    return socket;
  };
  return connect();
}

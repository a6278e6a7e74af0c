// Follows the task's story and brings the parts of the page that changed up to date.
"use strict";

(() => {
  const main = document.querySelector("[data-stream]");
  if (!main) return;
  const SPACING_MILLISECONDS = 1000;
  const shown = new Map();
  let timer = null;
  let busy = false;
  let again = false;

  const parts = (root) => root.querySelectorAll("[data-live]");
  for (const part of parts(document)) shown.set(part.id, part.outerHTML);

  function setConnection(isLive) {
    const place = document.querySelector(".connection");
    if (!place) return;
    place.hidden = false;
    place.textContent = isLive ? "live" : "connecting…";
    place.classList.toggle("live", isLive);
  }

  function replace(fresh) {
    if (shown.get(fresh.id) === fresh.outerHTML) return;
    shown.set(fresh.id, fresh.outerHTML);
    const old = document.getElementById(fresh.id);
    // What the reader opened or closed stays so.
    for (const details of fresh.querySelectorAll("details[id]")) {
      const before = old.querySelector(`#${details.id}`);
      if (before) details.open = before.open;
    }
    old.replaceWith(fresh);
  }

  async function refresh() {
    busy = true;
    again = false;
    try {
      const diff = document.getElementById("diff");
      const address = `${location.pathname}?diff=${diff ? diff.dataset.sha : ""}`;
      const response = await fetch(address, { cache: "no-store" });
      if (response.ok) {
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        for (const part of parts(page)) replace(part);
        document.title = page.title;
        setConnection(source.readyState === EventSource.OPEN);
      }
    } catch {
      again = true;
    } finally {
      busy = false;
      if (again) schedule();
    }
  }

  function schedule() {
    again = true;
    if (busy || timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      refresh();
    }, SPACING_MILLISECONDS);
  }

  const source = new EventSource(`${main.dataset.stream}?after=${main.dataset.seq}`);
  source.addEventListener("open", () => setConnection(true));
  source.addEventListener("error", () => setConnection(false));
  source.addEventListener("story", schedule);
})();

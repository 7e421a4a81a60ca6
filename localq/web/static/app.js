// What the page does beyond HTML: it stays up to date, without moving what somebody reads, types in or has selected.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const policy = self.trustedTypes ? trustedTypes.createPolicy("localq", { createHTML: (text) => text }) : { createHTML: (text) => text };
  const parse = (text) => new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  const regions = () => [...document.querySelectorAll("[data-live][id]")];

  // Live

  const isInUse = (region) => {
    const selection = document.getSelection();
    const selected = selection && !selection.isCollapsed && region.contains(selection.anchorNode);
    const typing = region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
    return selected || typing || region.querySelector("input:checked[data-pick], details[open][data-keep], dialog[open]") !== null;
  };
  const isSame = (one, other) => one.innerHTML === other.innerHTML;
  const focusPath = (region) => (region.contains(document.activeElement) ? document.activeElement.dataset.key || document.activeElement.getAttribute("href") : null);

  // What goes on by itself is asked for until it ends; the store may have nothing to tell of it.
  let waiting = 0;
  const goOn = () => {
    clearTimeout(waiting);
    if (document.querySelector("[data-again]")) waiting = setTimeout(refresh, 1000);
  };
  let asking = false, again = false;
  const refresh = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      if (answer.ok) {
        const fresh = parse(await answer.text());
        for (const region of regions()) {
          const next = fresh.getElementById(region.id);
          if (!next || isSame(region, next) || isInUse(region)) continue;
          const focused = focusPath(region);
          region.toggleAttribute("data-again", next.hasAttribute("data-again"));
          region.replaceChildren(...document.importNode(next, true).childNodes);
          if (focused) [...region.querySelectorAll("[data-key], [href]")].find((one) => (one.dataset.key || one.getAttribute("href")) === focused)?.focus({ preventScroll: true });
        }
      }
    } catch { /* the stream tells when the server is back */ }
    asking = false;
    if (again) { again = false; setTimeout(refresh, 700); }
    else { goOn(); }
  };

  let stream = null;
  const listen = () => {
    if (stream || document.hidden || regions().length === 0) return;
    if (document.documentElement.dataset.streams !== "yes") {
      const timer = setInterval(refresh, 5000);
      stream = { close: () => clearInterval(timer) };
      return;
    }
    stream = new EventSource(`${root}/live`);
    let first = true;
    stream.addEventListener("changed", () => { if (first) { first = false; } else { refresh(); } });
    stream.addEventListener("error", () => { first = false; });
  };
  const fall_silent = () => { stream?.close(); stream = null; };
  document.addEventListener("visibilitychange", () => { if (document.hidden) { fall_silent(); } else { listen(); refresh(); } });
  addEventListener("pagehide", fall_silent);
  listen();
  goOn();

  // Keys

  const KEYS = { o: "", j: "jobs", t: "tasks", q: "queues", w: "workers", s: "schedules", a: "audit" };
  let pending = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    if (pending === "g" && event.key in KEYS) { location.assign(`${root}/${KEYS[event.key]}`); }
    else if (event.key === "/") { document.getElementById("find")?.focus(); event.preventDefault(); }
    pending = event.key;
  });
})();

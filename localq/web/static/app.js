// What the page does beyond HTML: it stays up to date, without moving what somebody reads, types in or has selected.
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const words = document.body.dataset;
  const policy = self.trustedTypes ? trustedTypes.createPolicy("localq", { createHTML: (text) => text }) : { createHTML: (text) => text };
  const parse = (text) => new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  const regions = () => [...document.querySelectorAll("[data-live][id]")];

  // From the page that is here to a fresh one: what is the same stays the very same, with its focus and its scrolling.

  const isTyped = (one) => one.matches("input, textarea, select") && (one === document.activeElement || one.value !== (one.defaultValue ?? one.value));
  const isHeld = (one) => isTyped(one) || one.matches("details[open][data-keep], dialog[open]");
  const isSelected = (node) => { const selection = getSelection(); return selection && !selection.isCollapsed && selection.containsNode(node, true); };
  // By attribute: a form's own `id` may be hidden by a field of that name.
  const keyOf = (node) => (node.nodeType === 1 && (node.getAttribute("id") || node.dataset.id || node.dataset.key)) || "";
  const isLike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  const becomeAttributes = (here, fresh) => {
    for (const { name, value } of fresh.attributes) if (name !== "open" && here.getAttribute(name) !== value) here.setAttribute(name, value);
    for (const { name } of [...here.attributes]) if (name !== "open" && name !== "aria-selected" && !fresh.hasAttribute(name)) here.removeAttribute(name);
  };
  const become = (here, fresh) => {
    if (here.isEqualNode(fresh)) return;
    if (here.nodeType !== 1) { if (!isSelected(here)) here.nodeValue = fresh.nodeValue; return; }
    if (isHeld(here)) return;
    becomeAttributes(here, fresh);
    if (holds && here.matches("tbody[data-hold]")) holdRows(here, fresh); else becomeChildren(here, fresh);
  };
  const becomeChildren = (here, fresh) => {
    const keyed = new Map([...here.children].filter(keyOf).map((one) => [keyOf(one), one]));
    let at = here.firstChild;
    for (const next of [...fresh.childNodes]) {
      const same = keyOf(next) ? keyed.get(keyOf(next)) : at && isLike(at, next) ? at : null;
      if (!same) { here.insertBefore(document.importNode(next, true), at); continue; }
      if (same === at) at = at.nextSibling; else here.insertBefore(same, at);
      become(same, next);
    }
    while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
  };

  // A list keeps its rows where they are: what is new is counted, and comes when somebody asks for it.

  let shownNew = 0, holds = true;
  const holdRows = (here, fresh) => {
    const rows = new Map([...fresh.rows].map((row) => [keyOf(row), row]));
    const known = new Set([...here.rows].map(keyOf));
    const last = [...fresh.rows].findLastIndex((row) => known.has(keyOf(row)));
    const before = [...fresh.rows].filter((row, at) => !known.has(keyOf(row)) && (at < last || last < 0)).length;
    let seen = -1;
    for (const row of here.rows) {
      const next = rows.get(keyOf(row));
      if (next) { become(row, next); seen = [...fresh.rows].indexOf(next); }
      row.classList.toggle("left", !next && (seen < last || fresh.rows.length < here.rows.length));
    }
    tellNew(here, before, before === fresh.rows.length);
  };
  const tellNew = (body, count, andMore) => {
    const link = document.getElementById("new-rows");
    if (!link) return;
    link.hidden = !count;
    link.textContent = (words.new || "({n} new)").replace("{n}", `${count}${andMore ? "+" : ""}`);
    if (count && !shownNew) announce(link.textContent);
    shownNew = count;
  };
  document.addEventListener("click", (event) => {
    if (event.target.id === "new-rows") { event.preventDefault(); event.target.hidden = true; shownNew = 0; refresh(true); }
  });

  // Announcements are few: what a page marks as worth it, and not more than one in ten seconds.

  let saidAt = 0;
  const announce = (text) => {
    if (Date.now() - saidAt < 10000) return;
    saidAt = Date.now();
    document.getElementById("live").textContent = text;
  };
  const worthSaying = () => [...document.querySelectorAll("[data-say]")].map((one) => one.textContent.replace(/\s+/g, " ").trim()).join(". ");

  // Live

  // What goes on by itself is asked for until it ends; the store may have nothing to tell of it.
  let waiting = 0;
  const goOn = () => {
    clearTimeout(waiting);
    if (document.querySelector("[data-again]")) waiting = setTimeout(refresh, 1000);
  };
  let asking = false, again = false;
  const read = async () => {
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
      return answer.ok ? await answer.text() : "";
    } catch { return ""; /* the stream tells when the server is back */ }
  };
  const show = (fresh, all) => {
    const before = worthSaying();
    for (const region of regions()) {
      const next = fresh.getElementById(region.id);
      if (!next) continue;
      holds = !all;
      become(region, next);
    }
    const now = worthSaying();
    if (now !== before) announce(now);
  };
  const refresh = async (all = false) => {
    if (asking) { again = true; return; }
    asking = true;
    const text = await read();
    asking = false;
    if (text) show(parse(text), all === true);
    if (again) { again = false; setTimeout(refresh, 700); }
    else { goOn(); }
  };

  let stream = null, asks = false;
  const askNowAndThen = () => {
    const timer = setInterval(refresh, 5000);
    stream = { close: () => clearInterval(timer) };
    asks = true;
  };
  const listen = () => {
    if (stream || document.hidden || regions().length === 0) return;
    if (document.documentElement.dataset.streams !== "yes") { askNowAndThen(); return; }
    stream = new EventSource(`${root}/live`);
    let first = true;
    stream.addEventListener("changed", () => { if (first) { first = false; } else { refresh(); } });
    stream.addEventListener("error", () => { first = false; });
    // A browser has six connections to a host: of its tabs those that were looked at last have a stream.
    stream.addEventListener("enough", () => { fallSilent(); askNowAndThen(); });
  };
  const fallSilent = () => { stream?.close(); stream = null; asks = false; };
  addEventListener("focus", () => { if (asks && document.documentElement.dataset.streams === "yes") { fallSilent(); listen(); refresh(); } });
  document.addEventListener("visibilitychange", () => { if (document.hidden) { fallSilent(); } else { listen(); refresh(); } });
  addEventListener("pagehide", fallSilent);
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });
  listen();
  goOn();

  // One sheet at a time, and Escape closes it.

  const sheets = () => [...document.querySelectorAll("details.ask[open]")];
  document.addEventListener("click", (event) => { for (const sheet of sheets()) if (!sheet.contains(event.target)) sheet.open = false; });
  const closeSheets = () => { for (const sheet of sheets()) { sheet.open = false; sheet.querySelector("summary").focus(); } };

  // Keys

  const PLACES = { o: "", j: "jobs", t: "tasks", q: "queues", w: "workers", s: "schedules", a: "audit" };
  const rowLinks = () => [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("[data-row], a.id, a[href]")).filter(Boolean);
  const rowHere = () => document.activeElement.closest?.("main tbody tr");
  const step = (by) => {
    const links = rowLinks(), row = rowHere();
    const at = row ? links.findIndex((link) => row.contains(link)) : by > 0 ? -1 : links.length;
    links[Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
  };
  const pick = (row) => row?.querySelector("input[data-pick]");
  const retry = () => {
    const many = document.getElementById("many");
    if (many) {
      if (!document.querySelector("input[data-pick]:checked")) { const box = pick(rowHere()); if (!box) return; box.checked = true; }
      many.querySelector("button[value=retry]")?.click(); // which asks, with the number of jobs
      return;
    }
    const button = document.querySelector("main form[action$='/retry'] button");
    if (button && confirm(`${button.textContent.trim()}?`)) button.click();
  };
  const ON_KEY = {
    "/": () => document.getElementById("find")?.focus(),
    "?": () => document.getElementById("keys").showModal(),
    "j": () => step(1),
    "k": () => step(-1),
    "x": () => pick(rowHere())?.click(),
    "r": retry,
  };
  let pending = "";
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeSheets();
    const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || document.querySelector("dialog[open]")) return;
    if (pending === "g" && event.key in PLACES) { location.assign(`${root}/${PLACES[event.key]}`); pending = ""; return; }
    if (event.key in ON_KEY) { event.preventDefault(); ON_KEY[event.key](); }
    pending = event.key;
  });
})();

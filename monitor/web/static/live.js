// Keeps an open page true: counts down by the service's clock, draws again what changed, and adds keys.
"use strict";
(() => {
  const root = document.documentElement;
  const SOON = 20 * 60;
  let speed = Number(root.dataset.speed);
  let base = { server: Date.parse(root.dataset.now), local: performance.now() };
  const serverNow = () => base.server + (performance.now() - base.local) * speed;

  const span = (seconds) => {
    for (const [unit, size, from] of [["d", 86400, 86400], ["h", 3600, 7200], ["m", 60, 60]]) {
      if (seconds >= from) return Math.floor(seconds / size) + unit;
    }
    return Math.floor(seconds) + "s";
  };
  const inWords = (seconds) => {
    const figure = span(seconds);
    const count = parseInt(figure, 10);
    const unit = { s: "second", m: "minute", h: "hour", d: "day" }[figure.at(-1)];
    return `${count} ${unit}${count === 1 ? "" : "s"}`;
  };
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const write = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };

  function tick() {
    const now = serverNow();
    for (const clock of document.querySelectorAll("[data-due]")) {
      const due = Date.parse(clock.dataset.due);
      const seconds = (due - now) / 1000;
      const whole = (due - Date.parse(clock.dataset.start)) / 1000;
      const share = whole > 0 ? Math.min(1, Math.max(0, seconds / whole)) : 0;
      const level = seconds < 0 ? "late" : seconds <= SOON ? "soon" : "ok";
      if (!clock.classList.contains(level)) {
        clock.classList.remove("late", "soon", "ok");
        clock.classList.add(level);
      }
      const figure = clock.querySelector(".figure");
      const near = seconds >= 0 && seconds < 300;
      const size = Math.abs(seconds);
      write(figure, seconds < 0 ? "+" + span(size) : near ? minutes(size) : span(size));
      figure?.classList.toggle("long", figure.textContent.length > 3);
      write(clock.querySelector(".caption"), seconds < 0 ? "late" : "left");
      const spoken = seconds < 0 ? `${inWords(size)} late` : `${inWords(size)} left`;
      write(clock.querySelector("b.sentence"), size < 3600 && size >= 60 ? `${minutes(size)} ${seconds < 0 ? "late" : "left"}` : spoken);
      write(clock.querySelector("span.sentence"), spoken + ".");
      clock.querySelector("circle.left")?.setAttribute("stroke-dashoffset", (100 - 100 * share).toFixed(1));
      clock.querySelector("rect.left")?.setAttribute("width", (100 * share).toFixed(1));
    }
  }

  const today = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  const otherDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  function localTimes(within) {
    const day = new Date(serverNow()).toDateString();
    for (const node of within.querySelectorAll("time[data-local]")) {
      const at = new Date(node.getAttribute("datetime"));
      write(node, (at.toDateString() === day ? today : otherDay).format(at));
      node.title = exact.format(at);
    }
  }

  function select() {
    const open = document.querySelector("#case[data-open]")?.dataset.open;
    for (const row of document.querySelectorAll(".row")) {
      const on = row.dataset.case === open;
      row.classList.toggle("selected", on);
      const link = row.querySelector(".open");
      if (on) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
    // Outside of what is drawn again, so that screen readers notice when it changes.
    write(document.getElementById("say"), document.querySelector("#main[data-waiting] h1")?.textContent ?? "");
    const waiting = document.querySelector("[data-waiting]")?.dataset.waiting;
    if (waiting !== undefined) document.title = (waiting === "0" ? "" : `(${waiting}) `) + "firsthour";
  }

  // What the page shows is asked for again; the service answers 204 where it still holds.
  let asked = null;
  function refresh() {
    if (asked) return;
    asked = setTimeout(() => {
      asked = null;
      for (const part of document.querySelectorAll("[data-digest]")) htmx.trigger(part, "refresh");
    }, 30);
  }
  document.body.addEventListener("htmx:configRequest", (event) => {
    const part = event.detail.elt;
    if (part.dataset.digest) event.detail.headers["X-Seen"] = part.dataset.digest;
  });
  let heard = null;
  let scrolled = 0;
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // A form whose answer is under way must still be there when it comes; the answer draws everything again.
    const drawn = event.detail.requestConfig?.path.startsWith("/parts/");
    if (drawn && event.detail.target.querySelector("form.htmx-request")) { event.detail.shouldSwap = false; return; }
    if (event.detail.target.id === "heard") heard = new Set([...document.querySelectorAll("#heard .item")].map((item) => item.dataset.key));
    scrolled = event.detail.target.scrollTop;
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const fresh = event.detail.elt;
    if (fresh.id === "heard" && heard) {
      for (const item of fresh.querySelectorAll(".item")) item.classList.toggle("new", !heard.has(item.dataset.key));
    }
    if (fresh.id === "heard" || event.detail.requestConfig?.path.startsWith("/parts/")) fresh.scrollTop = scrolled;
    if (fresh.id === "case" && event.detail.requestConfig?.triggeringEvent?.type === "click") {
      const name = event.detail.requestConfig.elt.classList.contains("ask") && fresh.querySelector("#act-name");
      (name || fresh).focus({ preventScroll: true });
      if (matchMedia("(max-width: 900px)").matches) scrollTo(0, 0);
    }
    localTimes(document);
    tick();
    select();
  });
  document.body.addEventListener("changed", refresh);

  const offline = document.getElementById("offline");
  document.body.addEventListener("htmx:sendError", () => { offline.hidden = false; });
  document.body.addEventListener("htmx:responseError", () => { offline.hidden = false; });
  document.body.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) offline.hidden = true; });

  // The session ended: the page stays as it is, with what was typed, until somebody signs in again.
  const signedOut = document.getElementById("signedout");
  if (signedOut) {
    document.body.addEventListener("signedout", () => { signedOut.hidden = false; offline.hidden = true; });
    document.body.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.successful && !/signedout/.test(event.detail.xhr.getResponseHeader("HX-Trigger") ?? "")) signedOut.hidden = true;
    });
    addEventListener("focus", () => { if (!signedOut.hidden) refresh(); });
  }

  // One tab of a browser listens for all of them: browsers allow six connections to a host in all.
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("firsthour") : null;
  function hear(message) {
    if (message.kind === "time") {
      speed = message.speed;
      base = { server: Date.parse(message.now), local: performance.now() };
      tick();
    }
    if (message.kind === "lost") { offline.hidden = false; return; }
    offline.hidden = true;
    refresh();
  }
  if (channel) channel.onmessage = (event) => hear(event.data);
  function listen() {
    const stream = new EventSource("/events");
    const pass = (message) => { hear(message); channel?.postMessage(message); };
    stream.addEventListener("time", (event) => pass({ kind: "time", ...JSON.parse(event.data) }));
    stream.addEventListener("changed", () => pass({ kind: "changed" }));
    let lost = null;
    stream.onopen = () => { clearTimeout(lost); lost = null; };
    stream.onerror = () => {
      if (!signedOut || signedOut.hidden) lost ??= setTimeout(() => pass({ kind: "lost" }), 3000);
      if (stream.readyState === EventSource.CLOSED) { stream.close(); refresh(); setTimeout(listen, 3000); }
    };
  }
  if (navigator.locks && channel) navigator.locks.request("firsthour-events", () => { listen(); return new Promise(() => {}); });
  else listen();
  addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });

  const keys = document.getElementById("keys");
  const keysOn = document.getElementById("keys-on");
  keysOn.checked = localStorage.getItem("firsthour-keys") !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem("firsthour-keys", keysOn.checked ? "on" : "off"));
  const opener = document.getElementById("keys-open");
  opener.hidden = false;
  opener.addEventListener("click", () => keys.showModal());
  const step = (by) => {
    const links = [...document.querySelectorAll(".row .open")];
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const from = at >= 0 ? at : links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[Math.min(links.length - 1, Math.max(0, from + by))];
    next.focus();
    next.closest(".row").scrollIntoView({ block: "nearest" });
  };
  const does = {
    j: () => step(1),
    k: () => step(-1),
    t: () => document.getElementById("act-take")?.click(),
    r: () => document.querySelector(".reply-text")?.focus(),
    n: () => document.querySelector(".note textarea")?.focus(),
    "?": () => keys.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select");
    if (event.key === "Escape" && field) { field.blur(); return; }
    if (field || keys.open || event.ctrlKey || event.metaKey || event.altKey || !keysOn.checked) return;
    if (does[event.key]) { event.preventDefault(); does[event.key](); }
  });

  root.classList.add("runs");
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    try { await navigator.clipboard.writeText(field.value); write(button, "Copied"); }
    catch { field.select(); write(button, "Press Ctrl+C"); }
  });

  localTimes(document);
  tick();
  select();
  setInterval(tick, Math.max(100, Math.min(1000, 1000 / (speed || 1))));
})();

// Answers doubtful verdicts with one key each, and goes on to the next.
"use strict";
(() => {
  const open = () => [...document.querySelectorAll(".doubt:not(.said)")];
  const here = () => document.activeElement.closest(".doubt");
  function next(from) {
    const left = open();
    const after = left.find((one) => from.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
    const to = after ?? left.find((one) => one !== from);
    if (!to) { document.getElementById("doubts").focus(); return; }
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select");
    if (field || document.getElementById("keys").open || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (localStorage.getItem("firsthour-keys") === "off" || !["y", "n", "s"].includes(event.key)) return;
    const one = here() ?? open()[0];
    const button = one?.querySelector(`[data-label="${event.key}"]`);
    if (!button) return;
    event.preventDefault();
    if (document.activeElement.closest(".doubt") !== one) one.focus();
    button.click();
  });
  document.addEventListener("click", (event) => {
    const skip = event.target.closest('[data-label="s"]');
    if (skip) next(skip.closest(".doubt"));
  });
  let answered = null;
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.classList.contains("doubt")) answered = event.detail.target.dataset.key;
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    if (answered === null) return;
    const said = document.querySelector(`.doubt.said[data-key="${CSS.escape(answered)}"]`);
    answered = null;
    if (said) next(said);
  });
})();

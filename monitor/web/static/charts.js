// Draws the charts of a page from the specs that stand beside them, in the colours of the reader's scheme, once all that
// is written can be read.
"use strict";
(() => {
  const themes = JSON.parse(document.getElementById("chart-themes").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const print = matchMedia("print");
  const NARROW = 560;

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  function point(handler, event, item, value) {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    const rows = typeof value === "object" ? Object.entries(value) : [["", value]];
    tip.replaceChildren(...rows.map(([name, figure]) => {
      const row = document.createElement("div");
      const said = document.createElement("b");
      said.textContent = figure;
      row.append(name === "When" ? "" : `${name} `, said);
      return row;
    }));
    const { width, height } = tip.getBoundingClientRect();
    const x = event.clientX + 14, y = event.clientY + 14;
    tip.style.left = `${Math.max(4, x + width > innerWidth ? event.clientX - width - 10 : x)}px`;
    tip.style.top = `${Math.max(4, y + height > innerHeight ? event.clientY - height - 10 : y)}px`;
  }

  const drawn = new Map();
  function draw(place) {
    drawn.get(place)?.finalize();
    const theme = structuredClone(themes[dark.matches && !print.matches ? "dark" : "light"]);
    if (place.clientWidth < NARROW) theme.legend.columns = 2;
    try {
      const spec = JSON.parse(place.nextElementSibling.textContent);
      const fitted = { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" } };
      const compiled = vega.compile(fitted, { config: theme }).spec;
      const view = new vega.View(vega.parse(compiled, null, { ast: true }), {
        expr: vega.expressionInterpreter, renderer: "svg", container: place, hover: true, tooltip: point,
      });
      drawn.set(place, view);
      // One picture with the title as its name: what Vega says of each of its parts would be read one by one.
      place.setAttribute("role", "img");
      place.removeAttribute("aria-roledescription");
      place.querySelector("svg").setAttribute("aria-hidden", "true");
      view.runAsync().then(() => { place.dataset.drawn = "yes"; });
    } catch (error) {
      place.hidden = true;
      place.closest("figure").querySelector("details").open = true;
      throw error;
    }
  }

  const places = [...document.querySelectorAll(".drawing")];
  const all = () => { tip.hidden = true; places.forEach(draw); };
  // Each in a turn of its own: a click need not wait for all of them, nor one chart for another that fails.
  function inTurn([place, ...others]) {
    if (!place) return;
    setTimeout(inTurn, 0, others);
    draw(place);
  }
  function start() {
    inTurn(places);
    dark.addEventListener("change", all);
    print.addEventListener("change", all);
    addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  }
  // Vega takes longer to start than all else on the page: not before the first frame.
  if (places.length) requestAnimationFrame(() => setTimeout(() => {
    const library = document.createElement("script");
    library.src = document.getElementById("vega").href;
    library.addEventListener("load", start);
    document.head.append(library);
  }));
})();

// What somebody could not read or name: contrast after WCAG 2.2 (4.5, or 3 for large text), names and sizes of controls.
() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true});
  const paint = (colours) => {
    canvas.fillStyle = "#fff"; canvas.fillRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(".vh, script, .skip, option")) continue;
    const behind = [];
    for (let up = element; up; up = up.parentElement) behind.unshift(getComputedStyle(up).backgroundColor);
    const late = element.closest(".time.late");
    if (late) behind.push(getComputedStyle(late.querySelector("svg")).fill);
    const style = getComputedStyle(element);
    if (style.opacity === "0") continue; // the labels that a chart has no room for
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const a = luminance(paint(behind)), b = luminance(paint([...behind, colour]));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const opacity = Number(style.opacity);
    if (ratio * opacity < needed) bad.push(`${ratio.toFixed(2)} < ${needed}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  for (const control of document.querySelectorAll("button, a, input:not([type=hidden]), select, textarea, summary")) {
    if (!control.checkVisibility()) continue;
    const name = control.innerText || control.textContent.trim() || control.ariaLabel || control.labels?.[0]?.textContent;
    if (!name) bad.push(`no name: ${control.outerHTML.slice(0, 80)}`);
    const box = control.getBoundingClientRect();
    if (control.matches("button, select, input, .chip") && Math.min(box.width, box.height) < (control.type === "checkbox" ? 18 : 24)) bad.push(`too small: ${control.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  bad.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: #${id}`));
  return [...new Set(bad)];
}

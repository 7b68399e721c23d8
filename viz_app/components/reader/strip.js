// The strip: every signal of the chosen unit over the characters around the cursor, its values at the right.

const FIT = 6; // letters of a word that have room above its cell

const SVG = "http://www.w3.org/2000/svg";

function draw(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function fitting(token) {
  const word = token.length > 1 ? token.trim() || token : token;
  return word.length > FIT ? `${word.slice(0, FIT - 1)}…` : word;
}

function makeStrip(view) {
  const { strip } = view.parts, { reading, rem } = view;
  const width = Math.floor(strip.parentElement.clientWidth), wide = width >= 31 * rem;
  const left = (wide ? 7.75 : 2.1) * rem, right = 3.1 * rem, row = 1.3125 * rem, top = 1.5 * rem;
  const cell = (reading.tokens.some((token) => token.length > 1) ? 0.5 * (FIT + 1) : 0.625) * rem;
  const count = Math.max(4, Math.min(reading.time, Math.floor((width - left - right) / cell)));
  const states = reading.signals.findIndex((signal) => signal.symbol === "c" || signal.symbol === "h");
  strip.replaceChildren();
  const letters = Array.from({ length: count }, (_, k) =>
    draw(strip, "text", { x: left + (k + 0.5) * cell, y: 0.95 * rem, class: "letter", "text-anchor": "middle" }));
  const rows = reading.signals.map((signal, r) => {
    const y = top + r * (row + 0.1875 * rem) + (states > 0 && r >= states ? 0.5 * rem : 0);
    draw(strip, "rect", { x: 0, y: y + row / 2 - 0.3125 * rem, width: 0.625 * rem, height: 0.625 * rem, rx: 2, fill: view.palette.signals[signal.symbol] });
    draw(strip, "text", { x: 1.06 * rem, y: y + row * 0.72, class: "symbol" }, signal.symbol);
    if (wide) draw(strip, "text", { x: 2.06 * rem, y: y + row * 0.7, class: "label" }, signal.meaning);
    const cells = Array.from({ length: count }, (_, k) =>
      draw(strip, "rect", { x: left + k * cell, y, width: cell + 0.05, height: row, "shape-rendering": "crispEdges" }));
    draw(strip, "rect", { x: left, y, width: cell * count, height: row, class: "frame" });
    return { signal, cells, value: draw(strip, "text", { x: width, y: y + row * 0.72, class: "value", "text-anchor": "end" }), bottom: y + row };
  });
  const height = rows.at(-1).bottom + 3;
  const cursor = draw(strip, "rect", { y: 2, width: cell + 2, height: height - 4, rx: 2, class: "here" });
  strip.setAttribute("width", width);
  strip.setAttribute("height", height);
  view.strip = { left, cell, count, letters, rows, cursor, start: -1, painted: undefined };
}

function paintStrip(view, held) {
  const { strip, at, reading } = view, { count } = strip;
  const edge = Math.min(8, count >> 2), room = reading.time - count;
  let start = strip.start < 0 ? at.t - Math.floor(count * 0.45) : strip.start;
  if (at.t < start + edge || at.t >= start + count - edge) start = at.t - Math.floor(count * 0.45);
  start = Math.max(0, Math.min(room, start));
  if (start !== strip.start) strip.letters.forEach((letter, k) => (letter.textContent = fitting(inline(reading.tokens, start + k))));
  if (start !== strip.start || strip.painted !== held) {
    for (const { signal, cells } of strip.rows) {
      const colours = ramp(signal, view.palette, false), values = held.values[signal.symbol];
      cells.forEach((rect, k) => rect.setAttribute("fill", colours[level(signal, values[start + k])]));
    }
  }
  for (const { signal, value } of strip.rows) value.textContent = written(signal, held.values[signal.symbol][at.t]);
  strip.cursor.setAttribute("x", strip.left + (at.t - start) * strip.cell - 1);
  strip.start = start;
  strip.painted = held;
  const spoken = strip.rows.map(({ signal, value }) => `${signal.meaning} ${value.textContent}`).join(", ");
  view.parts.strip.setAttribute("aria-label", `Unit ${at.unit} at character ${at.t}: ${spoken}`);
}

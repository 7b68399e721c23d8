// Two texts and two curves of one unit; columns that belong together stand below each other.

const SVG = "http://www.w3.org/2000/svg";
const HIGH = 7; // rem

export default function ({ parentElement: root, data }) {
  const view = root.view ?? (root.view = build(root));
  const content = JSON.stringify(data);
  if (view.content !== content) {
    Object.assign(view, { content, data });
    write(view);
  }
  return () => view.size.disconnect();
}

function build(root) {
  const box = make("div", "versus"), texts = [0, 1].map(() => [make("p", "name"), make("div", "text")]), picture = svg("svg", { role: "img" });
  box.append(...texts.flat(), picture);
  root.append(box);
  const view = { box, texts, picture };
  view.size = new ResizeObserver(() => view.data && box.clientWidth !== view.width && curves(view));
  view.size.observe(box);
  return view;
}

function write(view) {
  const { data } = view, colours = ramp(data.signal, data.palette, true);
  view.texts.forEach(([name, text], k) => {
    const tokens = data.texts[k], changed = new Set(data.blocks.flatMap((block) => (block[0] ? [] : range(block[1 + 2 * k], block[2 + 2 * k]))));
    name.textContent = data.names[k];
    text.tabIndex = 0;
    text.setAttribute("aria-label", data.names[k]);
    const spans = tokens.map((token, t) => {
      const span = make("span", [changed.has(t) && "changed", isSign(token) && "sign"].filter(Boolean).join(" "), inline(tokens, t) + (token === "\n" || token === "\t" ? token : ""));
      span.style.backgroundColor = colours[level(data.signal, data.values[k][t])];
      span.title = `${t}: ${written(data.signal, data.values[k][t])}`;
      return span;
    });
    text.replaceChildren(...spans);
    const first = data.blocks.find((block) => !block[0]);
    const span = first && spans[Math.min(first[1 + 2 * k], spans.length - 1)];
    if (span) text.scrollTop = Math.max(0, span.offsetTop - span.offsetHeight * 1.5);
  });
  curves(view);
}

// Both curves around the first change, with the letters of either text below.
function curves(view) {
  const { data, picture, box } = view, rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const width = (view.width = box.clientWidth), cell = 0.625 * rem, left = 3.2 * rem, high = HIGH * rem, top = 0.5 * rem;
  if (!width) return;
  const all = data.blocks.flatMap(([same, a, b, c, d]) =>
    same ? range(a, b).map((t, k) => [t, c + k, true]) : range(0, Math.max(b - a, d - c)).map((k) => [a + k < b ? a + k : null, c + k < d ? c + k : null, false]));
  const count = Math.max(8, Math.min(all.length, Math.floor((width - left) / cell)));
  const change = Math.max(0, all.findIndex((column) => !column[2]));
  const start = Math.max(0, Math.min(all.length - count, change - Math.floor(count / 4))), columns = all.slice(start, start + count);
  const y = (value) => top + high * (1 - level(data.signal, value) / LEVELS), x = (k) => left + (k + 0.5) * cell;
  picture.replaceChildren();
  picture.setAttribute("width", width);
  picture.setAttribute("height", top + high + 3.2 * rem);
  picture.setAttribute("aria-label", `${data.signal.meaning} of the unit along both texts, around the change`);
  columns.forEach((column, k) => column[2] || picture.append(svg("rect", { class: "band", x: left + k * cell, width: cell, y: top, height: high })));
  for (const value of [data.signal.low, ...(data.signal.signed ? [0] : []), data.signal.high]) {
    const at = y(100 * value);
    picture.append(svg("line", { class: "grid", x1: left, x2: left + count * cell, y1: at, y2: at }));
    picture.append(svg("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, written(data.signal, Math.round(100 * value))));
  }
  ["before", "after"].forEach((name, which) => {
    let path = "";
    columns.forEach((column, k) => { if (column[which] !== null) path += `${path ? "L" : "M"}${x(k).toFixed(1)} ${y(data.values[which][column[which]]).toFixed(1)}`; });
    picture.append(svg("path", { class: `curve ${name}`, d: path, style: which ? `stroke:${data.colour}` : "" }));
    const row = top + high + (1.3 + 1.3 * which) * rem;
    picture.append(svg("text", { x: 0, y: row }, data.names[which].split(" ")[0]));
    columns.forEach((column, k) => picture.append(svg("text", { class: column[2] ? "letter" : "letter changed", x: x(k), y: row, "text-anchor": "middle" }, column[which] === null ? "" : inline(data.texts[which], column[which]))));
  });
}

function range(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
}

function make(tag, className, text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

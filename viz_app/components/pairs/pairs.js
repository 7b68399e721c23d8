// All pairs of steps on a canvas: one pixel of the picture a pair, enlarged without smoothing.

const REST = 250; // milliseconds after the last arrow key until the pair is reported
const TINY = -32768;
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export default function ({ parentElement, data, setTriggerValue }) {
  const view = parentElement.view ?? (parentElement.view = build(parentElement));
  view.report = (t, k) => setTriggerValue("pair", [t, k]);
  show(view, data);
}

function build(root) {
  const plane = node("div", "plane");
  plane.tabIndex = 0;
  plane.setAttribute("role", "application");
  const view = {
    plane,
    canvas: node("canvas", ""),
    frame: node("div", "frame"),
    column: node("div", "column"),
    dot: node("div", "dot"),
    readout: node("div", "readout"),
    legend: node("div", "legend"),
  };
  view.readout.setAttribute("aria-live", "polite");
  const axis = node("div", "axis", "earlier step k →\nlater step t ↓");
  axis.style.whiteSpace = "pre";
  view.marks = node("div", "");
  plane.append(view.canvas, view.column, view.frame, view.dot, axis, view.marks);
  root.append(plane, view.readout, view.legend);

  plane.onpointermove = (event) => {
    const pair = at(view, event);
    point(view, ...(pair ?? view.pair));
  };
  plane.onpointerleave = () => point(view, ...view.pair);
  plane.onclick = (event) => {
    const pair = at(view, event);
    if (pair) choose(view, ...pair, 0);
  };
  plane.onkeydown = (event) => {
    const [t, k] = view.pair;
    const to = { ArrowUp: [t - 1, k], ArrowDown: [t + 1, k], ArrowLeft: [t, k - 1], ArrowRight: [t, k + 1] }[event.key];
    if (!to) return;
    event.preventDefault();
    choose(view, ...to, REST);
  };
  return view;
}

function show(view, data) {
  const bytes = Uint8Array.from(atob(data.logs), (character) => character.charCodeAt(0));
  view.data = data;
  view.logs = new Int16Array(bytes.buffer);
  paint(view);
  ticks(view);
  view.plane.setAttribute("aria-label", `${data.label}. Arrow keys move the pair of steps.`);
  mark(view, data.target, data.source);
  legend(view);
}

function paint({ canvas, data, logs }) {
  const time = data.tokens.length;
  canvas.width = canvas.height = time;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(time, time);
  const stops = data.scale.map(channels);
  const table = Array.from({ length: 256 }, (_, place) => between(stops, place / 255));
  for (let t = 0; t < time; t++) {
    for (let k = 0; k <= t; k++) {
      const log = logs[(t * (t + 1)) / 2 + k];
      const share = log === TINY ? 0 : (log / 100 - data.low) / (data.high - data.low);
      const colour = table[Math.round(255 * Math.max(0, Math.min(1, share)))];
      picture.data.set([...colour, 255], 4 * (t * time + k));
    }
  }
  context.putImageData(picture, 0, 0);
}

function ticks({ marks, data }) {
  const time = data.tokens.length;
  const every = [10, 20, 25, 50, 100].find((step) => time / step <= 6) ?? 200;
  marks.replaceChildren();
  for (let step = 0; step < time; step += every) {
    const [left, bottom] = [node("span", "tick left", String(step)), node("span", "tick bottom", String(step))];
    left.style.top = bottom.style.left = `${(100 * (step + 0.5)) / time}%`;
    marks.append(left, bottom);
  }
}

function legend({ legend, data }) {
  const bar = node("span", "bar");
  bar.style.background = `linear-gradient(to right, ${data.scale.join()})`;
  if (data.high > 0) {
    const one = node("i", "");
    one.style.left = `${(100 * -data.low) / (data.high - data.low)}%`;
    one.title = "1: neither grown nor shrunk";
    bar.append(one);
  }
  const words = data.high > 0 ? "log scale, fixed; the mark is 1" : "log scale, fixed";
  legend.replaceChildren(node("span", "", power(data.low)), bar, node("span", "", power(data.high)), node("span", "", words));
}

// Move the mark at once, report it after `wait` milliseconds without another move.
function choose(view, t, k, wait) {
  const last = view.data.tokens.length - 1;
  t = Math.max(0, Math.min(last, t));
  k = Math.max(0, Math.min(t, k));
  mark(view, t, k);
  clearTimeout(view.timer);
  view.timer = setTimeout(() => view.report(t, k), wait);
}

function mark(view, t, k) {
  const cell = 100 / view.data.tokens.length;
  view.pair = [t, k];
  place(view.frame, 0, t * cell, (t + 1) * cell, cell);
  place(view.column, k * cell, k * cell, 0, (t - k) * cell);
  point(view, t, k);
}

function point(view, t, k) {
  const { tokens } = view.data;
  const cell = 100 / tokens.length;
  place(view.dot, k * cell, t * cell, cell, cell);
  const value = node("b", "", told(view.logs[(t * (t + 1)) / 2 + k]));
  const words = t === k ? `Step ${t}, ${named(tokens[t])}: ` : `From step ${k}, ${named(tokens[k])}, to step ${t}, ${named(tokens[t])}, ${t - k} later: `;
  view.readout.replaceChildren(words, value);
}

function place(element, left, top, width, height) {
  Object.assign(element.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
}

function at(view, event) {
  const { left, top, width } = view.canvas.getBoundingClientRect();
  const time = view.data.tokens.length;
  const k = Math.floor(((event.clientX - left) / width) * time);
  const t = Math.floor(((event.clientY - top) / width) * time);
  return k >= 0 && t < time && k <= t ? [t, k] : undefined;
}

function told(hundredths) {
  if (hundredths === TINY) return "less than 10⁻³⁰⁸";
  const log = hundredths / 100;
  if (log >= -2 && log < 3) return log < 2 ? (10 ** log).toPrecision(2) : String(Math.round(10 ** log));
  const exponent = Math.floor(log);
  const digit = Math.round(10 ** (log - exponent));
  return digit === 10 ? power(exponent + 1) : `${digit}×${power(exponent)}`;
}

function power(exponent) {
  if (exponent === 0 || exponent === 1) return String(10 ** exponent);
  return "10" + String(exponent).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPT[digit]);
}

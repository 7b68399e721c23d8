// A text coloured by a size on a logarithmic scale; one character is the target, chosen by click or arrows.

const REST = 300; // milliseconds after the last arrow key until the step is reported
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export default function ({ parentElement, data, setTriggerValue }) {
  const view = parentElement.view ?? (parentElement.view = build(parentElement));
  view.choose = (step) => setTriggerValue("step", step);
  show(view, data);
}

function build(root) {
  const text = node("div", "text");
  text.tabIndex = 0;
  text.setAttribute("role", "slider");
  text.setAttribute("aria-label", "Target step: choose a character");
  const readout = node("div", "readout");
  const legend = node("div", "legend");
  root.append(text, readout, legend);
  const view = { text, readout, legend, spans: [] };

  text.onclick = (event) => {
    const step = stepOf(event.target);
    if (step !== undefined) aim(view, step, 0);
  };
  text.onpointermove = (event) => read(view, stepOf(event.target) ?? view.target);
  text.onpointerleave = () => read(view, view.target);
  text.onkeydown = (event) => {
    const last = view.spans.length - 2;
    const to = { ArrowLeft: view.target - 1, ArrowRight: view.target + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    aim(view, to, REST);
  };
  return view;
}

function show(view, data) {
  if (view.words !== data.tokens.join("\u0000")) {
    view.words = data.tokens.join("\u0000");
    view.spans = spansOf(data.tokens);
    view.text.replaceChildren(...view.spans);
  }
  view.data = data;
  const stops = data.scale.map(channels);
  view.spans.forEach((span, step) => {
    const size = data.logarithms[step];
    const none = size === null;
    const ground = none ? null : between(stops, 1 - size / data.low);
    span.style.background = none ? "" : `rgb(${ground})`;
    span.style.color = none ? "" : readable(ground, data.letters);
    span.className = none ? "none" : "";
  });
  view.spans[data.cursor]?.classList.add("cursor");
  mark(view, data.target);
  read(view, data.target);
  const bar = node("span", "bar");
  bar.style.background = `linear-gradient(to right, ${data.scale.join()})`;
  view.legend.replaceChildren(node("span", "", power(data.low)), bar, node("span", "", "1"), node("span", "", "log scale, fixed"));
}

// Move the ring at once, report the step after `wait` milliseconds without another move.
function aim(view, step, wait) {
  step = Math.max(0, Math.min(view.spans.length - 2, step));
  mark(view, step);
  read(view, step);
  clearTimeout(view.timer);
  view.timer = setTimeout(() => view.choose(step), wait);
}

function mark(view, step) {
  view.spans[view.target]?.classList.remove("target");
  view.target = step;
  view.spans[step]?.classList.add("target");
  view.text.setAttribute("aria-valuemin", 0);
  view.text.setAttribute("aria-valuemax", view.spans.length - 2);
  view.text.setAttribute("aria-valuenow", step);
  view.text.setAttribute("aria-valuetext", `step ${step}, ${named(view.data.tokens[step])}`);
}

function read(view, step) {
  const { tokens, logarithms, target } = view.data;
  const size = logarithms[step];
  const back = target - step;
  const where = `Step ${step}, ${named(tokens[step])}`;
  if (size === null) {
    view.readout.textContent = back < 0 ? `${where}: after the target, no gradient reaches it` : `${where}: no number`;
  } else {
    const amount = size <= -999 ? "underflow" : size > -2 ? (10 ** size).toPrecision(2) : power(size.toFixed(1));
    view.readout.textContent = back ? `${where}, ${back} back: ${amount}` : `${where}: the target`;
  }
}

function power(exponent) {
  const digits = String(exponent).replace(/\d/g, (digit) => SUPERSCRIPT[digit]);
  return "10" + digits.replace("-", "⁻").replace(".", "·");
}

// The letter's colour, of two, with the better contrast (WCAG).
function readable(ground, letters) {
  const contrast = (letter) => {
    const [dark, light] = [luminance(ground), luminance(channels(letter))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  return letters.reduce((best, letter) => (contrast(letter) > contrast(best) ? letter : best));
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

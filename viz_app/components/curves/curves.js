// Cells below each other, each with its curve; the brushed range is a band behind all of them.

const HIGH = 40;

export default function ({ parentElement: root, data, setTriggerValue }) {
  const view = root.view ?? (root.view = build(root));
  view.report = (number) => setTriggerValue("choice", number);
  const content = JSON.stringify(data);
  if (view.content === content) return;
  view.content = content;
  const { list } = view;
  list.style.setProperty("--curve", data.colour);
  list.setAttribute("aria-label", data.label);
  list.replaceChildren(...data.rows.map((row, number) => drawn(view, data, row, number)));
}

function build(root) {
  const list = document.createElement("div");
  list.className = "list";
  list.setAttribute("role", "group");
  root.append(list);
  return { list };
}

function drawn(view, data, row, number) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "row";
  button.onclick = () => view.report(number);
  const about = document.createElement("span");
  about.className = "about";
  about.textContent = row.head;
  const note = document.createElement("small");
  note.textContent = row.note;
  about.append(note);
  button.append(about, picture(data, row));
  return button;
}

function picture(data, row) {
  const steps = row.values.length;
  const svg = make("svg", { viewBox: `0 0 ${steps} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const y = (value) => HIGH - 2 - ((Math.min(data.high, Math.max(data.low, value)) - data.low) / (data.high - data.low)) * (HIGH - 4);
  const band = (kind, from, to) => to > from && svg.append(make("rect", { class: kind, x: from, width: to - from, y: 0, height: HIGH }));
  const [start, end] = data.range, [before, after] = data.sides;
  band("outside", start - before, start);
  band("inside", start, end);
  band("outside", end, end + after);
  if (data.low < 0) svg.append(make("line", { class: "zero", x2: steps, y1: y(0), y2: y(0) }));
  svg.append(make("line", { class: "threshold", x2: steps, y1: y(row.threshold), y2: y(row.threshold) }));
  const points = row.values.map((value, step) => `${step + 0.5},${y(value).toFixed(1)}`).join(" ");
  svg.append(make("polyline", { class: "curve", points }));
  return svg;
}

function make(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

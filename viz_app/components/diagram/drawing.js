// The cell's diagram as SVG: laid out in Python, drawn once, then only widths, colours and numbers change.

const NARROW = 560; // below this many pixels the narrow layout is shown
const FUNCTIONS = { sigmoid: "σ", log_sigmoid: "log σ" };
const UNDER = 6; // how much wider than a wire the gap is where it crosses another

function svg(tag, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw(place, scene, narrow = place.clientWidth < NARROW) {
  const plan = scene.drawings[narrow ? "narrow" : "wide"];
  const picture = svg("svg", { viewBox: `0 0 ${plan.width} ${plan.height}`, role: "img" });
  const [left, top, right, bottom] = plan.body;
  const ground = { x: left, y: top, width: right - left, height: bottom - top, rx: 14 };
  const clip = svg("clipPath", { id: "ground" });
  clip.append(svg("rect", ground));
  picture.append(clip, svg("rect", { ...ground, class: "ground" }));

  const wires = [];
  for (const net of [...plan.nets].sort((a, b) => b.faint - a.faint || (a.value >= 0) - (b.value >= 0))) {
    const points = net.paths.map((path) => path.map((point) => point.join()).join(" "));
    const under = net.faint ? [] : points.map((line) => svg("polyline", { points: line, class: "under", "clip-path": "url(#ground)" }));
    const over = points.map((line) => svg("polyline", { points: line, class: "wire" }));
    picture.append(...under, ...over);
    wires.push({ net, under, over });
  }
  for (const mark of plan.marks) picture.append(shape(mark, narrow));
  const labels = plan.labels.map((label) => {
    const text = svg("text", { x: label.x, y: label.y, "text-anchor": label.anchor });
    const size = { value: narrow ? 16 : 17, word: 13, symbol: 18, input: 18 }[label.kind];
    text.setAttribute("font-size", size);
    text.setAttribute("class", { value: "value", word: "soft", symbol: "math own", input: "" }[label.kind]);
    if (label.kind === "symbol") own(text, label.text);
    if (label.kind === "input") text.append(svg("tspan", { class: "math" }, "x"), svg("tspan", { class: "char", dx: 8 }, ""));
    else text.textContent = label.text;
    picture.append(text);
    return { label, text };
  });
  place.replaceChildren(picture);
  return { narrow, picture, wires, labels };
}

function own(element, symbol) {
  element.style.setProperty("--own", `var(--signal-${symbol}, var(--soft))`);
}

function shape(mark, narrow) {
  const { kind, x, y, width, height } = mark;
  const group = svg("g");
  const corner = kind === "box" ? 6 : Math.min(width, height) / 2;
  const frame = { x: x - width / 2, y: y - height / 2, width, height, rx: corner, class: `shape ${kind}` };
  group.append(svg("rect", frame));
  if (kind === "box" && mark.signal) own(group, mark.signal);
  const text = svg("text", { x, "text-anchor": "middle" });
  const fn = FUNCTIONS[mark.function] ?? mark.function;
  if (kind === "box") {
    const crowded = narrow || (mark.text + fn).length > 6;
    const size = mark.height < 40 ? 15 : 20;
    text.setAttribute("y", y + (narrow && fn ? -2 : size / 3));
    if (mark.text) text.append(svg("tspan", { class: "math", "font-size": size }, mark.text));
    if (mark.below) text.append(svg("tspan", { class: "math", "font-size": size * 0.7, dy: 4 }, mark.below));
    if (fn) {
      const below = narrow && mark.text ? { x, dy: 17 } : { dx: mark.text ? (crowded ? 5 : 10) : 0 };
      text.append(svg("tspan", { class: "soft", "font-size": narrow ? 12 : crowded ? 12.5 : 14, ...below }, fn));
    }
  } else {
    const size = kind === "pill" ? 15 : mark.text.length > 1 ? 16 : 20;
    text.setAttribute("y", y + size / 3);
    text.setAttribute("font-size", size);
    text.textContent = FUNCTIONS[mark.text] ?? mark.text;
  }
  group.append(text);
  return group;
}

function fill(drawn, scene, t) {
  for (const { net, under, over } of drawn.wires) {
    const number = net.value < 0 ? null : scene.at(net.value, t);
    const width = number === null ? 2.5 : 1.6 + 6.4 * Math.min(1, Math.abs(number) / scene.scales[net.value]);
    const gate = net.value >= 0 && scene.gates[net.value];
    const kind = number === null ? " bus" : gate ? " gate" : number < 0 ? " negative" : "";
    for (const line of over) {
      line.setAttribute("class", `wire${kind}${net.faint ? " faint" : ""}`);
      line.setAttribute("stroke-width", width.toFixed(2));
    }
    for (const line of under) line.setAttribute("stroke-width", (width + UNDER).toFixed(2));
  }
  for (const { label, text } of drawn.labels) {
    if (label.kind === "value") text.textContent = scene.write(label.value, t);
    if (label.kind === "input") text.lastChild.textContent = VISIBLE[scene.tokens[t]] ?? scene.tokens[t];
  }
  drawn.picture.setAttribute("aria-label", described(scene, t));
}

function described(scene, t) {
  const values = scene.equations.map((line) => `${line.symbol} ${scene.write(line.value, t)}`);
  return `The cell at step ${t}, reading ${named(scene.tokens[t])}: ${values.join(", ")}`;
}

// A text coloured by a unit and the unit's course below it; where the pointer is on one, the cursor is on both.
// With two texts the first is the one before a change: above, and dashed.

const HIGH = 11, TICKS = 4; // rem, and values at the axis, about

export default function ({ parentElement: root, data }) {
  const view = root.view ?? (root.view = build(root));
  refresh(view, data, write);
  return () => view.size.disconnect();
}

function build(root) {
  const box = root.appendChild(node("div", "course"));
  const legend = node("div", "legend"), texts = node("div", "texts"), picture = shape("svg", { role: "img" });
  box.append(legend, texts, picture);
  const view = { box, legend, texts, picture, readout: node("output", "readout") };
  view.size = new ResizeObserver(() => view.data && box.clientWidth !== view.width && draw(view));
  view.size.observe(box);
  picture.onpointermove = (event) => point(view, nearest(view, event.clientX - picture.getBoundingClientRect().left));
  picture.onpointerleave = () => point(view);
  return view;
}

// ---- the text

function write(view) {
  const { data, box, legend, texts, readout } = view, { scale } = data;
  view.now = data.texts.at(-1);
  box.classList.toggle("compared", data.texts.length > 1);
  const bar = node("span", "bar"), stops = [...Array(17).keys()].map((k) => tinge(k / 8 - 1));
  bar.style.background = `linear-gradient(to right, ${stops.join()})`;
  const end = (side) => `${scale.classes[(side + 1) / 2]} ${signed(scale.neutral + side * scale.polarity * scale.reach)}`;
  legend.replaceChildren(node("span", "", end(-1)), bar, node("span", "", end(1)), node("span", "", scale.label), readout);
  view.spans = [];
  texts.replaceChildren(...data.texts.flatMap((one) => {
    const text = node("div", "text"), changed = new Set(one.changed), spans = spansOf(one.pieces);
    spans.forEach((span, step) => {
      span.style.background = tinge(side(scale, one.values[step]));
      if (changed.has(step)) span.className = "changed";
    });
    text.replaceChildren(...spans);
    if (one === view.now) follow(view, text, spans);
    return one.name ? [node("div", "name", one.name), text] : [text];
  }));
  view.step = undefined;
  draw(view);
  point(view);
}

function follow(view, text, spans) {
  view.spans = spans;
  text.tabIndex = 0;
  text.setAttribute("role", "slider");
  text.setAttribute("aria-label", `${view.data.scale.label}, over the text: move with the arrow keys`);
  text.setAttribute("aria-valuemin", 0);
  text.setAttribute("aria-valuemax", spans.length - 1);
  text.onpointermove = (event) => point(view, stepOf(event.target));
  text.onpointerleave = () => point(view);
  text.onblur = () => point(view);
  text.onkeydown = (event) => {
    const at = view.step ?? -1, last = spans.length - 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(view, Math.max(0, Math.min(last, to)), true);
  };
}

// ---- the curve

function draw(view) {
  const { data, picture, box, now } = view, { scale } = data;
  const unit = rem();
  const width = (view.width = box.clientWidth), left = 2.8 * unit, right = 3.4 * unit, top = 1.6 * unit, high = HIGH * unit;
  if (!width) return;
  const values = [scale.neutral, ...data.texts.flatMap((text) => text.values)];
  const low = Math.min(...values), up = Math.max(...values), span = Math.max(up - low, 0.2 * scale.reach);
  const least = (low + up - span) / 2;
  const last = Math.max(1, ...data.texts.flatMap((text) => text.places));
  const x = (place) => left + (place / last) * (width - left - right);
  const share = (value) => (scale.polarity > 0 ? value - least : least + span - value) / span;
  const y = (value) => top + high * (1 - share(value));
  Object.assign(view, { x, y, bottom: top + high });
  picture.replaceChildren();
  picture.setAttribute("width", width);
  picture.setAttribute("height", high + top + 1.6 * unit);
  picture.setAttribute("aria-label", `${scale.label} along the text; it ends at ${signed(now.values.at(-1))}`);
  for (const tick of ticks(least, least + span)) {
    picture.append(shape("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
    picture.append(shape("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, plain(tick)));
  }
  picture.append(shape("line", { class: "neutral", x1: left, x2: width - right, y1: y(scale.neutral), y2: y(scale.neutral) }));
  const points = (text) => text.values.map((value, step) => [x(text.places[step]), y(value)]);
  const line = (list) => list.map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join("L");
  const own = points(now), ground = y(scale.neutral);
  const area = `M${line([[own[0][0], ground], ...own, [own.at(-1)[0], ground]])}Z`;
  [["positive", 0, ground], ["negative", ground, 2 * high]].forEach(([name, from, size]) => {
    const clip = picture.appendChild(shape("clipPath", { id: name }));
    clip.append(shape("rect", { x: 0, width, y: from, height: Math.max(0, size) }));
    picture.append(shape("path", { class: "side", style: `fill:var(--${name})`, "clip-path": `url(#${name})`, d: area }));
  });
  if (data.texts.length > 1) picture.append(shape("path", { class: "curve before", d: `M${line(points(data.texts[0]))}` }));
  picture.append(shape("path", { class: "curve", d: `M${line(own)}` }));
  const [endX, endY] = own.at(-1);
  const end = picture.appendChild(shape("text", { class: "end", x: endX + 10, y: endY + 5 }, signed(now.values.at(-1))));
  label(view, unit);
  picture.append(end);
  view.rule = picture.appendChild(shape("line", { class: "rule hidden", y1: top, y2: top + high }));
  view.dot = picture.appendChild(shape("circle", { class: "dot hidden", r: 0.3 * unit }));
}

// Words at the curve, the greatest change first: above where it went up, below where down; one that has no room is left out.
function label(view, unit) {
  const { data, now, picture, x, y } = view, taken = [];
  for (const { word, step, up } of data.marks) {
    const cx = x(now.places[step]), cy = y(now.values[step]);
    picture.append(shape("circle", { class: "dot", cx, cy, r: 0.25 * unit }));
    const text = picture.appendChild(shape("text", { class: "word", x: cx, "text-anchor": "middle" }, word));
    const half = text.getComputedTextLength() / 2;
    text.setAttribute("x", Math.max(half, Math.min(view.width - half, cx)));
    const rooms = up ? [-0.65, 1.35] : [1.35, -0.65];
    const free = rooms.find((offset) => {
      text.setAttribute("y", cy + offset * unit);
      const box = text.getBBox();
      const hit = taken.some((other) => box.x < other.x + other.width + 4 && other.x < box.x + box.width + 4 && box.y < other.y + other.height && other.y < box.y + box.height);
      return hit ? false : taken.push(box);
    });
    if (free === undefined) text.remove();
  }
}

// ---- the cursor

function point(view, step, scroll = false) {
  const { spans, now, readout, rule, dot } = view;
  spans[view.step]?.classList.remove("cursor");
  view.step = step;
  rule?.classList.toggle("hidden", step === undefined);
  dot?.classList.toggle("hidden", step === undefined);
  readout.textContent = "";
  if (step === undefined) return;
  const span = spans[step], value = now.values[step];
  span.classList.add("cursor");
  const word = `${named(now.pieces[step])}: ${signed(value)}`;
  readout.textContent = word;
  span.parentElement.setAttribute("aria-valuenow", step);
  span.parentElement.setAttribute("aria-valuetext", word);
  const place = view.x(now.places[step]);
  rule.setAttribute("x1", place);
  rule.setAttribute("x2", place);
  dot.setAttribute("cx", place);
  dot.setAttribute("cy", view.y(value));
  const { parentElement: text } = span, seen = span.offsetTop - text.scrollTop;
  if (seen < 0 || seen > text.clientHeight - span.offsetHeight) if (scroll || !text.matches(":hover")) text.scrollTop = span.offsetTop - text.clientHeight / 2;
}

function nearest(view, offset) {
  const { now, x } = view;
  let best = 0;
  now.places.forEach((place, step) => { if (Math.abs(x(place) - offset) < Math.abs(x(now.places[best]) - offset)) best = step; });
  return best;
}

// ---- numbers

// -1 is the first class at its fullest, 1 the second.
function side(scale, value) {
  return Math.max(-1, Math.min(1, (scale.polarity * (value - scale.neutral)) / scale.reach));
}

function ticks(low, high) {
  const rough = (high - low) / TICKS, ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * [1, 2, 5, 10].find((times) => times * ten >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) found.push(Number((k * step).toPrecision(6)));
  return found;
}

function plain(value) {
  return value === 0 ? "0" : (value < 0 ? "−" : "+") + Math.abs(value);
}

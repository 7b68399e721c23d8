// Choosing a unit and a signal: number field, bars in the chosen order, slider, signal switch, legend.

const SCORES = { pattern: "correlation", variance: "variance", saturation: "saturated" };
const DECADES = 6; // variances have long tails: their bars are logarithmic, over this many powers of ten

function makeUnits(view) {
  const { signals, sort, unit, slide } = view.parts, { reading } = view;
  signals.replaceChildren(...reading.signals.map((signal) => {
    const button = document.createElement("button"), symbol = document.createElement("i");
    symbol.textContent = signal.symbol;
    button.append(symbol);
    button.title = signal.meaning;
    button.setAttribute("aria-label", `${signal.symbol}, ${signal.meaning}`);
    button.symbol = signal.symbol;
    return button;
  }));
  const labels = Object.values(reading.labels).map(({ label }) => new Option(label.title, label.name)), group = element("optgroup");
  group.label = "how well it tells, on unseen text";
  group.append(...labels);
  sort.replaceChildren(...Object.entries(reading.sorts).filter(([value]) => !reading.labels[value]).map(([value, word]) => new Option(word, value)), ...(labels.length ? [group] : []));
  unit.max = slide.max = reading.units - 1;
}

function paintUnits(view) {
  const { parts, reading, at } = view, { order, scores, by } = ordered(reading, at);
  const place = order.indexOf(at.unit), signal = view.signal();
  for (const button of parts.signals.children) button.setAttribute("aria-pressed", button.symbol === at.signal);
  parts.unit.value = at.unit;
  parts.sort.value = at.sort;
  parts.slide.value = place;
  parts.slide.setAttribute("aria-valuetext", `unit ${at.unit}, ${place + 1} of ${order.length}`);
  parts.previous.disabled = place === 0;
  parts.next.disabled = place === order.length - 1;
  parts.count.textContent = `${thousands(reading.units)} units of layer ${reading.layer}`;
  const told = reading.labels[by], best = told?.signals[at.unit];
  const how = told ? ` · by each unit’s best signal, here ${best}${best === at.signal ? "" : `; ${at.signal} is shown`}` : by === "variance" ? " · bars on a log scale" : "";
  parts.place.textContent = `· this is no. ${place + 1}${how}`;
  paintLegend(view, signal);
  paintBars(view, order, scores, by, place);
  return { order, place };
}

function paintLegend(view, signal) {
  const { low, high, ramp: bar, meaning, legend } = view.parts;
  const end = (value) => (signal.signed ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(Math.abs(value) < 1 ? 2 : 1) : String(value));
  low.textContent = end(signal.low);
  high.textContent = end(signal.high);
  const colours = ramp(signal, view.palette, true);
  const stops = Array.from({ length: 21 }, (_, k) => colours[level(signal, 100 * (signal.low + (k / 20) * (signal.high - signal.low)))]);
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  meaning.textContent = signal.meaning;
  legend.title = signal.robust ? "Nine of ten units of the layer keep within this at 99 % of the steps; colours grow with the logarithm" : "The signal’s own range";
  legend.setAttribute("aria-label", `Colours from ${low.textContent} to ${high.textContent}, ${signal.meaning}`);
}

function paintBars(view, order, scores, by, place) {
  const { bars } = view.parts, { rem } = view, width = bars.parentElement.clientWidth, height = 2.9 * rem, top = 1 * rem;
  const told = view.reading.labels[by];
  const most = told || by === "saturation" ? 1 : Math.max(...scores, 1e-9), step = width / order.length, thick = step > 5 ? step - 1.5 : step > 2.5 ? step - 0.75 : step;
  const tall = (share) => (by === "variance" ? Math.max(0, 1 + Math.log10(share) / DECADES) : Math.max(0, share));
  const y = (unit) => height - tall(scores[unit] / most) * (height - top);
  const key = `${view.at.sort} ${view.at.signal} ${width} ${rem} ${view.reading.of}`;
  if (view.barsOf !== key) {
    bars.setAttribute("width", width);
    bars.setAttribute("height", height + 1);
    const path = Array.from(order, (unit, k) => `M${(k * step).toFixed(2)} ${height}V${y(unit).toFixed(1)}h${thick.toFixed(2)}V${height}z`);
    bars.querySelector(".quiet").setAttribute("d", path.join(""));
    for (const [name, value] of Object.entries({ x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5 })) bars.querySelector(".ground").setAttribute(name, value);
    paintUntrained(view, told, width, height - Math.max(0, told?.label.untrained ?? 0) * (height - top));
    view.barsOf = key;
  }
  const wide = Math.max(thick, 3), x = Math.min(width - wide, Math.max(0, place * step + thick / 2 - wide / 2)), high = y(order[place]);
  const here = bars.querySelector(".here"), lead = bars.querySelector(".lead"), score = bars.querySelector(".score");
  for (const [name, value] of Object.entries({ x, y: high, width: wide, height: Math.max(1, height - high) })) here.setAttribute(name, value);
  const text = scoreOf(scores[order[place]], by, told);
  const flip = x > width - 12 * rem, from = flip ? x - 3 : x + wide + 3, to = flip ? x - 1.5 * rem : x + wide + 1.5 * rem;
  for (const [name, value] of Object.entries({ x1: from, x2: to, y1: 0.5 * rem, y2: 0.5 * rem })) lead.setAttribute(name, value);
  score.textContent = text;
  score.setAttribute("x", flip ? to - 5 : to + 5);
  score.setAttribute("y", 0.78 * rem);
  score.setAttribute("text-anchor", flip ? "end" : "start");
}

function scoreOf(score, by, told) {
  if (told) return told.label.discrete ? `AUC ${((1 + score) / 2).toFixed(3)}` : `R² ${(score * Math.abs(score)).toFixed(2)}`;
  const shown = { saturation: () => (score * 100).toFixed(0) + "\u202f%", variance: () => Number(score.toPrecision(3)) }[by] ?? (() => score.toFixed(2));
  return `${SCORES[by]} ${shown()}`;
}

// A dotted line where the best unit of untrained models stands.
function paintUntrained(view, told, width, y) {
  const line = view.parts.bars.querySelector(".untrained"), words = view.parts.bars.querySelector(".untrained-said");
  line.style.display = words.style.display = told ? "" : "none";
  if (!told) return;
  for (const [name, value] of Object.entries({ x1: 0, x2: width, y1: y, y2: y })) line.setAttribute(name, value);
  words.textContent = `best unit of untrained models, ${told.label.shown.toFixed(told.label.discrete ? 3 : 2)}`;
  for (const [name, value] of Object.entries({ x: width, y: y - 0.3 * view.rem, "text-anchor": "end" })) words.setAttribute(name, value);
}

// What changes on the way to a unit: in the order of a label also its signal, the one that tells the label best.
function toUnit(view, unit) {
  const told = view.reading.labels[view.at.sort];
  return told ? { unit, signal: told.signals[unit] } : { unit };
}

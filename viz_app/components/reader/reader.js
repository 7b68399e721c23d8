// The reader: where it stands (a unit of a signal, a step), and what follows when that changes.

const VIEWS = new WeakMap();
const QUIET_MS = 300; // after the last change, before the page is told
const PATIENCE_MS = 3000; // before units that did not come are asked for again
const PARTS = {
  reader: ".reader", headline: ".headline", numbers: ".numbers", unit: ".unit", signals: ".signals", legend: ".legend", low: ".low", high: ".high",
  ramp: ".ramp", meaning: ".meaning", bars: ".bars", slide: ".slide", sort: ".sort", count: ".count", place: ".place", text: ".text", notes: ".notes",
  strip: ".strip", how: ".how span", after: ".after", came: ".came", guesses: ".guesses", extremes: ".extremes", snippets: ".snippets", tip: ".tip",
  said: ".said", verdict: ".verdict", chips: ".chips", evidence: ".evidence", previous: "[data-step='-1']", next: "[data-step='1']",
};

const ROLES = { paper: "paper", sunk: "sunk", line: "line", line2: "line2", ink: "ink", soft: "soft", accent: "accent", wash: "accent_soft", warning: "warning" };

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const view = VIEWS.get(parentElement) ?? open(parentElement);
  view.tell = (report) => setStateValue("report", report);
  view.turn = (page, place) => setTriggerValue("open", { page, ...place });
  const reading = data.opening ? keep(data.of, data.opening) : READINGS.get(data.of);
  if (!reading) return void view.tell({ of: null });
  if (data.bank) { deposit(reading, data.bank); view.want = []; }
  const fresh = view.reading !== reading;
  view.reading = reading;
  if (data.opening) Object.assign(reading, { told: data.opening.chosen.t, last: data.opening.chosen });
  if (data.opening || fresh) view.at = { ...reading.last };
  dress(view);
  if (fresh) {
    Object.assign(view, { locked: false, want: [] });
    makeUnits(view);
    makeText(view);
    makeChips(view);
    view.parts.reader.hidden = false;
    view.strip = undefined;
  }
  go(view, {}, { quiet: true, scroll: fresh });
  return () => view.close();
}

// Attach everything once; afterwards only what is shown changes.
function open(root) {
  const parts = Object.fromEntries(Object.entries(PARTS).map(([name, selector]) => [name, root.querySelector(selector)]));
  const view = { root, parts, want: [], asked: 0, pointed: false };
  view.css = (name) => getComputedStyle(parts.reader).getPropertyValue(name).trim();
  view.signal = () => view.reading.signals.find((signal) => signal.symbol === view.at.signal);
  view.held = () => view.reading.units_held.get(view.at.unit);
  VIEWS.set(root, view);
  const keys = (event) => onKey(view, event), size = new ResizeObserver(() => resized(view));
  window.addEventListener("keydown", keys);
  size.observe(parts.reader);
  listen(view);
  view.close = () => {
    window.removeEventListener("keydown", keys);
    size.disconnect();
    clearTimeout(view.timer);
    VIEWS.delete(root);
  };
  return view;
}

function listen(view) {
  const { parts, root } = view, on = (part, event, act) => part.addEventListener(event, act);
  on(root, "click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.step) flip(view, Number(button.dataset.step));
    else if (button.dataset.take) take(view, button.dataset.take);
    else if (button.chip) toChip(view, button.chip);
    else if (button.classList.contains("door")) view.turn("unit", { layer: view.reading.layer, unit: view.at.unit, signal: view.at.signal });
    else if (button.symbol) go(view, { signal: button.symbol });
    else if (button.step !== undefined) { view.locked = true; go(view, { t: button.step }, { scroll: true }); }
  });
  on(parts.unit, "change", () => {
    const typed = parts.unit.value, asked = Math.round(Number(typed)), unit = Math.max(0, Math.min(view.reading.units - 1, asked || 0));
    go(view, toUnit(view, unit));
    if (typed === "" || unit !== asked) say(view, `There is no unit ${typed || "without a number"}; this layer has 0 to ${view.reading.units - 1}. Showing ${unit}.`);
  });
  on(parts.sort, "change", () => {
    view.at.sort = parts.sort.value;
    const told = view.reading.labels[view.at.sort];
    go(view, told ? toUnit(view, told.order[0]) : {});
  });
  on(parts.slide, "input", () => go(view, toUnit(view, ordered(view.reading, view.at).order[Number(parts.slide.value)])));
  on(parts.bars, "click", (event) => {
    const box = parts.bars.getBoundingClientRect(), { order } = ordered(view.reading, view.at);
    go(view, toUnit(view, order[Math.max(0, Math.min(order.length - 1, Math.floor(((event.clientX - box.left) / box.width) * order.length)))]));
  });
  const stepAt = (event) => event.target.step ?? undefined;
  on(parts.text, "pointermove", (event) => {
    const t = stepAt(event);
    view.pointed = true;
    if (t !== undefined && !view.locked && t !== view.at.t) go(view, { t }, { quiet: true });
    else if (view.held() && parts.tip.hidden && t !== undefined) paintTip(view, view.held());
  });
  on(parts.text, "pointerleave", () => { view.pointed = false; hideTip(view); });
  on(parts.text, "blur", () => hideTip(view));
  on(parts.text, "scroll", () => hideTip(view));
  on(parts.text, "click", (event) => {
    const t = stepAt(event);
    if (t === undefined) return;
    view.locked = true;
    go(view, { t });
  });
  on(parts.strip, "click", (event) => {
    const { left, cell, count, start } = view.strip, k = Math.floor((event.clientX - parts.strip.getBoundingClientRect().left - left) / cell);
    if (k < 0 || k >= count) return;
    view.locked = true;
    go(view, { t: start + k }, { scroll: true });
  });
}

function onKey(view, event) {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || !view.reading || !view.root.host.isConnected) return;
  const target = event.composedPath()[0], inText = target === view.parts.text;
  if (event.key === "Escape" && view.locked) { view.locked = false; notes(view); return; }
  if (!inText && target.closest?.("input, select, textarea, [contenteditable], [role=combobox], [role=listbox], [role=menu], [role=dialog], [role=tab], [role=slider], [role=radiogroup]")) return;
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!inText) {
    if (way) { event.preventDefault(); flip(view, way); }
    return;
  }
  const { t } = view.at, last = view.reading.time - 1;
  const next = way ? t + way : { ArrowUp: () => vertical(view, t, -1), ArrowDown: () => vertical(view, t, 1), Home: () => 0, End: () => last }[event.key]?.();
  if (next === undefined) return;
  event.preventDefault();
  view.locked = true;
  go(view, { t: Math.max(0, Math.min(last, next)) }, { scroll: true, aloud: true });
}

function flip(view, way) {
  const { order } = ordered(view.reading, view.at), place = order.indexOf(view.at.unit) + way;
  if (place >= 0 && place < order.length) go(view, toUnit(view, order[place]));
}

// Move to another unit, signal, order or step, and draw what depends on it.
function go(view, change, { quiet = false, scroll = false, aloud = false } = {}) {
  Object.assign(view.at, change);
  view.reading.last = { ...view.at };
  const { at, parts } = view;
  const { order, place } = "t" in change ? {} : paintUnits(view);
  const want = order ? missing(view.reading, order, place) : [];
  const held = view.held();
  parts.text.classList.toggle("waiting", !held);
  if (held) draws(view, held, change, scroll);
  if (aloud && held) parts.said.textContent = `${sign(view.reading.tokens[at.t])}, ${view.signal().meaning} ${written(view.signal(), held.values[at.signal][at.t])}. ${parts.came.textContent}`;
  if (want.length) ask(view, want);
  if (!quiet) later(view);
}

function draws(view, held, change, scroll) {
  const { parts, at } = view;
  if (!view.strip) makeStrip(view);
  if (!("t" in change)) {
    const [headline, numbers, otherwise] = held.findings[at.signal], signal = view.signal();
    parts.headline.textContent = headline;
    parts.numbers.textContent = numbers;
    paintText(view, held.values[at.signal], signal);
    paintSnippets(view, held);
    const colours = signal.signed ? "Orange is above zero, blue below" : "Slate is an open gate, paper a shut one";
    const proof = isVerified(view, held) ? "" : "; it names the strongest of a few simple patterns, found on this text alone, and is no proof";
    parts.how.textContent = `${colours}; each character wears the value after it was read. ${otherwise}${proof}.`;
    paintEvidence(view, held);
    parts.text.setAttribute("aria-label", `The text, coloured by the ${signal.meaning} of unit ${at.unit}. Arrow keys move the cursor, Escape frees it.`);
  }
  ring(view, at.t, scroll);
  paintStrip(view, held);
  paintExpected(view);
  if (view.pointed || view.root.activeElement === parts.text) paintTip(view, held);
  notes(view);
}

function toChip(view, { layer, unit, signal, sort }) {
  if (layer === view.reading.layer) go(view, { unit, signal, sort });
  else view.turn("cells", { layer, unit, signal, sort });
}

function notes(view) {
  const words = view.locked ? "The cursor stays where it is until Esc." : "Point at a character; a click keeps the cursor there.";
  view.parts.notes.textContent = `${view.strange}${words} ← → flip through units, or through characters once the text has the focus.`;
}

function say(view, sentence) {
  view.parts.notes.textContent = view.parts.said.textContent = sentence;
}

function hideTip(view) {
  view.parts.tip.hidden = true;
}

// Tell the page where we are, and which units we still need. A cursor that only follows the pointer is not told.
function report(view) {
  const { reading, at, locked, want } = view;
  clearTimeout(view.timer);
  if (locked) reading.told = at.t;
  view.tell({ of: reading.of, ...at, t: reading.told, want });
}

function later(view) {
  clearTimeout(view.timer);
  view.timer = setTimeout(() => report(view), QUIET_MS);
}

function ask(view, want) {
  if (view.want.length && performance.now() - view.asked < PATIENCE_MS) return;
  Object.assign(view, { want, asked: performance.now() });
  report(view);
}

// Follow the page's light or dark, its fonts and its size.
function dress(view) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = view.css("--st-background-color") || "#fff";
  const [r, g, b] = rgb(probe.fillStyle);
  const mode = 0.2126 * r + 0.7152 * g + 0.0722 * b < 128 ? "dark" : "light";
  if (view.palette && view.mode === mode && view.rem === rem) return;
  Object.assign(view, { mode, rem, palette: view.reading.palettes[mode], strip: undefined, barsOf: undefined });
  for (const [role, name] of Object.entries(ROLES)) view.parts.reader.style.setProperty(`--${role}`, view.palette[name]);
}

function resized(view) {
  const width = view.parts.reader.clientWidth, rem = view.rem;
  if (!view.reading || !width) return;
  dress(view);
  if (width === view.width && rem === view.rem) return;
  view.width = width;
  view.strip = view.barsOf = undefined;
  go(view, {}, { quiet: true });
}

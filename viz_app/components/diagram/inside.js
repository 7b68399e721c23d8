// Inside the cell: one step at a time. The browser holds every step; the page hears where it stands.

const REST = 400; // milliseconds after the last move until the step is reported
const BEAT = 1000 / 6; // milliseconds from step to step while playing

export default function ({ parentElement, data, setStateValue }) {
  const view = parentElement.view ?? (parentElement.view = build(parentElement));
  view.report = () => setStateValue("at", { of: view.scene.of, t: view.t });
  if (!data.scene && !view.scene) return setStateValue("at", null); // a new element: ask for what the old one had
  if (data.scene && data.scene.of !== view.scene?.of) open(view, data.scene, data.t);
  return () => view.end();
}

function build(root) {
  const find = (name) => root.querySelector(name);
  const view = { root: find(".inside"), t: 0, timer: 0, playing: 0 };
  for (const name of ["finding", "step", "strip", "drawing", "equations", "sum", "sum-title", "guesses", "read", "play", "line"]) {
    view[name] = find(`.${name}`);
  }
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const rest = () => {
    view.play.disabled = still.matches;
    view.play.title = still.matches ? "This system asks for no motion: step with the arrow keys" : "";
    if (still.matches) play(view, false);
  };
  const keys = (event) => {
    const inside = event.composedPath().includes(root);
    const free = inside || event.target === document.body;
    if (!free || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !view.scene) return;
    const last = view.scene.tokens.length - 1;
    const to = { ArrowLeft: view.t - 1, ArrowRight: view.t + 1 }[event.key] ?? (inside ? { Home: 0, End: last }[event.key] : undefined);
    if (to === undefined) return;
    event.preventDefault();
    play(view, false);
    go(view, to);
  };
  const resized = new ResizeObserver(() => view.scene && refit(view));
  resized.observe(view.root);
  still.addEventListener("change", rest);
  window.addEventListener("keydown", keys);
  root.querySelectorAll("[data-move]").forEach((button) => {
    button.onclick = () => {
      play(view, false);
      go(view, view.t + Number(button.dataset.move));
    };
  });
  root.querySelectorAll("[data-take]").forEach((button) => {
    button.onclick = () => take(button.dataset.take, view);
  });
  view.play.onclick = () => play(view, !view.playing);
  view.strip.onclick = (event) => {
    const step = event.target.dataset?.step;
    if (step !== undefined) go(view, Number(step));
  };
  view.end = () => {
    play(view, false);
    clearTimeout(view.timer);
    resized.disconnect();
    still.removeEventListener("change", rest);
    window.removeEventListener("keydown", keys);
  };
  rest();
  return view;
}

function open(view, data, t) {
  const values = floats(data.values);
  const chances = floats(data.chances);
  const time = data.tokens.length;
  const scene = {
    ...data,
    at: (n, step) => values[n * time + step],
    write: (n, step) => decimal(values[n * time + step], data.gates[n]),
    chance: (step, n) => chances[step * data.guesses[0].length + n],
  };
  scene.usual = scene.sums ? typical(scene, time) : 1;
  view.scene = scene;
  view.lines = typeset(scene, view.equations);
  view.line.hidden = !scene.sums;
  view["sum-title"].textContent = scene.sums?.words.title ?? "";
  explain(view.read, scene);
  view.drawn = null;
  play(view, false);
  view.t = Math.max(0, Math.min(time - 1, t));
  refit(view);
}

// How far the sum and its parts usually reach: the axis of the sum stays the same from step to step.
function typical(scene, time) {
  const sizes = [];
  for (const n of [scene.sums.old, scene.sums.total]) {
    for (let t = 0; t < time; t += 1) sizes.push(Math.abs(scene.at(n, t)));
  }
  sizes.sort((a, b) => a - b);
  return Math.max(0.2, sizes[Math.floor(0.85 * (sizes.length - 1))]);
}

function explain(place, scene) {
  const far = Object.entries(scene.full).map(([symbol, reach]) => `from ${reach < 100 ? reach.toFixed(1) : reach < 1e30 ? reach.toPrecision(2) : "∞"} on where ${symbol} runs`);
  const widest = far.length ? ` (full ${far.join(", ")}, from 1 elsewhere)` : "";
  const words =
    ` A wire is as thick as its number is large${widest}: orange positive, blue negative, grey a gate between 0 and 1. ` +
    "Boxes are learned layers, circles plain arithmetic" +
    (scene.sums?.carried ? "; on the upper rail nothing else stands in the memory’s way." : "; all of the state passes through the weights and the function at every step.") +
    (scene.mean ? " The numbers are means over the layer: the mean of a product is not the product of the means." : "");
  place.replaceChildren(element("b", "", "How to read it."), words);
}

function refit(view) {
  const narrow = view.drawing.clientWidth < NARROW;
  if (!view.drawn || view.drawn.narrow !== narrow) view.drawn = draw(view.drawing, view.scene);
  show(view);
}

function show(view) {
  const { scene, t } = view;
  view.finding.textContent = scene.findings[t];
  view.step.textContent = `step ${t} of ${scene.tokens.length - 1}`;
  unroll(scene, view.strip, t);
  fill(view.drawn, scene, t);
  substitute(scene, view.lines, t);
  if (scene.sums) balance(scene, view.sum, t);
  expect(scene, view.guesses, t);
}

function go(view, t) {
  t = Math.max(0, Math.min(view.scene.tokens.length - 1, t));
  if (t === view.t) return;
  view.t = t;
  show(view);
  clearTimeout(view.timer);
  if (!view.playing) view.timer = setTimeout(view.report, REST);
}

function play(view, on) {
  if (on === Boolean(view.playing)) return;
  clearInterval(view.playing);
  view.playing = 0;
  view.play.setAttribute("aria-pressed", on);
  view.play.textContent = on ? "Pause" : "Play";
  view.finding.setAttribute("aria-live", on ? "off" : "polite");
  if (!on) {
    view.timer = setTimeout(view.report, REST);
    return;
  }
  view.playing = setInterval(() => {
    if (view.t >= view.scene.tokens.length - 1) play(view, false);
    else go(view, view.t + 1);
  }, BEAT);
}

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

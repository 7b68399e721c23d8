// What several components are made with: nodes and shapes, when to draw, the spans of a text, names, numbers, colours on a scale.

const SHOWN = { "\n": "↵\n", "\t": "→\t", "\r": "␍" };

function node(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function shape(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Draw what came, unless it is what is there.
function refresh(view, data, draw) {
  const content = JSON.stringify(data);
  if (view.content === content) return;
  Object.assign(view, { content, data });
  draw(view);
}

// The page's font size, in pixels: on a projector it grows.
function rem() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}

// A span for each token, which knows its step.
function spansOf(tokens) {
  return tokens.map((token, step) => {
    const span = node("span", "", SHOWN[token] ?? token);
    span.dataset.step = step;
    return span;
  });
}

// The step of the span that an event or a point has found.
function stepOf(found) {
  const step = found?.dataset?.step;
  return step === undefined ? undefined : Number(step);
}

function named(token) {
  return { "\n": "line break", "\t": "tab", " ": "space", "\r": "carriage return" }[token] ?? `“${token}”`;
}

function signed(value, digits = 2) {
  return (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
}

// The colour of a value from -1 to 1, behind text.
function tinge(x) {
  const name = x < 0 ? "--negative" : "--positive";
  return `color-mix(in srgb, var(${name}) calc(${Math.abs(x).toFixed(3)} * var(--behind-signed)), transparent)`;
}

function channels(colour) {
  return [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
}

// The colour at a place from 0 to 1 between stops that lie equally far apart.
function between(stops, place) {
  const at = Math.max(0, Math.min(1, place)) * (stops.length - 1);
  const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]];
  return low.map((value, channel) => Math.round(value + (high[channel] - value) * (at % 1)));
}

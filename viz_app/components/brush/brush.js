// A text in which a range of steps is brushed. What is brushed shows at once, and is reported after a moment's rest.

const REST = 350; // milliseconds after the last key or button until the range is reported

export default function ({ parentElement, data, setTriggerValue }) {
  const view = parentElement.view ?? (parentElement.view = build(parentElement));
  view.report = (range) => setTriggerValue("range", range);
  show(view, data);
}

function build(root) {
  const text = node("div", "text");
  text.tabIndex = 0;
  text.setAttribute("role", "application");
  text.setAttribute("aria-label", "Brush a range: arrow keys move it, with shift they move its end");
  const readout = node("span", "readout");
  readout.setAttribute("aria-live", "polite");
  const foot = node("div", "foot");
  const view = { text, readout, spans: [], range: [0, 1] };
  foot.append(readout, mover(view, "Start", 0), mover(view, "End", 1));
  root.append(text, foot);

  text.onpointerdown = (event) => {
    const step = stepOf(event.target);
    if (step === undefined || event.pointerType === "touch") return;
    view.from = step;
    text.setPointerCapture(event.pointerId);
  };
  text.onpointermove = (event) => {
    if (view.from === undefined) return;
    const step = stepAt(view, event);
    if (step === undefined || (step === view.from && !view.dragged)) return;
    view.dragged = true;
    mark(view, [Math.min(view.from, step), Math.max(view.from, step) + 1]);
  };
  text.onpointerup = () => {
    if (view.dragged) tell(view, 0);
    view.from = undefined;
  };
  text.onclick = (event) => {
    const step = stepAt(view, event);
    if (!view.dragged && step !== undefined) {
      mark(view, word(view.data.tokens, step));
      tell(view, 0);
    }
    view.dragged = false;
  };
  text.onkeydown = (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const [start, end] = view.range;
    if (event.shiftKey) move(view, start, end + way);
    else if (start + way >= 0 && end + way <= view.spans.length) move(view, start + way, end + way);
  };
  return view;
}

// Two buttons that move one of the range's ends.
function mover(view, name, place) {
  const box = node("span", "steps", `${name} `);
  for (const [sign, way] of [["◂", -1], ["▸", 1]]) {
    const button = node("button", "", sign);
    button.type = "button";
    button.setAttribute("aria-label", `${name} one step ${way < 0 ? "earlier" : "later"}`);
    button.onclick = () => move(view, view.range[0] + (place ? 0 : way), view.range[1] + (place ? way : 0));
    box.append(button);
  }
  return box;
}

function show(view, data) {
  const words = data.tokens.join("\u0000");
  if (view.words !== words) {
    view.words = words;
    view.spans = spansOf(data.tokens);
    view.text.replaceChildren(...view.spans);
  }
  view.data = data;
  view.spans.forEach((span, step) => {
    const share = data.shares[step];
    span.style.background = share ? `color-mix(in srgb, var(--open) calc(${share / 100} * var(--behind-gate)), transparent)` : "";
  });
  mark(view, data.range);
  const box = view.text, line = view.spans[data.range[0]];
  const down = line.offsetTop - box.offsetTop;
  if (down < box.scrollTop || down > box.scrollTop + box.clientHeight - 30) box.scrollTop = Math.max(0, down - 60);
}

function move(view, start, end) {
  start = Math.max(0, start);
  end = Math.min(view.spans.length, end);
  if (start >= end) return;
  mark(view, [start, end]);
  tell(view, REST);
}

function tell(view, wait) {
  clearTimeout(view.timer);
  const range = view.range;
  view.timer = setTimeout(() => view.report(range), wait);
}

function mark(view, [start, end]) {
  const [before, after] = view.data.sides;
  view.range = [start, end];
  view.spans.forEach((span, step) => {
    const inside = step >= start && step < end;
    const side = !inside && step >= start - before && step < end + after;
    const sign = SHOWN[view.data.tokens[step]] !== undefined;
    span.className = [sign && "sign", inside && "in", side && "side"].filter(Boolean).join(" ");
  });
  const length = end - start;
  view.readout.textContent = `Steps ${start} to ${end - 1}: ${length} character${length === 1 ? "" : "s"}`;
}

// The word, the run of white space, or the sign at a step.
function word(tokens, step) {
  const kind = (token) => (/^[\p{L}\p{N}_]/u.test(token) ? "word" : /^\s/.test(token) ? "space" : token);
  let [start, end] = [step, step + 1];
  while (start > 0 && kind(tokens[start - 1]) === kind(tokens[step])) start--;
  while (end < tokens.length && kind(tokens[end]) === kind(tokens[step])) end++;
  return [start, end];
}

// While the pointer is captured every event has the text as its target: look where the pointer is.
function stepAt(view, event) {
  return stepOf(view.text.getRootNode().elementFromPoint(event.clientX, event.clientY));
}

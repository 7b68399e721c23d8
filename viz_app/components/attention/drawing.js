// SVG by hand: where it is drawn, the width of words, colours of weights.

// A box that takes the keyboard, with a line that says what is looked at; drawn anew whenever its width changes.
function stage(name, draw) {
  const box = node("div", name), readout = node("div", "readout");
  readout.setAttribute("aria-live", "polite");
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  const view = { box, readout };
  view.size = new ResizeObserver(() => view.data && box.clientWidth !== view.width && draw(view));
  view.size.observe(box);
  return view;
}

// How wide words are, in pixels, as the labels write them.
function widths(view, tokens) {
  const context = (view.ruler ??= document.createElement("canvas").getContext("2d"));
  context.font = `500 ${0.875 * rem()}px Inter, sans-serif`;
  return tokens.map((token) => context.measureText(token).width);
}

// A weight's colour: from the empty ground to the end of its scale.
function tinted(data, weight) {
  if (weight === null) return "transparent";
  const share = Math.max(-1, Math.min(1, weight / data.most));
  const end = data.signed ? (share < 0 ? "--negative" : "--positive") : "--open";
  return `color-mix(in srgb, var(${end}) ${(100 * Math.abs(share)).toFixed(1)}%, var(--sunk))`;
}

function figure(data, weight) {
  return data.signed ? signed(weight, 1) : weight.toFixed(2);
}

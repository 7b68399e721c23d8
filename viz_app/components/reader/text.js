// The text heatmap: one span a token, made once; afterwards only colours change.

function makeText(view) {
  const { text } = view.parts, { tokens, unseen } = view.reading;
  view.spans = tokens.map((token, t) => {
    const span = document.createElement("span");
    span.textContent = inline(tokens, t) + (token === "\t" ? token : "");
    span.step = t;
    if (isSign(token)) span.className = "sign";
    if (unseen.has(t)) span.classList.add("unseen");
    return span;
  });
  text.replaceChildren(...view.spans.flatMap((span, t) => (tokens[t] === "\n" ? [span, "\n"] : [span])));
  view.painted = new Int16Array(tokens.length).fill(-1);
  view.ringed = undefined;
  const strange = [...new Set([...unseen].map((t) => sign(tokens[t])))];
  view.strange = strange.length ? `Dashed: never seen in training (${strange.slice(0, 12).join(" ")}${strange.length > 12 ? " and more" : ""}). ` : "";
}

function paintText(view, values, signal) {
  const colours = ramp(signal, view.palette, true), { spans, painted } = view;
  for (let t = 0; t < spans.length; t++) {
    const now = level(signal, values[t]);
    if (painted[t] === now && view.paintedWith === colours[LEVELS] + colours[0]) continue;
    spans[t].style.backgroundColor = colours[now];
    painted[t] = now;
  }
  view.paintedWith = colours[LEVELS] + colours[0];
}

function ring(view, t, scroll) {
  view.ringed?.classList.remove("cursor");
  view.ringed = view.spans[t];
  view.ringed.classList.add("cursor");
  if (!scroll) return;
  const box = view.parts.text, line = parseFloat(getComputedStyle(box).lineHeight), shown = Math.round(box.clientHeight / line);
  const at = Math.floor(view.ringed.offsetTop / line), first = Math.round(box.scrollTop / line);
  if (at < first + 1) box.scrollTop = (at - 1) * line + 2; // past the padding
  else if (at > first + shown - 2) box.scrollTop = (at - shown + 2) * line + 2;
}

// The step above (-1) or below (+1) the cursor: the one on the next drawn line that stands nearest.
function vertical(view, t, way) {
  const middle = (span) => span.offsetLeft + span.offsetWidth / 2;
  const from = middle(view.spans[t]);
  let line = view.spans[t].offsetTop, found = t;
  for (let k = t + way; k >= 0 && k < view.spans.length; k += way) {
    const span = view.spans[k];
    if (Math.abs(span.offsetTop - line) < 4) {
      if (found !== t && Math.abs(middle(span) - from) <= Math.abs(middle(view.spans[found]) - from)) found = k;
    } else if (found !== t) break;
    else { line = span.offsetTop; found = k; }
  }
  return found;
}

// One cursor over the map and the links: a token lights its partners in both. Clicks are reported.

const REST = 250; // milliseconds after the last arrow key until the row is reported

export default function ({ parentElement, data, setTriggerValue }) {
  const view = parentElement.view ?? (parentElement.view = build(parentElement));
  view.report = setTriggerValue;
  refresh(view, data, draw);
  return () => view.size.disconnect();
}

function build(root) {
  const view = stage("attention", draw), { box } = view;
  root.append(box);
  box.onpointermove = (event) => light(view, ...under(event));
  box.onpointerleave = () => rest(view);
  box.onblur = () => rest(view);
  box.onclick = (event) => press(view, ...under(event));
  box.onkeydown = (event) => steer(view, event);
  return view;
}

function draw(view) {
  const { box, data } = view;
  view.width = box.clientWidth;
  if (!view.width) return;
  box.replaceChildren();
  Object.assign(view, { cells: [], rows: [], columns: [], edges: [], sources: [], targets: [], frameRow: () => {}, frameCell: () => {} });
  box.classList.toggle("both", data.show.length > 1);
  const acts = { cell: " Enter lets the row look at this token alone.", row: " Enter chooses the token." };
  const does = data.acts.map((name) => acts[name] ?? "").join("");
  box.setAttribute("aria-label", `${data.titles[0]}: ${data.target.length} by ${data.source.length} tokens. Arrow keys move.${does}`);
  data.show.forEach((part, k) => {
    const panel = node("div", `panel ${part}`);
    box.append(panel);
    panel.append(node("p", "title", data.titles[part === "map" ? 0 : 1]));
    (part === "map" ? drawMap : drawLinks)(view, panel);
  });
  box.lastChild.append(view.readout);
  box.classList.toggle("acts", data.acts.length > 0);
  view.at = [data.chosen ?? 0, 0];
  rest(view);
}

// The target and source token under the pointer; null where there is none.
function under(event) {
  const { t, j } = event.composedPath()[0].dataset ?? {};
  return [t === undefined ? null : Number(t), j === undefined ? null : Number(j)];
}

function rest(view) {
  light(view, view.data?.chosen ?? null, null, true);
}

function light(view, t, j, resting = false) {
  const { data } = view;
  if (t === null && j === null && !resting) return rest(view);
  const own = data.links.filter(([a, b]) => (t === null || a === t) && (t !== null || j === null || b === j));
  const some = t !== null || j !== null;
  const [targets, sources] = [new Set(own.map(([a]) => a)), new Set(own.map(([, b]) => b))];
  if (!some) [targets, sources].forEach((set) => set.clear());
  if (t !== null) targets.add(t);
  if (j !== null) sources.add(j);
  const mark = (labels, set, first) => labels.forEach((label, k) => {
    label.classList.toggle("lit", set.has(k));
    label.classList.toggle("first", k === first);
  });
  mark(view.rows, targets, t);
  mark(view.targets, targets, t);
  mark(view.columns, sources, t === null ? j : null);
  mark(view.sources, sources, t === null ? j : null);
  view.edges.forEach((edge, k) => {
    const lit = some && own.includes(data.links[k]);
    edge.classList.toggle("lit", lit);
    edge.classList.toggle("faint", some && !lit);
    if (lit) edge.parentNode.insertBefore(edge, view.edges.length ? edge.parentNode.querySelector("text") : null);
  });
  view.frameRow(data.chosen);
  view.frameCell(resting ? null : t, resting ? null : j);
  view.readout.textContent = told(data, t, j, own);
}

function told(data, t, j, own) {
  const quoted = (token) => `“${token}”`;
  if (t !== null && j !== null) {
    const weight = data.weights[t][j];
    if (weight === null) return `${quoted(data.source[j])} was left out`;
    return data.signed
      ? `Without ${quoted(data.source[j])}, ${quoted(data.target[t])} is ${Math.abs(weight).toFixed(2)} nats ${weight < 0 ? "likelier" : "less likely"}`
      : `${quoted(data.target[t])} reads ${quoted(data.source[j])} with ${weight.toFixed(3)}`;
  }
  const most = [...own].sort((a, b) => b[2] - a[2]).slice(0, 6);
  if (t !== null) return `${quoted(data.target[t])} ← ${most.map(([, b, w]) => `${quoted(data.source[b])} ${figure(data, w)}`).join(", ") || "nothing"}`;
  if (j !== null) return `${quoted(data.source[j])} → ${most.map(([a, , w]) => `${quoted(data.target[a])} ${figure(data, w)}`).join(", ") || "nothing"}`;
  return "";
}

function press(view, t, j) {
  const { acts } = view.data;
  view.at = [t ?? view.at[0], j ?? view.at[1]]; // an arrow key goes on from here, before the page has answered
  if (t !== null && j !== null && acts.includes("cell")) view.report("cell", [t, j]);
  else if (t === null && j !== null && acts.includes("source")) view.report("source", [j]);
  else if (t !== null && acts.includes("row")) view.report("row", [t]);
}

function steer(view, event) {
  const { data } = view, [t, j] = view.at;
  if (event.key === "Enter") {
    event.preventDefault();
    clearTimeout(view.timer);
    return press(view, t, data.acts.includes("cell") ? j : null);
  }
  if ((event.key === "Delete" || event.key === "Backspace") && data.acts.includes("source")) return press(view, null, j);
  const to = { ArrowUp: [t - 1, j], ArrowDown: [t + 1, j], ArrowLeft: [t, j - 1], ArrowRight: [t, j + 1] }[event.key];
  if (!to) return;
  event.preventDefault();
  view.at = [Math.max(0, Math.min(data.target.length - 1, to[0])), Math.max(0, Math.min(data.source.length - 1, to[1]))];
  light(view, ...view.at);
  if (!data.acts.includes("row") || view.at[0] === t) return;
  clearTimeout(view.timer);
  const row = view.at[0]; // drawn anew meanwhile, the cursor may be elsewhere
  view.timer = setTimeout(() => view.report("row", [row]), REST);
}

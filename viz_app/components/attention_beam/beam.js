// The search as a tree: a column a step, the likeliest at the top, width of a branch by the token's probability.

const WORDS = { best: "on the way to the best", kept: "kept", fallen: "fell out of the beam", finished: "finished" };

export default function ({ parentElement, data, setTriggerValue }) {
  const view = parentElement.view ?? (parentElement.view = build(parentElement));
  view.report = (twig) => setTriggerValue("twig", twig);
  refresh(view, data, draw);
  return () => view.size.disconnect();
}

function build(root) {
  const view = stage("tree", draw), { box } = view;
  root.append(box, view.readout);
  box.onpointermove = ({ target }) => look(view, target.dataset?.twig === undefined ? null : Number(target.dataset.twig));
  box.onpointerleave = () => look(view, null);
  box.onblur = () => look(view, null);
  box.onfocus = () => look(view, view.at ?? 0);
  box.onclick = ({ target }) => target.dataset?.twig > 0 && view.report(Number(target.dataset.twig));
  box.onkeydown = (event) => steer(view, event);
  return view;
}

function draw(view) {
  const { box, data: { twigs, label } } = view, unit = rem();
  view.width = box.clientWidth;
  if (!view.width) return;
  const steps = Math.max(...twigs.map((twig) => twig.step));
  const columns = Array.from({ length: steps + 1 }, () => []);
  twigs.forEach((twig, k) => columns[twig.step].push(k));
  const rows = Math.max(...columns.map((column) => column.length));
  const tall = (rows > 12 ? 1.25 : 1.5) * unit;
  const written = widths(view, twigs.map((twig) => twig.token));
  const wide = Math.max(Math.max(...written) + 2.2 * unit, (view.width - 8) / (steps + 1));
  const picture = shape("svg", { width: wide * (steps + 1) + 8, height: rows * tall + 0.5 * unit });
  const at = (k) => [4 + twigs[k].step * wide + (twigs[k].step ? 0.9 * unit : 0), (columns[twigs[k].step].indexOf(k) + 0.6) * tall];
  const branches = shape("g", {});
  picture.append(branches);
  view.marks = twigs.map((twig, k) => {
    const [x, y] = at(k), group = shape("g", { class: `twig ${twig.fate}`, "data-twig": k });
    if (k) {
      const [u, v] = at(twig.parent), from = u + written[twig.parent] + 0.3 * unit, to = x - 0.3 * unit, middle = (from + to) / 2;
      const d = `M${from} ${v}C${middle} ${v} ${middle} ${y} ${to} ${y}`;
      branches.append(shape("path", { class: `branch ${twig.fate}`, d, "stroke-width": (0.04 + 0.2 * twig.probability) * unit, "data-child": k }));
    }
    group.append(shape("rect", { x: x - 0.2 * unit, y: y - 0.48 * tall, width: written[k] + 0.4 * unit, height: 0.96 * tall, rx: 3, "data-twig": k }));
    group.append(shape("text", { x, y, dy: "0.35em", "data-twig": k }, twig.token));
    picture.append(group);
    return group;
  });
  view.branches = [...branches.children];
  box.setAttribute("aria-label", `${label}. Arrow keys move through the tree, Enter goes on from a token.`);
  box.replaceChildren(picture);
  view.columns = columns;
  view.at = Math.min(view.at ?? 0, twigs.length - 1);
  look(view, null);
}

function look(view, k) {
  const { twigs } = view.data, way = new Set();
  for (let at = k ?? -1; at > 0; at = twigs[at].parent) way.add(at);
  view.marks.forEach((mark, place) => mark.classList.toggle("lit", way.has(place)));
  view.branches.forEach((branch) => branch.classList.toggle("lit", way.has(Number(branch.dataset.child))));
  if (k === null) view.readout.textContent = "";
  else {
    const { token, step, probability, total, fate, score } = twigs[k];
    const nats = (value) => value.toFixed(3).replace("-", "−");
    view.readout.textContent = k
      ? `Step ${step}, “${token}”: probability ${probability.toPrecision(3)}; up to here ${nats(total)} nats; ${WORDS[fate]}${score ? `, score ${score}` : ""}`
      : "The beginning";
  }
}

function steer(view, event) {
  const { twigs } = view.data, at = view.at, column = view.columns[twigs[at].step], place = column.indexOf(at);
  if (event.key === "Enter" && at > 0) {
    event.preventDefault();
    return view.report(at);
  }
  const children = twigs.map((_, k) => k).filter((k) => twigs[k].parent === at && k !== at);
  const best = children.find((k) => twigs[k].fate === "best") ?? children[0];
  const to = { ArrowUp: column[place - 1], ArrowDown: column[place + 1], ArrowLeft: Math.max(0, twigs[at].parent), ArrowRight: best };
  if (!(event.key in to)) return;
  event.preventDefault();
  view.at = to[event.key] ?? at;
  look(view, view.at);
  view.marks[view.at].scrollIntoView({ block: "nearest", inline: "nearest" });
}

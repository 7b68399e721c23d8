// The map: a row for each target token, a column for each source token, darker where the decoder looked more.

function drawMap(view, panel) {
  const { data } = view, unit = rem(), { source, target, weights } = data;
  const written = widths(view, source), names = widths(view, target);
  const left = Math.min(Math.max(...names, unit) + 0.75 * unit, 0.3 * panel.clientWidth);
  const cell = Math.max(0.6875 * unit, Math.min(3.4 * unit, (panel.clientWidth - left - unit) / source.length));
  const tall = (target.length > 24 ? 1.125 : target.length > 14 ? 1.375 : 1.6875) * unit;
  const slanted = Math.max(0, ...written.slice(0, -1)) > cell - 1 || written.at(-1) > 2 * cell;
  const top = (slanted ? Math.min(7 * unit, 0.72 * Math.max(...written)) : 0) + 1.5 * unit;
  const wider = !slanted && written.at(-1) > cell; // the sentence's end
  const overhang = slanted ? Math.max(0, 0.72 * written.at(-1) - cell / 2) : wider ? written.at(-1) - cell : 0;
  const width = left + cell * source.length + overhang + 4, height = top + tall * target.length + 4;
  const picture = shape("svg", { width, height, class: "map" });
  const at = (t, j) => [left + j * cell, top + t * tall];
  view.cells = [], view.rows = [], view.columns = [];

  source.forEach((token, j) => {
    const [x] = at(0, j), middle = x + (wider && j === source.length - 1 ? written[j] : cell) / 2;
    const place = slanted ? { transform: `translate(${middle} ${top - 8}) rotate(-45)` } : { x: middle, y: top - 8, "text-anchor": "middle" };
    const label = shape("text", { class: "label", ...place, "data-j": j }, clipped(token, slanted ? 22 : 99));
    if (data.weights.length && weights.every((row) => row[j] === null)) label.classList.add("gone");
    view.columns.push(label);
    picture.append(label);
  });
  target.forEach((token, t) => {
    const [, y] = at(t, 0);
    const label = shape("text", { class: "label", x: left - 9, y: y + tall / 2, dy: "0.35em", "text-anchor": "end", "data-t": t }, clipped(token, 18));
    view.rows.push(label);
    picture.append(label);
    source.forEach((_, j) => {
      const [x] = at(t, j), weight = weights[t][j], data_ = { "data-t": t, "data-j": j };
      const box = shape("rect", { class: weight === null ? "cell gone" : "cell", x: x + 1, y: y + 1, width: cell - 2, height: tall - 2, rx: 1.5, style: `fill:${tinted(data, weight)}`, ...data_ });
      picture.append(box);
      view.cells.push(box);
      if (cell < 2.2 * unit || weight === null || Math.abs(weight) < 0.2 * data.most) return;
      const strong = Math.abs(weight) > 0.5 * data.most;
      picture.append(shape("text", { class: strong ? "figure strong" : "figure", x: x + cell / 2, y: y + tall / 2, dy: "0.35em", "text-anchor": "middle" }, figure(data, weight)));
    });
  });
  for (const [t, start, end] of data.truth) {
    const [x, y] = at(t, start);
    picture.append(shape("rect", { class: "truth", x: x + 0.5, y: y + 0.5, width: (end - start) * cell - 1, height: tall - 1, rx: 2 }));
  }
  for (const [t, j] of data.forced) {
    const [x, y] = at(t, j);
    picture.append(shape("rect", { class: "forced", x: x + 1, y: y + 1, width: cell - 2, height: tall - 2, rx: 2 }));
  }
  view.frame = shape("rect", { class: "frame", rx: 4 });
  view.cursor = shape("rect", { class: "cursor", rx: 3 });
  picture.append(view.frame, view.cursor);
  view.frameRow = (t) => place(view.frame, t === null ? null : [left - 1, top + t * tall - 1, cell * source.length + 2, tall + 2]);
  view.frameCell = (t, j) => place(view.cursor, t === null && j === null ? null : [left + (j ?? 0) * cell, top + (t ?? 0) * tall, j === null ? cell * source.length : cell, t === null ? tall * target.length : tall]);
  panel.append(picture, legend(data));
}

function place(box, sides) {
  box.style.display = sides ? "" : "none";
  if (sides) ["x", "y", "width", "height"].forEach((name, k) => box.setAttribute(name, sides[k]));
}

function clipped(token, most) {
  return token.length > most ? `${token.slice(0, most - 1)}…` : token;
}

function legend(data) {
  const box = node("div", "legend"), bar = node("span", "bar");
  const low = data.signed ? -data.most : 0;
  const stops = Array.from({ length: 9 }, (_, k) => tinted(data, low + (k / 8) * (data.most - low)));
  bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
  const more = data.most === 1 && !data.signed ? "" : " or more";
  box.append(node("span", "", data.signed ? `−${data.most}` : "0"), bar, node("span", "", `${data.signed ? "+" : ""}${data.most}${more}`), node("span", "", data.unit));
  if (data.truth.length) box.append(node("i", "true"), node("span", "", "what truly tells it"));
  if (data.forced.length) box.append(node("i", "chosen"), node("span", "", "forced by you"));
  return box;
}

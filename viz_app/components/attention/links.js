// The same as links: two rows of tokens where they fit side by side, otherwise two columns.

function drawLinks(view, panel) {
  const { data } = view, unit = rem(), { source, target, links } = data;
  const room = panel.clientWidth, [above, below] = [widths(view, source), widths(view, target)];
  const gap = 0.5 * unit, needed = (words) => words.reduce((sum, one) => sum + Math.max(one, 0.5 * unit) + gap, 0);
  const level = Math.max(needed(above), needed(below)) <= room;
  const longest = Math.max(source.length, target.length), step = (longest > 24 ? 1.125 : 1.5) * unit;
  const tall = level ? Math.max(9.5, Math.min(15, 1.2 * target.length)) * unit : longest * step + unit;
  const side = level ? 0 : Math.min(0.36 * room, Math.max(...above, unit) + 0.75 * unit);
  const other = level ? 0 : Math.min(0.36 * room, Math.max(...below, unit) + 0.75 * unit);
  const picture = shape("svg", { width: room, height: tall, class: "links" });
  const end = (side_, k) => {
    if (!level) return [side_ ? room - other : side, (k + 0.8) * step];
    const words = side_ ? below : above, spare = (room - needed(words)) / words.length;
    const before = words.slice(0, k).reduce((sum, one) => sum + Math.max(one, 0.5 * unit) + gap + spare, 0);
    return [before + (Math.max(words[k], 0.5 * unit) + gap + spare) / 2, side_ ? tall - 1.75 * unit : 1.75 * unit];
  };
  view.edges = links.map(([t, j, weight]) => {
    const [[x, y], [u, v]] = [end(0, j), end(1, t)];
    const d = level ? `M${x} ${y}C${x} ${(y + v) / 2} ${u} ${(y + v) / 2} ${u} ${v}` : `M${x} ${y}C${(x + u) / 2} ${y} ${(x + u) / 2} ${v} ${u} ${v}`;
    const line = shape("path", { class: "edge", d, "stroke-width": (0.06 + 0.36 * weight) * unit, "data-t": t });
    picture.append(line);
    return line;
  });
  const label = (side_, k, token) => {
    const [x, y] = end(side_, k), name = side_ ? "data-t" : "data-j";
    const place_ = level
      ? { x, y: side_ ? y + 1.15 * unit : y - 0.5 * unit, "text-anchor": "middle" }
      : { x: side_ ? x + 0.5 * unit : x - 0.5 * unit, y, dy: "0.35em", "text-anchor": side_ ? "start" : "end" };
    const made = shape("text", { class: "label", ...place_, [name]: k }, clipped(token, level ? 99 : 20));
    picture.append(made);
    return made;
  };
  view.sources = source.map((token, j) => label(0, j, token));
  view.targets = target.map((token, t) => label(1, t, token));
  panel.append(picture);
}

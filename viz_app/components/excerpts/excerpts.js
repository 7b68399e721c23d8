// Passages below each other, coloured token by token.

const SIGNS = { "\n": "↵", "\t": "→", "\r": "␍" };

export default function ({ parentElement: root, data, setTriggerValue }) {
  const view = root.view ?? (root.view = build(root));
  view.report = (number) => setTriggerValue("choice", number);
  refresh(view, data, write);
}

function write(view) {
  const { data } = view;
  const readout = node("div", "readout");
  readout.setAttribute("aria-live", "polite");
  const list = node("div", "list");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", data.label);
  list.append(...data.rows.map((row, number) => drawn(view, data, row, number, readout)));
  view.box.replaceChildren(list, ...(data.rows.some((row) => row.told.length) ? [readout] : []), legend(data.scale));
}

function build(root) {
  const box = node("div", "box"); // what is beside it in the root is the style
  root.append(box);
  return { box };
}

function drawn(view, data, row, number, readout) {
  const box = node(data.choose ? "button" : "div", row.head ? "row" : "row bare");
  if (data.choose) {
    box.type = "button";
    box.onclick = () => view.report(number);
  }
  if (row.head) {
    const about = node("span", "about", row.head);
    about.append(node("small", "", row.note));
    box.append(about);
  }
  const text = node("span", "text");
  text.style.display = "block";
  text.append(...row.tokens.map((token, step) => {
    const sign = SIGNS[token];
    const span = node("span", "", sign ? (data.breaks ? sign + token : sign) : token);
    const inside = step >= row.start && step < row.end;
    span.className = [sign && "sign", inside && "in", row.told[step] && "told"].filter(Boolean).join(" ");
    span.style.background = colour(data.scale, row.levels[step]);
    if (row.told[step]) span.onpointerenter = () => { readout.textContent = row.told[step]; };
    return span;
  }));
  box.append(text);
  return box;
}

function colour(scale, level) {
  if (level < 0) return "";
  if (scale.colours) return `color-mix(in srgb, ${scale.colours[level]} 45%, transparent)`;
  return `color-mix(in srgb, var(--open) calc(${level / 100} * var(--behind-gate)), transparent)`;
}

function legend(scale) {
  const box = node("div", "legend");
  if (scale.colours) {
    box.append(...scale.names.map((name, number) => {
      const entry = node("span", "", name), patch = node("i", "");
      patch.style.background = colour(scale, number);
      entry.prepend(patch);
      return entry;
    }));
    return box;
  }
  const bar = node("span", "bar");
  bar.style.background = `linear-gradient(to right, ${[0, 50, 100].map((level) => colour(scale, level)).join(",")})`;
  box.append(node("span", "", scale.low), bar, node("span", "", scale.high));
  return box;
}

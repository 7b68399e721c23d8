// What stands around the diagram: the equations with their numbers, the sum, the guesses, the strip of text.

const VISIBLE = { "\n": "↵", "\t": "→", "\r": "␍", " ": "␣" };
const NAMES = { "\n": "line break", "\t": "tab", " ": "space", "\r": "carriage return" };
const named = (token) => NAMES[token] ?? `“${token}”`;

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

// A number with two decimals and a true minus; with its sign unless it is a gate.
function decimal(number, gate) {
  if (!Number.isFinite(number) || Math.abs(number) > 1e30) return number < 0 ? "−∞" : "∞";
  const digits = Math.abs(number).toFixed(Math.abs(number) < 1000 ? 2 : 0);
  if (Number(digits) === 0) return "0.00";
  return (number < 0 ? "−" : gate ? "" : "+") + digits;
}

// ---- equations ----

const SPACED = new Set(["+", "−", "=", "⊙", "·", "×", "/"]);

function typeset(scene, place) {
  const rows = scene.equations.map((line) => {
    const row = element("div", "equation");
    row.style.setProperty("--own", `var(--signal-${line.symbol}, var(--soft))`);
    const meaning = scene.meanings[line.symbol];
    if (meaning) row.title = meaning;
    const symbols = element("div", "symbols");
    line.signs.forEach(([kind, text, below], n) => {
      const before = line.signs[n - 1];
      const product = kind === "symbol" && before && before[0] === "symbol";
      if (product) symbols.append("\u2004");
      if (kind === "symbol") {
        symbols.append(element("i", "", text));
        if (below) symbols.append(subscript(below));
      } else if (kind === "operator") symbols.append(operator(text));
      else if (kind === "function" && before?.[0] === "function") symbols.append(`\u2009${text}`);
      else symbols.append(text);
    });
    const numbers = element("div", "numbers");
    row.append(symbols, numbers);
    return row;
  });
  place.replaceChildren(...rows);
  return rows.map((row) => row.lastChild);
}

function subscript(text) {
  const sub = element("sub");
  sub.append(element("i", "", text));
  return sub;
}

function operator(text) {
  return SPACED.has(text) ? ` ${text} ` : `${text} `;
}

function substitute(scene, lines, t) {
  scene.equations.forEach((line, n) => {
    let text = "";
    let before = "";
    let sign = null; // a + or − that waits for the number behind it
    for (const [kind, what] of line.numbers) {
      if (sign !== null && kind !== "value") {
        text += operator(sign);
        sign = null;
      }
      if (kind === "value") {
        let number = scene.at(what, t);
        if (sign !== null) {
          text += ` ${(number < 0) === (sign === "+") ? "−" : "+"} `;
          number = Math.abs(number);
          sign = null;
        }
        text += decimal(number, true);
      } else if (kind === "operator" && (what === "+" || what === "−") && text && !text.endsWith("(")) sign = what;
      else if (kind === "operator") text += operator(what);
      else text += kind === "function" && before === kind ? ` ${what}` : what;
      before = kind;
    }
    const about = scene.mean && line.numbers.length > 1 ? " ≈ " : " = ";
    lines[n].replaceChildren(text + about, element("b", "", scene.write(line.value, t)));
  });
}

// ---- the sum ----

function balance(scene, place, t) {
  const { sums } = scene;
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const [width, height] = [place.clientWidth, 84 * unit];
  const [old, total] = [scene.at(sums.old, t), scene.at(sums.total, t)];
  const reach = Math.max(scene.usual, Math.abs(old), Math.abs(total)) * 1.05;
  const pad = Math.min(110 * unit, width * 0.22);
  const x = (value) => width / 2 + (value / reach) * (width / 2 - pad);
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  const step = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100].find((size) => reach / size <= 3) ?? reach / 2;
  for (let k = -Math.floor(reach / step); k <= reach / step; k += 1) {
    const at = x(k * step);
    picture.append(svg("line", { x1: at, x2: at, y1: 4 * unit, y2: height - 22 * unit, class: k ? "rule" : "zero" }));
    const words = String(+Math.abs(k * step).toFixed(2));
    picture.append(svg("text", { x: at, y: height - 5 * unit, "text-anchor": "middle", class: "tick" }, (k < 0 ? "−" : "") + words));
  }
  const spoken = [];
  const part = (from, to, y, kind, words, number) => {
    const [low, high] = [Math.min(x(from), x(to)), Math.max(x(from), x(to))];
    const sign = to < from ? "negative" : "";
    picture.append(svg("rect", { x: low, y, width: Math.max(2, high - low), height: 16 * unit, rx: 1, class: `part ${kind} ${sign}` }));
    const text = `${words} = ${decimal(number)}`;
    spoken.push(text);
    const right = high + 7.2 * unit * text.length < width;
    const left = low - 7.2 * unit * text.length > 0;
    const outward = (to >= from && right) || !left;
    picture.append(svg("text", { x: outward ? high + 7 * unit : low - 7 * unit, y: y + 12.5 * unit, "text-anchor": outward ? "start" : "end" }, text));
  };
  part(0, old, 8 * unit, "old", sums.words.old, old);
  part(old, total, 32 * unit, "new", sums.words.new, scene.at(sums.new, t));
  for (const [value, top, end] of [[old, 5, 51], [total, 29, 51]]) {
    picture.append(svg("line", { x1: x(value), x2: x(value), y1: top * unit, y2: end * unit, class: "edge" }));
  }
  picture.setAttribute("aria-label", `${spoken.join(", ")}, together ${decimal(total)}`);
  place.replaceChildren(picture);
}

// ---- the guesses ----

function expect(scene, place, t) {
  const following = scene.tokens[t + 1];
  const chances = scene.guesses[t].map((_, n) => scene.chance(t, n));
  const rows = scene.guesses[t].map((id, n) => {
    const symbol = scene.symbols[id];
    const row = element("div", symbol === following ? "guess true" : "guess");
    const bar = element("div", "bar");
    bar.style.width = `${(100 * chances[n]) / Math.max(...chances)}%`;
    row.append(element("span", "what", VISIBLE[symbol] ?? symbol), bar, element("span", "much", chances[n].toFixed(2)));
    if (symbol === following) row.title = "This is what comes next";
    return row;
  });
  const words = following === undefined ? "The text ends here." : `What comes next: ${named(following)}`;
  place.replaceChildren(...rows, element("p", "remark", words));
}

// ---- the strip ----

function unroll(scene, place, t) {
  const letter = 10.2 * (parseFloat(getComputedStyle(place).fontSize) / 17);
  const room = Math.max(8, Math.ceil(place.clientWidth / letter));
  const first = Math.max(0, Math.min(t - Math.floor(room / 4), scene.tokens.length - room));
  const cells = [];
  for (let step = first; step < Math.min(scene.tokens.length, first + room); step += 1) {
    const token = scene.tokens[step];
    const cell = element("span", token in VISIBLE && token !== " " ? "mark" : "", token === " " ? " " : (VISIBLE[token] ?? token));
    const number = scene.at(scene.main, step);
    const part = Math.min(1, Math.abs(number) / scene.reach);
    const colour = number < 0 ? "var(--negative)" : "var(--positive)";
    cell.style.setProperty("--ground", `color-mix(in srgb, ${colour} calc(var(--behind-signed) * ${part.toFixed(3)}), var(--paper))`);
    cell.dataset.step = step;
    if (step === t) cell.classList.add("here");
    cells.push(cell);
  }
  place.replaceChildren(...cells);
  place.setAttribute("aria-valuemin", 0);
  place.setAttribute("aria-valuemax", scene.tokens.length - 1);
  place.setAttribute("aria-valuenow", t);
  place.setAttribute("aria-valuetext", `step ${t}, ${named(scene.tokens[t])}`);
}

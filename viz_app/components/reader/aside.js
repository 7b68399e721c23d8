// Beside the text: what the model expected at the cursor, and the unit's extremes; and the pointer's tip.

const CONTEXT = [22, 20]; // characters before and after the one that is meant
const APART = 12;
const EACH = 4;

function ordinal(rank) {
  const word = ["first", "second", "third", "fourth", "fifth"][rank];
  return word ? `${word} guess` : `guess no. ${thousands(rank + 1)}`;
}

// What came after step t: {token, loss, rank, chance}, or null at the last step.
function came(reading, t) {
  if (t + 1 >= reading.time) return null;
  const loss = reading.loss[t];
  return { token: reading.tokens[t + 1], loss, rank: reading.rank[t], chance: Math.exp(-loss) };
}

function guessesAt(reading, t) {
  return Array.from({ length: reading.top }, (_, k) => {
    const at = t * reading.top + k;
    return { token: reading.symbols[reading.guesses[at]], chance: reading.probability[at] };
  });
}

function paintExpected(view) {
  const { after, came: line, guesses } = view.parts, { reading, at } = view;
  const before = Array.from({ length: Math.min(8, at.t + 1) }, (_, k) => inline(reading.tokens, at.t - Math.min(7, at.t) + k)).join("");
  const shown = before.slice(-24); // eight words would be too long
  const context = document.createElement("span");
  context.className = "model";
  context.textContent = (at.t > 7 || shown !== before ? "…" : "") + shown;
  after.replaceChildren("After ", context, " the model expects");
  const next = came(reading, at.t);
  if (!next) line.textContent = "This is the last character; nothing came.";
  else if (next.rank < 0) line.textContent = `Then came ${quoted(next.token)}, which it has never seen.`;
  else line.textContent = `Then came ${quoted(next.token)}: its ${ordinal(next.rank)}, ${nats(next.loss)} nats.`;
  const rows = guessesAt(reading, at.t);
  if (next && next.rank >= rows.length) rows.push({ token: next.token, chance: next.chance });
  const most = rows.length ? rows[0].chance : 1;
  guesses.classList.toggle("words", reading.symbols.some((symbol) => symbol.length > 1));
  guesses.replaceChildren(...rows.map((guess) => {
    const row = element("div", "guess"), bar = element("span", "bar");
    row.setAttribute("role", "listitem");
    if (next && guess.token === next.token) row.classList.add("came");
    bar.style.width = `${(guess.chance / most) * 100}%`;
    const track = element("span", "track");
    track.append(bar);
    row.append(element("span", "token", sign(guess.token)), track, element("span", "chance", guess.chance < 0.0005 ? "<0.001" : guess.chance.toFixed(3)));
    return row;
  }));
}

// Steps of the highest (or lowest) values, none close to another.
function extremes(values, way) {
  const steps = Array.from(values, (_, t) => t).sort((a, b) => way * (values[b] - values[a]) || a - b);
  const found = [];
  for (const t of steps) {
    if (found.every((other) => Math.abs(other - t) > APART)) found.push(t);
    if (found.length === EACH) break;
  }
  return found;
}

function paintSnippets(view, held) {
  const { snippets, extremes: line } = view.parts, { reading } = view, signal = view.signal(), values = held.values[signal.symbol];
  const colours = ramp(signal, view.palette, true), high = extremes(values, 1), low = extremes(values, -1).filter((t) => !high.includes(t));
  line.textContent = `Unit ${view.at.unit}’s ${signal.meaning} on this text: highest, then lowest.`;
  snippets.replaceChildren(...[...high, ...low.reverse()].map((t, k) => {
    const row = element("button", "snippet"), passage = element("span", "model");
    if (k === high.length) row.classList.add("lowest");
    row.step = t;
    row.setAttribute("aria-label", `Character ${t}, ${sign(reading.tokens[t])}: ${written(signal, values[t])}. Go there`);
    const first = Math.max(0, Math.min(t - CONTEXT[0], reading.time - CONTEXT[0] - CONTEXT[1]));
    for (let s = first; s < Math.min(reading.time, first + CONTEXT[0] + CONTEXT[1]); s++) {
      const span = element("span", s === t ? "cursor" : isSign(reading.tokens[s]) ? "sign" : "", inline(reading.tokens, s));
      span.style.backgroundColor = colours[level(signal, values[s])];
      passage.append(span);
    }
    row.append(element("span", "amount", written(signal, values[t])), passage);
    return row;
  }));
}

function paintTip(view, held) {
  const { tip } = view.parts, { reading, at } = view, signal = view.signal();
  const top = element("div"), next = came(reading, at.t), value = element("b", "", written(signal, held.values[signal.symbol][at.t]));
  top.append(element("i", "", signal.symbol), " ", value, " after ", element("b", "model", sign(reading.tokens[at.t])));
  if (next) top.append(", then ", element("b", "model", sign(next.token)), next.rank < 0 ? " (never seen)" : ` for ${nats(next.loss)} nats`);
  const bottom = element("div", "likely", "expected ");
  guessesAt(reading, at.t).slice(0, 3).forEach((guess) => bottom.append(element("span", "model", sign(guess.token)), ` ${guess.chance.toFixed(2)}  `));
  tip.replaceChildren(top, bottom);
  tip.hidden = false;
  const frame = view.parts.reader.getBoundingClientRect(), spot = view.spans[at.t].getBoundingClientRect(), box = view.parts.text.getBoundingClientRect();
  if (spot.bottom < box.top || spot.top > box.bottom) return void (tip.hidden = true);
  const above = spot.top - frame.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(0, Math.min(frame.width - tip.offsetWidth, spot.left - frame.left - tip.offsetWidth / 3))}px`;
  tip.style.top = `${above}px`;
}

function element(name, className = "", text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

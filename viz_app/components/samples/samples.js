// Texts that are written side by side; a verdict shows once its text is whole.

const PER_SECOND = 150;

export default function ({ parentElement: root, data }) {
  const view = root.view ?? (root.view = { box: root.appendChild(node("div", "samples")) });
  refresh(view, data, write);
}

function write(view) {
  const { data } = view;
  cancelAnimationFrame(view.frame);
  const cards = data.rows.map((row) => card(data.prompt, row));
  view.box.replaceChildren(...cards.map(({ box }) => box));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden;
  if (still) cards.forEach((one) => reveal(one, Infinity));
  else animate(view, cards, performance.now());
}

function card(prompt, row) {
  const box = node("div", "sample"), text = node("p", "text"), written = node("span", ""), verdict = node("div", "verdict");
  const chip = node("i", "");
  chip.style.background = row.colour;
  verdict.append(chip, row.verdict);
  text.append(node("b", "", prompt), written);
  text.setAttribute("aria-busy", "true");
  box.append(verdict, text);
  return { box, text, written, verdict, letters: [...row.text], shown: 0 };
}

function reveal(one, count) {
  one.shown = Math.min(count, one.letters.length);
  one.written.textContent = one.letters.slice(0, one.shown).join("");
  if (one.shown < one.letters.length) return false;
  one.text.setAttribute("aria-busy", "false");
  one.verdict.classList.add("known");
  return true;
}

function animate(view, cards, begun) {
  view.frame = requestAnimationFrame((now) => {
    const count = Math.ceil(((now - begun) / 1000) * PER_SECOND);
    if (!cards.map((one) => reveal(one, count)).every(Boolean)) animate(view, cards, begun);
  });
}

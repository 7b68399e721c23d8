// Text as it is written: each character tinted by how sure the model was, opening onto what else it might have been.
//
// data: text, the whole as people copy it; prompt [[token, seen]], tokens, probability, entropy, chosen (indices a person picked),
//       symbols and likeliest: alternatives as [index into symbols, probability, ...] of each character.
// Sends the trigger "choice" {at, token} when a person picks another character.

const PER_SECOND = 150;
const instances = new WeakMap();

const element = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const percent = (p) => (p >= 0.9995 ? "100 %" : p >= 0.0995 ? `${(100 * p).toFixed(0)} %` : p >= 0.001 ? `${(100 * p).toFixed(1)} %` : "< 0.1 %").replace(" ", "\u202f");
const visible = (token) =>
  ({ "\n": "↵", "\t": "→", " ": "␣", "\r": "␍" })[token] ?? (/[\p{C}\p{Z}]/u.test(token) ? `\\x${token.codePointAt(0).toString(16).padStart(2, "0")}` : token);
const tint = (p) => `color-mix(in srgb, var(--slate) ${(100 * p).toFixed(1)}%, transparent)`;

function fill(span, token) {
  // A line break, a tab and what cannot be seen get a sign; copying still gives the text itself.
  if (token === "\n") span.replaceChildren(element("i", "sign", "↵"), document.createTextNode("\n"));
  else if (token !== " " && /[\p{C}\p{Z}]/u.test(token)) span.replaceChildren(element("i", "sign", visible(token)));
  else span.textContent = token;
}

class Writing {
  constructor(root) {
    this.shown = [];
    this.cursor = -1;
    this.pinned = false;
    this.box = root.querySelector(".writing");
    this.text = root.querySelector(".text");
    this.bold = root.querySelector(".key");
    this.card = root.querySelector(".card");
    this.voice = root.querySelector(".quiet");
    this.text.addEventListener("pointerover", (event) => this.hover(event));
    this.box.addEventListener("pointerleave", () => !this.pinned && this.close());
    this.text.addEventListener("click", (event) => this.click(event));
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("focusout", (event) => !this.box.contains(event.relatedTarget) && this.close());
    const tools = root.querySelector(".tools");
    tools.querySelector("[data-copy]").addEventListener("click", (event) => this.copy(event.currentTarget));
    for (const kind of ["PNG", "SVG", "HTML", "CSV", "TXT"]) {
      const button = element("button", "plain", kind);
      button.type = "button";
      button.setAttribute("aria-label", `Download the text as ${kind}`);
      button.addEventListener("click", () => takeHome(kind, this.data.text, this.everything(), this.look()));
      tools.append(button);
    }
  }

  everything() {
    const { prompt, tokens, probability, entropy } = this.data;
    return [...prompt.map(([token]) => ({ token })), ...tokens.map((token, at) => ({ token, p: probability[at], entropy: entropy[at] }))];
  }

  look() {
    const css = getComputedStyle(this.box), read = (name) => css.getPropertyValue(name).trim();
    return { name: this.data.name, paper: read("--paper"), ink: read("--ink"), soft: read("--soft"), open: read("--open"), most: parseFloat(read("--behind-gate")) / 100 };
  }

  async copy(button) {
    try {
      await navigator.clipboard.writeText(this.data.text);
      this.tell(button, "Copied");
    } catch {
      this.tell(button, "Not allowed here"); // the clipboard needs https or this very machine
    }
  }

  tell(button, word) {
    button.textContent = word;
    this.voice.textContent = word;
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    cancelAnimationFrame(this.frame);
    const prompt = data.prompt.map(([token]) => token).join("");
    let same = 0;
    if (prompt === this.prompt) while (same < this.shown.length && this.shown[same].token === data.tokens[same]) same += 1;
    if (prompt !== this.prompt) this.start(prompt);
    for (const { span } of this.shown.splice(same)) span.remove();
    this.shown.forEach(({ span }, at) => this.style(span, at));
    this.close();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden;
    this.text.setAttribute("aria-busy", "true");
    if (still) this.reveal(data.tokens.length);
    else this.animate(performance.now(), same);
  }

  start(prompt) {
    this.prompt = prompt;
    this.bold.hidden = prompt === "";
    this.shown = [];
    this.text.replaceChildren();
    for (const [token, seen] of this.data.prompt) {
      const span = element("span", seen ? "prompt" : "prompt unseen");
      if (!seen) span.title = "The model has never seen this character; it reads nothing there.";
      fill(span, token);
      this.text.append(span);
    }
  }

  style(span, at) {
    span.dataset.at = at;
    span.style.backgroundColor = tint(this.data.probability[at]);
    span.classList.toggle("chosen", this.data.chosen.includes(at));
  }

  reveal(count) {
    const fresh = document.createDocumentFragment();
    for (let at = this.shown.length; at < Math.min(count, this.data.tokens.length); at += 1) {
      const span = element("span");
      fill(span, this.data.tokens[at]);
      this.style(span, at);
      this.shown.push({ span, token: this.data.tokens[at] });
      fresh.append(span);
    }
    this.text.append(fresh);
    const done = this.shown.length >= this.data.tokens.length;
    if (done) this.text.setAttribute("aria-busy", "false");
    return done;
  }

  animate(begun, from) {
    this.frame = requestAnimationFrame((now) => {
      if (!this.reveal(from + Math.ceil(((now - begun) / 1000) * PER_SECOND))) this.animate(begun, from);
    });
  }

  // The cursor: hover looks, a click or the arrow keys hold.
  hover(event) {
    const span = event.target.closest("[data-at]");
    if (span && !this.pinned) this.open(Number(span.dataset.at));
  }

  click(event) {
    this.reveal(Infinity);
    const span = event.target.closest("[data-at]");
    const again = span && this.pinned && Number(span.dataset.at) === this.cursor;
    this.pinned = Boolean(span) && !again;
    if (this.pinned) this.open(Number(span.dataset.at));
    else this.close();
  }

  key(event) {
    const last = this.data.tokens.length - 1;
    const moves = { ArrowLeft: this.cursor - 1, ArrowRight: this.cursor + 1, Home: 0, End: last };
    const rows = [...this.card.querySelectorAll("button")];
    if (event.key in moves && last >= 0) {
      this.reveal(Infinity);
      this.pinned = true;
      this.open(Math.max(0, Math.min(last, moves[event.key])));
    } else if (["ArrowUp", "ArrowDown"].includes(event.key) && this.cursor >= 0) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.row = Math.max(0, Math.min(rows.length - 1, (this.row ?? (step > 0 ? -1 : 0)) + step));
      rows.forEach((row, index) => row.classList.toggle("marked", index === this.row));
      this.voice.textContent = rows[this.row].getAttribute("aria-label");
    } else if (event.key === "Enter" && this.cursor >= 0 && this.row !== undefined) rows[this.row].click();
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  alternatives(at) {
    const flat = this.data.likeliest[at], list = [];
    for (let k = 0; k < flat.length; k += 2) list.push([this.data.symbols[flat[k]], flat[k + 1]]);
    const token = this.data.tokens[at];
    if (!list.some(([other]) => other === token)) list.push([token, this.data.probability[at]]);
    return list;
  }

  open(at) {
    this.shown[this.cursor]?.span.classList.remove("cursor");
    const { span, token } = this.shown[at];
    this.cursor = at;
    this.row = undefined;
    span.classList.add("cursor");
    const p = this.data.probability[at];
    const head = element("p", "head");
    head.append(element("b", "", visible(token)), ` ${percent(p)}, surprise ${Math.abs(Math.log(p)).toFixed(2)} nats`);
    const hint = element("p", "hint", this.pinned ? "Choose another, and the text is rewritten from here." : "Click to hold.");
    this.card.replaceChildren(head, ...this.alternatives(at).map(([other, q]) => this.line(at, other, q)), hint);
    this.card.hidden = false;
    this.place(span);
    this.voice.textContent = `${visible(token)}, ${percent(p)}`;
  }

  line(at, token, p) {
    const row = element("button", token === this.data.tokens[at] ? "written" : "");
    row.type = "button";
    row.disabled = token === this.data.tokens[at];
    row.setAttribute("aria-label", `${visible(token)}, ${percent(p)}, ${row.disabled ? "as written" : "write on with this"}`);
    const track = element("span", "track"), bar = element("span", "fill");
    bar.style.width = `${100 * p}%`;
    track.append(bar);
    row.append(element("span", "token", visible(token)), track, element("span", "number", percent(p)));
    row.addEventListener("click", () => this.send("choice", { at, token }));
    return row;
  }

  place(span) {
    const box = this.box.getBoundingClientRect(), at = span.getBoundingClientRect();
    const left = Math.min(at.left - box.left, box.width - this.card.offsetWidth);
    this.card.style.left = `${Math.max(0, left)}px`;
    this.card.style.top = `${at.bottom - box.top + 2}px`;
  }

  close() {
    this.shown[this.cursor]?.span.classList.remove("cursor");
    this.cursor = -1;
    this.row = undefined;
    this.pinned = false;
    this.card.hidden = true;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!instances.has(parentElement)) instances.set(parentElement, new Writing(parentElement));
  instances.get(parentElement).update(data, setTriggerValue);
  return () => instances.delete(parentElement);
}

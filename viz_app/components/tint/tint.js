const drawn = new WeakMap();

export default function ({ parentElement: root, data }) {
  const content = JSON.stringify(data);
  if (drawn.get(root) === content) return;
  drawn.set(root, content);

  const text = root.querySelector(".text");
  const output = root.querySelector("output");
  const { tokens, values, reach, label } = data;
  text.replaceChildren(...tokens.map((token, t) => {
    const span = document.createElement("span");
    span.textContent = token === "\n" ? "↵\n" : token;
    span.className = token === "\n" ? "break" : "";
    span.style.background = colour(values[t] / reach);
    span.dataset.t = t;
    return span;
  }));
  text.setAttribute("aria-label", `${label}, over the text: ${tokens.join("")}`);
  root.querySelector(".low").textContent = signed(-reach, 1);
  root.querySelector(".high").textContent = signed(reach, 1);
  root.querySelector(".label").textContent = label;
  const stops = Array.from({ length: 17 }, (_, k) => colour(k / 8 - 1));
  root.querySelector(".bar").style.background = `linear-gradient(to right, ${stops.join(",")})`;

  text.onpointerover = ({ target }) => {
    const t = target.dataset?.t;
    output.textContent = t === undefined ? "" : `${shown(tokens[t])} ${signed(values[t])}`;
  };
  text.onpointerleave = () => { output.textContent = ""; };
}

// The colour grows with the root of the value, so that small values of an unbounded signal can be told apart.
function colour(x) {
  return tinge(Math.sign(x) * Math.sqrt(Math.min(1, Math.abs(x))));
}

function shown(token) {
  return { "\n": "↵", " ": "␣", "\t": "⇥" }[token] ?? token;
}

// A column of tokens for each step, likeliest first; a click writes that one instead.

export default function ({ parentElement: root, data, setTriggerValue }) {
  const view = root.view ?? (root.view = root.appendChild(node("div", "choices")));
  view.replaceChildren(...data.map((step, number) => {
    const column = node("div", "step");
    column.append(...step.map(([token, probability, own], place) => {
      const button = node("button", own ? "own" : "");
      button.type = "button";
      button.title = `“${token}” at step ${number + 1}: ${percent(probability)}`;
      button.setAttribute("aria-label", own ? `${button.title}, written` : `${button.title}; write it instead`);
      const bar = node("i", "");
      bar.style.width = `${100 * probability}%`;
      button.append(node("span", "", token), node("b", "", percent(probability)), bar);
      button.onclick = () => own || setTriggerValue("choice", [number, place]);
      return button;
    }));
    return column;
  }));
}

function percent(probability) {
  if (probability >= 0.0095) return `${Math.round(100 * probability)} %`;
  return probability >= 0.00095 ? `${(100 * probability).toFixed(1)} %` : "< 0.1 %";
}

// A table of cells: the first column opens one, the last but one takes it out.

export default function ({ parentElement: root, data, setTriggerValue }) {
  const view = root.view ?? (root.view = root.appendChild(document.createElement("table")));
  const press = (label, trigger, number) => {
    const button = node("button", "", label);
    button.type = "button";
    button.onclick = () => setTriggerValue(trigger, number);
    return button;
  };
  const line = (cells) => {
    const row = node("tr", "");
    row.append(...cells);
    return row;
  };
  const head = node("thead", ""), body = node("tbody", "");
  head.append(line(["cell", ...data.headings, "verdict"].map((text) => node("th", "", text))));
  body.append(...data.rows.map((row, number) => {
    const name = node("td", ""), figures = row.figures.map((text, k) => Object.assign(node("td", "", text), { title: data.headings[k] }));
    figures.forEach((cell, k) => (cell.dataset.head = data.headings[k]));
    name.append(press(`${row.name} →`, "open", number));
    if (row.removable) figures.at(-1).replaceChildren(press("Take it out", "remove", number));
    return line([name, ...figures, node("td", row.holds ? "holds" : "", row.verdict)]);
  }));
  view.replaceChildren(head, body);
}

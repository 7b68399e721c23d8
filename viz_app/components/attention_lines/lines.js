// Translations below each other; what differs is marked.

export default function ({ parentElement: root, data }) {
  const view = root.view ?? (root.view = root.appendChild(node("div", "lines")));
  view.replaceChildren(...data.rows.flatMap((row) => {
    const text = node("div", "text");
    text.append(...row.pieces.map(([piece, marked]) => node(marked ? "mark" : "span", "", piece)));
    if (!row.pieces.length) text.append(node("span", "none", "nothing"));
    return [node("div", "name", row.name), text, node("div", "figure", row.figure)];
  }), node("div", "note", data.note));
}

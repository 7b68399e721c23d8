// A cell's portrait: the narrow drawing without numbers, each wire in the colour of its signal; the equations below.

export default function ({ parentElement, data }) {
  const [place, lines] = [".drawing", ".equations"].map((name) => parentElement.querySelector(name));
  const drawn = draw(place, data, true);
  for (const { net, under, over } of drawn.wires) {
    const symbol = net.value < 0 ? "" : data.names[net.value];
    for (const line of over) {
      line.setAttribute("class", `wire plain${net.faint ? " faint" : ""}`);
      line.setAttribute("stroke-width", symbol ? 3 : 2.25);
      if (symbol) own(line, symbol);
    }
    for (const line of under) line.setAttribute("stroke-width", 3 + UNDER);
  }
  for (const { label, text } of drawn.labels) if (label.kind === "value") text.remove();
  drawn.picture.setAttribute("aria-label", `Diagram of the ${data.title}`);
  typeset(data, lines);
}

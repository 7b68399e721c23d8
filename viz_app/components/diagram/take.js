// The diagram to take home: as a picture that needs no style sheet, and every step's numbers as a table.

const LOOK = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linejoin", "font-family", "font-size", "font-style", "font-weight"];

function standalone(picture, ground) {
  const copy = picture.cloneNode(true);
  const [from, to] = [picture.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((element, n) => {
    const style = getComputedStyle(element);
    for (const name of LOOK) to[n].setAttribute(name, style.getPropertyValue(name));
    to[n].removeAttribute("class");
    to[n].removeAttribute("style");
  });
  const [, , width, height] = picture.getAttribute("viewBox").split(" ");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.prepend(svg("rect", { width, height, fill: getComputedStyle(ground).getPropertyValue("--paper") }));
  return copy;
}

async function take(kind, view) {
  const { scene, t } = view;
  const name = `${scene.title.replace(/[^\w-]+/g, "-")}-step-${t}`;
  if (kind === "csv") return save(table(scene), "text/csv", `${name.replace(/-step-\d+$/, "")}.csv`);
  const picture = standalone(view.drawn.picture, view.root);
  const source = new XMLSerializer().serializeToString(picture);
  if (kind === "svg") return save(source, "image/svg+xml", `${name}.svg`);
  if (kind === "html") {
    const page = document.implementation.createHTMLDocument(`${scene.title}, step ${t}`);
    const heading = page.createElement("h1");
    heading.textContent = scene.findings[t];
    page.body.append(heading, page.importNode(picture, true));
    return save(`<!doctype html>${page.documentElement.outerHTML}`, "text/html", `${name}.html`);
  }
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * 3, image.height * 3];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return canvas.toBlob((blob) => save(blob, "image/png", `${name}.png`));
}

function table(scene) {
  const quoted = (text) => `"${text.replace(/"/g, '""')}"`;
  const head = ["step", "token", ...scene.names].map(quoted).join();
  const rows = scene.tokens.map((token, t) => [t, quoted(token), ...scene.names.map((_, n) => Number(scene.at(n, t).toPrecision(7)))].join());
  return `\ufeff${[head, ...rows].join("\r\n")}\r\n`;
}

function save(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

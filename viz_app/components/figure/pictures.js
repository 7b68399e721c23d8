// PNG and SVG of the plotly chart that stands in the same container, made from the SVG on screen.

const FONT = "app/static/inter.woff2";
const SCALE = 3; // pixels of the PNG for each of the figure's
const TITLE = 40; // height of the line that carries the title

export default function ({ parentElement, data }) {
  let row = parentElement.querySelector(".pictures");
  if (!row) {
    row = document.createElement("div");
    row.className = "pictures";
    for (const kind of ["PNG", "SVG"]) {
      const button = document.createElement("button");
      button.textContent = kind;
      button.setAttribute("aria-label", `Download the figure as ${kind}`);
      button.onclick = () => download(row.wanted, kind.toLowerCase());
      row.append(button);
    }
    const word = document.createElement("span");
    word.textContent = "Download";
    row.prepend(word);
    parentElement.append(row);
  }
  row.wanted = data;
}

async function download({ figure, name, title }, kind) {
  const chart = document.querySelector(`.${CSS.escape(figure)} .js-plotly-plot`);
  if (!chart) return;
  const picture = await draw(chart, title);
  const svg = new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" });
  save(kind === "svg" ? svg : await pixels(svg, picture), `${name}.${kind}`);
}

// One SVG out of plotly's layers, with paper, title and font inside.
async function draw(chart, title) {
  const layers = [...chart.querySelectorAll("svg.main-svg")];
  const [width, height] = [layers[0].clientWidth, layers[0].clientHeight];
  const top = title ? TITLE : 0;
  const style = chart._fullLayout;
  const picture = element("svg", { width, height: height + top, viewBox: `0 0 ${width} ${height + top}` });
  picture.append(element("style", {}, await fontFace()));
  picture.append(element("rect", { width, height: height + top, fill: style.paper_bgcolor }));
  if (title) {
    const look = { x: 8, y: 26, fill: style.font.color, "font-family": style.font.family };
    picture.append(element("text", { ...look, "font-size": style.font.size * 1.15, "font-weight": 600 }, title));
  }
  const group = element("g", { transform: `translate(0 ${top})` });
  group.append(...scenes(style));
  for (const layer of layers) {
    for (const child of layer.children) {
      if (!child.matches(".hoverlayer")) group.append(child.cloneNode(true));
    }
  }
  group.querySelectorAll(".drag, .draglayer").forEach((node) => node.remove());
  picture.append(group);
  return picture;
}

// What plotly draws with WebGL, as images at their places.
function scenes(style) {
  return style._subplots.gl3d.map((name) => {
    const { _scene, domain } = style[name];
    const { l, t, w, h } = style._size;
    return element("image", {
      href: _scene.toImage("png"),
      x: l + w * domain.x[0],
      y: t + h * (1 - domain.y[1]),
      width: w * (domain.x[1] - domain.x[0]),
      height: h * (domain.y[1] - domain.y[0]),
      preserveAspectRatio: "none",
    });
  });
}

async function fontFace() {
  try {
    const answer = await fetch(FONT);
    if (!answer.ok) return "";
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const text = btoa(bytes.reduce((all, byte) => all + String.fromCharCode(byte), ""));
    return `@font-face{font-family:Inter;font-weight:100 900;src:url(data:font/woff2;base64,${text})}`;
  } catch {
    return ""; // the viewer's own sans serif will do
  }
}

async function pixels(svg, { width, height }) {
  const image = new Image();
  image.src = URL.createObjectURL(svg);
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width.baseVal.value * SCALE, height.baseVal.value * SCALE];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function element(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

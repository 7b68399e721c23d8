// The coloured text to take home: PNG, SVG and HTML as it looks, CSV with every signal of the unit.

const COLUMNS = [70, 96]; // at least, for the words above; at most
const CELL = { width: 10.2, height: 30, size: 17 };
const ABOVE = 100;

// One entry a token: where it stands on a page of COLUMNS columns, its sign and its colour.
function laidOut(view) {
  const { tokens } = view.reading, signal = view.signal(), values = view.held().values[signal.symbol];
  const colours = ramp(signal, view.palette, true);
  let row = 0, column = 0, widest = COLUMNS[0];
  const cells = tokens.map((token, t) => {
    if (column === COLUMNS[1]) { row++; column = 0; }
    const cell = { row, column, sign: inline(tokens, t), colour: colours[level(signal, values[t])], faint: isSign(token) };
    widest = Math.max(widest, ++column);
    if (token === "\n") { row++; column = 0; }
    return cell;
  });
  return { cells, width: widest * CELL.width + 48, height: (row + 1) * CELL.height + ABOVE + 20 };
}

function caption(view) {
  const { reading, at } = view, signal = view.signal();
  const scale = `${view.parts.low.textContent} to ${view.parts.high.textContent}`;
  const source = `${reading.model}, layer ${reading.layer}, unit ${at.unit}, ${signal.meaning} ${signal.symbol}; colours from ${scale}.`;
  return { headline: view.parts.headline.textContent, lines: [view.parts.numbers.textContent, source] };
}

function svgText(view) {
  const { cells, width, height } = laidOut(view), { headline, lines } = caption(view), { palette } = view;
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` })) svg.setAttribute(key, value);
  draw(svg, "rect", { width, height, fill: view.css("--st-background-color") });
  draw(svg, "text", { x: 24, y: 38, "font-family": "serif", "font-size": 24, "font-weight": 600, fill: palette.ink }, headline);
  lines.forEach((line, k) => draw(svg, "text", { x: 24, y: 62 + 18 * k, "font-family": "sans-serif", "font-size": 13, fill: palette.soft }, line));
  const at = ({ row, column }) => ({ x: +(24 + column * CELL.width).toFixed(1), y: ABOVE + row * CELL.height });
  for (const cell of cells) draw(svg, "rect", { ...at(cell), width: CELL.width + 0.2, height: CELL.height - 4, fill: cell.colour });
  for (const cell of cells) {
    if (cell.sign === " ") continue;
    const { x, y } = at(cell);
    draw(svg, "text", { x: x + CELL.width / 2, y: y + 19, "text-anchor": "middle", "font-family": "IBM Plex Mono, monospace", "font-size": CELL.size, fill: palette.ink, opacity: cell.faint ? 0.45 : 1 }, cell.sign);
  }
  return new XMLSerializer().serializeToString(svg);
}

// Drawn, not converted from SVG, so that the page's own fonts are used.
function png(view) {
  const { cells, width, height } = laidOut(view), { headline, lines } = caption(view), { palette } = view;
  const sharp = Math.min(2, 16000 / height), canvas = document.createElement("canvas");
  canvas.width = width * sharp;
  canvas.height = height * sharp;
  const pen = canvas.getContext("2d");
  const write = (text, x, y, font, colour) => { pen.font = font; pen.fillStyle = colour; pen.fillText(text, x, y); };
  pen.scale(sharp, sharp);
  pen.fillStyle = view.css("--st-background-color");
  pen.fillRect(0, 0, width, height);
  write(headline, 24, 38, `600 24px ${view.css("--st-heading-font")}`, palette.ink);
  lines.forEach((line, k) => write(line, 24, 62 + 18 * k, `13px ${view.css("--st-font")}`, palette.soft));
  pen.textAlign = "center";
  for (const cell of cells) {
    const x = 24 + cell.column * CELL.width, y = ABOVE + cell.row * CELL.height;
    pen.fillStyle = cell.colour;
    pen.fillRect(x, y, CELL.width + 0.2, CELL.height - 4);
    pen.globalAlpha = cell.faint ? 0.45 : 1;
    write(cell.sign, x + CELL.width / 2, y + 19, `${CELL.size}px ${view.css("--st-code-font")}`, palette.ink);
    pen.globalAlpha = 1;
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function htmlText(view) {
  const page = document.implementation.createHTMLDocument(""), { headline, lines } = caption(view), { palette } = view;
  const colours = ramp(view.signal(), view.palette, true), values = view.held().values[view.at.signal];
  page.title = headline;
  page.head.prepend(Object.assign(page.createElement("meta"), { httpEquiv: "Content-Type", content: "text/html; charset=utf-8" }));
  page.body.style.cssText = `margin:2rem;background:${view.css("--st-background-color")};color:${palette.ink};font-family:sans-serif`;
  const text = page.createElement("div");
  text.style.cssText = "font:17px/1.75 'IBM Plex Mono',monospace;white-space:pre-wrap;overflow-wrap:anywhere;max-width:60rem";
  view.spans.forEach((span, t) => {
    const copy = page.createElement("span");
    copy.textContent = span.textContent;
    copy.style.backgroundColor = colours[level(view.signal(), values[t])];
    copy.title = `${t}: ${written(view.signal(), values[t])}`;
    text.append(copy, view.reading.tokens[t] === "\n" ? "\n" : "");
  });
  page.body.append(Object.assign(page.createElement("h1"), { textContent: headline }), ...lines.map((line) => Object.assign(page.createElement("p"), { textContent: line })), text);
  return "<!doctype html>\n" + page.documentElement.outerHTML;
}

function csvText(view) {
  const { reading } = view, held = view.held();
  const quote = (text) => `"${text.replaceAll('"', '""')}"`;
  const names = reading.signals.map((signal) => signal.symbol);
  const lines = reading.tokens.map((token, t) => [
    t, quote(token), ...names.map((name) => (held.values[name][t] / 100).toFixed(2)),
    Number.isNaN(reading.loss[t]) ? "" : reading.loss[t], t + 1 < reading.time && reading.rank[t] >= 0 ? reading.rank[t] : "",
  ].join(","));
  return ["t,token," + names.join(",") + ",loss_nats,rank", ...lines].join("\r\n") + "\r\n";
}

async function take(view, kind) {
  const blob = {
    png: () => png(view),
    svg: () => new Blob([svgText(view)], { type: "image/svg+xml" }),
    html: () => new Blob([htmlText(view)], { type: "text/html" }),
    csv: () => new Blob([csvText(view)], { type: "text/csv" }),
  }[kind];
  const link = document.createElement("a"), { reading, at } = view;
  link.href = URL.createObjectURL(await blob());
  link.download = `${reading.model}-layer-${reading.layer}-unit-${at.unit}-${at.signal}.${kind}`.replace(/[^\w.-]+/g, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

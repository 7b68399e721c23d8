// The written text as files: plain text, CSV, HTML, SVG and PNG. Made in the browser, from the data on the page.

const COLUMNS = 80, SIZE = 17, WIDE = SIZE * 0.6, HIGH = SIZE * 1.75, MARGIN = 24, SCALE = 2;

const makers = {
  TXT: (text) => new Blob([text], { type: "text/plain" }),
  CSV: (_, all) => new Blob([csv(all)], { type: "text/csv" }),
  HTML: (_, all, look) => new Blob([page(all, look)], { type: "text/html" }),
  SVG: async (_, all, look) => new Blob([await picture(all, look)], { type: "image/svg+xml" }),
  PNG: async (_, all, look) => pixels(await picture(all, look)),
};

function csv(all) {
  const quoted = (token) => `"${token.replaceAll('"', '""')}"`;
  const rows = all.map(({ token, p, entropy }, at) => [at, quoted(token), p ?? "", p ? -Math.log(p) : "", entropy ?? ""].join(","));
  return ["position,token,probability,surprise_nats,entropy_nats", ...rows].join("\r\n") + "\r\n";
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
const caption = ({ name }) => `${name}. Darker: the model gave the character it wrote a higher probability. Bold: the prompt.`;

function page(all, look) {
  const spans = all.map(({ token, p }) =>
    p === undefined ? `<b>${escaped(token)}</b>` : `<span style="background:${look.open}${Math.round(255 * look.most * p).toString(16).padStart(2, "0")}" title="${p}">${escaped(token)}</span>`);
  return `<!doctype html><html><head><meta charset="utf-8"><title>${escaped(look.name)}</title></head>` +
    `<body style="background:${look.paper};color:${look.ink};font:17px/1.75 'IBM Plex Mono',monospace;margin:2rem">` +
    `<p style="font:14px sans-serif">${escaped(caption(look))}</p><pre style="font:inherit;white-space:pre-wrap">${spans.join("")}</pre></body></html>`;
}

// Break lines at 80 columns, after a space where there is one.
function lines(all) {
  const done = [[]];
  for (const one of all) {
    let line = done.at(-1);
    if (line.length >= COLUMNS) {
      const space = line.findLastIndex(({ token }) => token === " ");
      done.push(space > COLUMNS / 2 ? line.splice(space + 1) : []);
      line = done.at(-1);
    }
    if (one.token === "\n") done.push([]);
    else line.push(one);
  }
  return done;
}

async function picture(all, look) {
  const rows = lines(all), width = COLUMNS * WIDE + 2 * MARGIN, height = rows.length * HIGH + 2 * MARGIN + 28;
  const parts = rows.flatMap((row, y) => row.map(({ token, p }, x) => {
    const left = (MARGIN + x * WIDE).toFixed(1), top = MARGIN + y * HIGH;
    const ground = p === undefined ? "" : `<rect x="${left}" y="${top}" width="${WIDE}" height="${HIGH - 4}" fill="${look.open}" fill-opacity="${(look.most * p).toFixed(3)}"/>`;
    const weight = p === undefined ? ' font-weight="600"' : "";
    return ground + (token === " " ? "" : `<text x="${left}" y="${top + 19}"${weight}>${escaped(token)}</text>`);
  }));
  const words = `<text x="${MARGIN}" y="${height - MARGIN}" font-family="Inter,sans-serif" font-size="13" fill="${look.soft}">${escaped(caption(look))}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<style>${await face("inter.woff2", "Inter")}${await face("plex-mono-400.woff2", "IBM Plex Mono")}</style><rect width="${width}" height="${height}" fill="${look.paper}"/>` +
    `<g font-family="IBM Plex Mono,monospace" font-size="${SIZE}" fill="${look.ink}">${parts.join("")}${words}</g></svg>`;
}

async function face(file, family) {
  try {
    const answer = await fetch(`app/static/${file}`);
    if (!answer.ok) return "";
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return `@font-face{font-family:"${family}";src:url(data:font/woff2;base64,${btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""))})}`;
  } catch {
    return ""; // the viewer's own will do
  }
}

async function pixels(svg) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width * SCALE, image.height * SCALE];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

async function takeHome(kind, text, all, look) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await makers[kind](text, all, look));
  link.download = `${look.name}.${kind.toLowerCase()}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

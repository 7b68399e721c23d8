// Colours, numbers and visible signs: what a value and a character look like.

const LEVELS = 200;

function rgb(hex) {
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

// The colours of a signal from its lowest to its highest value; behind text they are mixed with paper.
function ramp(signal, palette, behindText) {
  const [low, high] = signal.signed ? [palette.signed[0], palette.signed[2]].map(rgb) : [null, rgb(palette.gate[1])];
  const most = behindText ? (signal.signed ? palette.behind_signed : palette.behind_gate) : 1, ground = rgb(palette.paper);
  return Array.from({ length: LEVELS + 1 }, (_, k) => {
    const place = k / LEVELS, strength = signal.signed ? Math.abs(2 * place - 1) : place;
    const full = signal.signed && place < 0.5 ? low : high;
    return `rgb(${ground.map((paper, i) => Math.round(paper + (full[i] - paper) * strength * most)).join(",")})`;
  });
}

// Which level of a ramp a value in hundredths has; beyond the scale it is full. A signal without bounds has
// long tails: beyond 1 its colours grow with the logarithm (asinh), so that small values are told apart as well.
function level(signal, value) {
  if (signal.robust) {
    const part = Math.min(1, Math.asinh(Math.abs(value) / 100) / Math.asinh(signal.high));
    return Math.round(((value < 0 ? 1 - part : 1 + part) / 2) * LEVELS);
  }
  const place = (value / 100 - signal.low) / (signal.high - signal.low);
  return Math.round(Math.max(0, Math.min(1, place)) * LEVELS);
}

// A value in hundredths, with a true minus, and a plus where the signal is signed.
function written(signal, value) {
  const sign = value < 0 ? "−" : value > 0 && signal.signed ? "+" : "";
  return sign + (Math.abs(value) / 100).toFixed(2);
}

function nats(loss) {
  return Number.isNaN(loss) ? "" : loss === Infinity ? "∞" : loss.toFixed(3);
}

function thousands(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

const HIDDEN = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
const COMBINING = /^\p{M}/u;

// The sign that stands for a token alone, as in a list.
function sign(token) {
  if (token === "\n") return "↵";
  if (token === "\t") return "→";
  if (token === " ") return "␣";
  if (token < " ") return String.fromCharCode(0x2400 + token.charCodeAt(0));
  if (HIDDEN.test(token)) return "◌";
  return COMBINING.test(token) ? "◌" + token : token;
}

// The same within running text, where single spaces are spaces and runs of them are dotted.
function inline(tokens, t) {
  if (tokens[t] !== " ") return sign(tokens[t]);
  const blank = (token) => token === undefined || token === " " || token === "\n" || token === "\t";
  return blank(tokens[t - 1]) || blank(tokens[t + 1]) ? "·" : " ";
}

function isSign(token) {
  return token <= " " || HIDDEN.test(token);
}

function quoted(token) {
  return `“${sign(token)}”`;
}

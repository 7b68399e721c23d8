// What is known of the unit from elsewhere: its verdict, the checks on one scale, what a sceptic asks; the best units.

const MARKS = { true: "✓", false: "✗", null: "·" }, HEARD = { true: "holds", false: "not shown", null: "not made" };
const COUNTS = ["none", "one", "two", "three", "four", "five"];

function isVerified(view, { claim }) {
  return claim?.verdict === "verified" && claim.signal === view.at.signal;
}

function makeChips(view) {
  const { chips } = view.parts, found = view.reading.known?.chips ?? [];
  chips.hidden = !found.length;
  chips.replaceChildren(chips.firstElementChild, ...found.map((chip) => {
    const button = element("button", "chip", chip.title);
    button.chip = chip;
    button.title = `Layer ${chip.layer}, unit ${chip.unit}`;
    return button;
  }));
}

function paintEvidence(view, held) {
  const { verdict, evidence, chips } = view.parts, { claim } = held, { reading, at } = view;
  verdict.hidden = evidence.hidden = !claim;
  for (const button of chips.querySelectorAll("button")) button.setAttribute("aria-pressed", button.chip.layer === reading.layer && button.chip.unit === at.unit);
  if (!claim) return;
  const word = element("b", claim.verdict === "verified" ? "holds" : "", claim.says.slice(0, claim.says.indexOf(":") + 1));
  const by = claim.signal === at.signal || claim.verdict === "chance" ? "" : ` Told by its ${meaningOf(reading, claim.signal)} ${claim.signal}; ${at.signal} is shown.`;
  verdict.replaceChildren(word, claim.says.slice(word.textContent.length) + by);
  const checks = claim.checks.map(([key, value, place, holds]) => ({ key, value, place, holds, name: reading.known.doubts[key][0] }));
  const passed = checks.filter((check) => check.holds).length, all = checks.length;
  const missing = checks.filter((check) => check.holds === null).length, more = missing ? `; ${COUNTS[missing]} not made` : "";
  evidence.querySelector("h2").textContent = passed === all ? `The evidence holds: ${COUNTS[all]} of ${COUNTS[all]} checks` : `Not shown: ${COUNTS[passed]} of ${COUNTS[all]} checks hold${more}`;
  evidence.querySelector(".checks").replaceChildren(...checks.map(checked));
  const [scale, low, high] = claim.scale;
  [low, scale, high].forEach((text, k) => (evidence.querySelectorAll(".ends span")[k].textContent = text));
  evidence.querySelector("dl").replaceChildren(...checks.flatMap(({ key, name, value }) => [
    element("dt", "", `${name}: ${value}`), element("dd", "", reading.known.doubts[key][1]),
  ]));
  evidence.querySelector(".door").hidden = !reading.doors.unit;
}

function checked({ key, name, value, place, holds }) {
  const row = element("div", "check"), mark = element("span", `mark ${HEARD[holds].split(" ")[0]}`, MARKS[holds]);
  row.setAttribute("role", "listitem");
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", HEARD[holds]);
  row.append(mark, element("span", "name", name), element("span", place === null ? "value words" : "value", value));
  if (place !== null) {
    const track = element("span", "track"), dot = element("i", key === "unseen" ? "own" : "");
    dot.style.left = `${100 * Math.min(1, place)}%`;
    track.append(dot);
    row.append(track);
  }
  return row;
}

function meaningOf(reading, symbol) {
  return reading.signals.find((signal) => signal.symbol === symbol).meaning;
}

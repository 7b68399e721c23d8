// What was sent, kept by the reading's fingerprint, so that nothing is sent twice.

const READINGS = new Map();
const KEPT = 6;
const ARRAYS = { int8: Int8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

function unpack(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
  return new ARRAYS[packed.type](bytes.buffer);
}

function unpackAll(packed) {
  return Object.fromEntries(Object.entries(packed).map(([name, array]) => [name, unpack(array)]));
}

function keep(of, opening) {
  const reading = {
    ...opening, of,
    loss: unpack(opening.loss), rank: unpack(opening.rank),
    guesses: unpack(opening.guesses), probability: unpack(opening.probability),
    scores: unpackAll(opening.scores), order: unpackAll(opening.order),
    unseen: new Set(opening.unseen), time: opening.tokens.length,
    units_held: new Map(), labels: opening.known ? unpackLabels(opening.known, opening) : {},
  };
  reading.top = reading.guesses.length / reading.time;
  READINGS.delete(of);
  READINGS.set(of, reading);
  if (READINGS.size > KEPT) READINGS.delete(READINGS.keys().next().value);
  return reading;
}

// How well each unit tells each label on unseen text: {name: {label, order, scores, signals}}.
function unpackLabels(known, { units, signals }) {
  const strength = unpack(known.strength), order = unpack(known.order), best = unpack(known.signals);
  return Object.fromEntries(known.labels.map((label, row) => {
    const cut = (array) => array.subarray(row * units, (row + 1) * units);
    return [label.name, { label, order: cut(order), scores: Float32Array.from(cut(strength), (value) => value / 1000), signals: Array.from(cut(best), (k) => signals[k].symbol) }];
  }));
}

// Add a bank: per unit, {values: {symbol: hundredths by step}, findings: {symbol: [headline, numbers, otherwise]}, claim}.
function deposit(reading, bank) {
  const values = unpackAll(bank.values);
  bank.units.forEach((unit, row) => {
    const held = { values: {}, findings: {}, claim: bank.claims?.[row] };
    for (const { symbol } of reading.signals) {
      held.values[symbol] = values[symbol].subarray(row * reading.time, (row + 1) * reading.time);
      held.findings[symbol] = bank.findings[symbol][row];
    }
    reading.units_held.set(unit, held);
  });
}

// The units in the order of a sort, and their scores: for one signal, or for a label, each unit by its best signal.
function ordered(reading, at) {
  const told = reading.labels[at.sort];
  if (told) return { ...told, by: at.sort };
  const row = reading.signals.findIndex((signal) => signal.symbol === at.signal);
  const cut = (array) => array.subarray(row * reading.units, (row + 1) * reading.units);
  if (at.sort === "unit") return { order: Int32Array.from({ length: reading.units }, (_, k) => k), scores: cut(reading.scores.variance), by: "variance" };
  return { order: cut(reading.order[at.sort]), scores: cut(reading.scores[at.sort]), by: at.sort };
}

// Units to ask for: the chosen one and its neighbours if it is missing, else those ahead if the bank runs out soon.
function missing(reading, order, place) {
  const lacks = (k) => k >= 0 && k < order.length && !reading.units_held.has(order[k]);
  const soon = Math.ceil(reading.bank_size / 3);
  const wanted = (first, step) => {
    const found = [];
    for (let k = first; k >= 0 && k < order.length && found.length < reading.bank_size; k += step) if (lacks(k)) found.push(order[k]);
    return found;
  };
  if (lacks(place)) return wanted(Math.max(0, Math.min(place - (reading.bank_size >> 2), order.length - reading.bank_size)), 1);
  for (let k = 1; k <= soon; k++) {
    if (lacks(place + k)) return wanted(place + k, 1);
    if (lacks(place - k)) return wanted(place - k, -1);
  }
  return [];
}

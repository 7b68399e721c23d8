"""One step of every cell in plain numpy, from its paper: no line is shared with the cells.

Each takes the input, the states before, and the cell's parameters in their order: W and b read the input, U and d
the state. It returns every signal in the order in which it is computed.
"""

import numpy as np


def sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))


def rows(n, x, s, W, U, b, d):
    """Return the sums that n rows receive from input and state."""
    return np.split(x @ W.T + b + s["h"] @ U.T + d, n, axis=-1)


def elman(x, s, W, U, b, d):
    return {"h": np.tanh(x @ W.T + b + s["h"] @ U.T + d)}


def elman_relu(x, s, W, U, b, d):
    return {"h": np.maximum(0, x @ W.T + b + s["h"] @ U.T + d)}


def lstm(x, s, W, U, b, d):
    i, f, g, o = rows(4, x, s, W, U, b, d)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * s["c"] + i * g
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}


def gru(x, s, W, U, b, d):
    Wr, Wz, Wn = np.split(x @ W.T + b, 3, axis=-1)
    Ur, Uz, Un = np.split(s["h"] @ U.T + d, 3, axis=-1)
    r, z = sigmoid(Wr + Ur), sigmoid(Wz + Uz)
    n = np.tanh(Wn + r * Un)
    return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * s["h"]}


def gru_cho(x, s, W, U, b, d):
    (Wr, Wz, Wn), (Ur, Uz, Un) = np.split(W, 3), np.split(U, 3)
    (br, bz, bn), (dr, dz, dn) = np.split(b, 3), np.split(d, 3)
    r = sigmoid(x @ Wr.T + br + s["h"] @ Ur.T + dr)
    z = sigmoid(x @ Wz.T + bz + s["h"] @ Uz.T + dz)
    n = np.tanh(x @ Wn.T + bn + (r * s["h"]) @ Un.T + dn)
    return {"r": r, "z": z, "n": n, "h": z * s["h"] + (1 - z) * n}


def lstm_peephole(x, s, W, U, b, d, p_i, p_f, p_o):
    i, f, g, o = rows(4, x, s, W, U, b, d)
    i, f, g = sigmoid(i + p_i * s["c"]), sigmoid(f + p_f * s["c"]), np.tanh(g)
    c = f * s["c"] + i * g
    o = sigmoid(o + p_o * c)
    return {"i": i, "f": f, "g": g, "c": c, "o": o, "h": o * np.tanh(c)}


def lstm_coupled(x, s, W, U, b, d):
    f, g, o = rows(3, x, s, W, U, b, d)
    f, g, o = sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * s["c"] + (1 - f) * g
    return {"f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}


def lstm_nig(x, s, W, U, b, d, p_f, p_o):
    f, g, o = rows(3, x, s, W, U, b, d)
    f, g = sigmoid(f + p_f * s["c"]), np.tanh(g)
    c = f * s["c"] + g
    o = sigmoid(o + p_o * c)
    return {"f": f, "g": g, "c": c, "o": o, "h": o * np.tanh(c)}


def lstm_nfg(x, s, W, U, b, d, p_i, p_o):
    i, g, o = rows(3, x, s, W, U, b, d)
    i, g = sigmoid(i + p_i * s["c"]), np.tanh(g)
    c = s["c"] + i * g
    o = sigmoid(o + p_o * c)
    return {"i": i, "g": g, "c": c, "o": o, "h": o * np.tanh(c)}


def lstm_nog(x, s, W, U, b, d, p_i, p_f):
    i, f, g = rows(3, x, s, W, U, b, d)
    i, f, g = sigmoid(i + p_i * s["c"]), sigmoid(f + p_f * s["c"]), np.tanh(g)
    c = f * s["c"] + i * g
    return {"i": i, "f": f, "g": g, "c": c, "h": np.tanh(c)}


def lstm_niaf(x, s, W, U, b, d, p_i, p_f, p_o):
    i, f, g, o = rows(4, x, s, W, U, b, d)
    i, f = sigmoid(i + p_i * s["c"]), sigmoid(f + p_f * s["c"])
    c = f * s["c"] + i * g
    o = sigmoid(o + p_o * c)
    return {"i": i, "f": f, "g": g, "c": c, "o": o, "h": o * np.tanh(c)}


def lstm_noaf(x, s, W, U, b, d, p_i, p_f, p_o):
    i, f, g, o = rows(4, x, s, W, U, b, d)
    i, f, g = sigmoid(i + p_i * s["c"]), sigmoid(f + p_f * s["c"]), np.tanh(g)
    c = f * s["c"] + i * g
    o = sigmoid(o + p_o * c)
    return {"i": i, "f": f, "g": g, "c": c, "o": o, "h": o * c}


def lstm_cifg(x, s, W, U, b, d, p_f, p_o):
    f, g, o = rows(3, x, s, W, U, b, d)
    f, g = sigmoid(f + p_f * s["c"]), np.tanh(g)
    c = f * s["c"] + (1 - f) * g
    o = sigmoid(o + p_o * c)
    return {"f": f, "g": g, "c": c, "o": o, "h": o * np.tanh(c)}


def lstm_fgr(x, s, W, U, b, d, p_i, p_f, p_o, ii, if_, io, fi, ff, fo, oi, of, oo):
    i, f, g, o = rows(4, x, s, W, U, b, d)
    i = sigmoid(i + p_i * s["c"] + s["i"] @ ii.T + s["f"] @ fi.T + s["o"] @ oi.T)
    f = sigmoid(f + p_f * s["c"] + s["i"] @ if_.T + s["f"] @ ff.T + s["o"] @ of.T)
    g = np.tanh(g)
    c = f * s["c"] + i * g
    o = sigmoid(o + p_o * c + s["i"] @ io.T + s["f"] @ fo.T + s["o"] @ oo.T)
    return {"i": i, "f": f, "g": g, "c": c, "o": o, "h": o * np.tanh(c)}


def normal(z):
    """Return z with mean 0 and variance 1 over its units; 1e-5 keeps a division by 0 away."""
    z = z - z.mean(-1, keepdims=True)
    return z / np.sqrt((z**2).mean(-1, keepdims=True) + 1e-5)


def elman_layernorm(x, s, W, U, gain, bias):
    return {"h": np.tanh(gain * normal(x @ W.T + s["h"] @ U.T) + bias)}


def lstm_layernorm(x, s, W, U, b, d, gain_x, gain_h, gain_c, bias_c):
    parts = zip(*(np.split(array, 4) for array in (W, U, b, d, gain_x, gain_h)), strict=True)
    i, f, g, o = (gx * normal(x @ w.T) + bx + gh * normal(s["h"] @ u.T) + bh for w, u, bx, bh, gx, gh in parts)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * s["c"] + i * g
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * np.tanh(gain_c * normal(c) + bias_c)}


def l2_normalised(w):
    return w / np.sqrt((w**2).sum(axis=0))


def openai(x, h, c, wx, wh, wmx, wmh, b, gx, gh, gmx, gmh):
    """Return the new m, i, f, o, u, c, h, from arrays as OpenAI published them: inputs first."""
    wx, wh, wmx, wmh = (l2_normalised(w) * g for w, g in ((wx, gx), (wh, gh), (wmx, gmx), (wmh, gmh)))
    m = (x @ wmx) * (h @ wmh)
    i, f, o, u = np.split(x @ wx + m @ wh + b, 4, axis=-1)
    i, f, o, u = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(u)
    c = f * c + i * u
    return m, i, f, o, u, c, o * np.tanh(c)


def mlstm(x, s, W, U, gain_x, gain_h, b):
    """Undo the mapping to our names that the cell's docstring gives."""
    n = 4 * len(U.T)
    signals = openai(
        x, s["h"], s["c"], W[:n].T, U[:n].T, W[n:].T, U[n:].T, b, gain_x[:n], gain_h[:n], gain_x[n:], gain_h[n:]
    )
    return dict(zip(("m", "i", "f", "o", "u", "c", "h"), signals, strict=True))


def min_gru(x, s, W, b):
    z, n = np.split(x @ W.T + b, 2, axis=-1)
    z = sigmoid(z)
    return {"z": z, "n": n, "h": (1 - z) * s["h"] + z * n}


def min_lstm(x, s, W, b):
    f, i, g = np.split(x @ W.T + b, 3, axis=-1)
    f, i = sigmoid(f), sigmoid(i)
    f, i = f / (f + i), i / (f + i)
    return {"f": f, "i": i, "g": g, "h": f * s["h"] + i * g}


def slstm(x, s, W, U, b, d):
    i, f, z, o = rows(4, x, s, W, U, b, d)
    z, o = np.tanh(z), sigmoid(o)
    m = np.maximum(np.log(sigmoid(f)) + s["m"], i)
    i, f = np.exp(i - m), np.exp(np.log(sigmoid(f)) + s["m"] - m)
    c, n = f * s["c"] + i * z, f * s["n"] + i
    return {"m": m, "i": i, "f": f, "z": z, "o": o, "c": c, "n": n, "h": o * c / n}


ORACLES = {
    "elman": elman, "elman-relu": elman_relu, "irnn": elman_relu, "elman-layernorm": elman_layernorm,
    "gru": gru, "gru-cho": gru_cho, "min-gru": min_gru,
    "lstm": lstm, "lstm-peephole": lstm_peephole, "lstm-coupled": lstm_coupled, "lstm-layernorm": lstm_layernorm,
    "lstm-nig": lstm_nig, "lstm-nfg": lstm_nfg, "lstm-nog": lstm_nog, "lstm-niaf": lstm_niaf, "lstm-noaf": lstm_noaf,
    "lstm-cifg": lstm_cifg, "lstm-fgr": lstm_fgr,
    "mlstm": mlstm, "min-lstm": min_lstm, "slstm": slstm,
}  # fmt: skip

# The number of parameters for X inputs and H units, counted by hand.
COUNTS = {
    "elman": lambda X, H: H * X + H * H + 2 * H,
    "elman-relu": lambda X, H: H * X + H * H + 2 * H,
    "irnn": lambda X, H: H * X + H * H + 2 * H,
    "elman-layernorm": lambda X, H: H * X + H * H + 2 * H,
    "gru": lambda X, H: 3 * (H * X + H * H + 2 * H),
    "gru-cho": lambda X, H: 3 * (H * X + H * H + 2 * H),
    "min-gru": lambda X, H: 2 * (H * X + H),
    "lstm": lambda X, H: 4 * H * (H + X) + 8 * H,
    "lstm-peephole": lambda X, H: 4 * H * (H + X) + 8 * H + 3 * H,
    "lstm-coupled": lambda X, H: 3 * H * (H + X) + 6 * H,
    "lstm-layernorm": lambda X, H: 4 * H * (H + X) + 2 * 4 * H * 2 + 2 * H,
    "lstm-nig": lambda X, H: 3 * H * (H + X) + 6 * H + 2 * H,
    "lstm-nfg": lambda X, H: 3 * H * (H + X) + 6 * H + 2 * H,
    "lstm-nog": lambda X, H: 3 * H * (H + X) + 6 * H + 2 * H,
    "lstm-niaf": lambda X, H: 4 * H * (H + X) + 8 * H + 3 * H,
    "lstm-noaf": lambda X, H: 4 * H * (H + X) + 8 * H + 3 * H,
    "lstm-cifg": lambda X, H: 3 * H * (H + X) + 6 * H + 2 * H,
    "lstm-fgr": lambda X, H: 4 * H * (H + X) + 8 * H + 3 * H + 9 * H * H,
    "mlstm": lambda X, H: 4 * H * X + 4 * H * H + H * X + H * H + 4 * H + 4 * H + 4 * H + H + H,
    "min-lstm": lambda X, H: 3 * (H * X + H),
    "slstm": lambda X, H: 4 * H * (H + X) + 8 * H,
}

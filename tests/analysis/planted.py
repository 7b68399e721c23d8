"""A model made by hand, whose units are known: one that matters, one that repeats it, one that tells nothing."""

import numpy as np
import torch

import rnncore
from rnncore.analysis import matching

SYMBOLS = "()abxy"
INSIDE = matching(r"\([^)]*", "inside")


def text(length, seed=0):
    """Return letters, a or b outside brackets and nearly always b inside, each with an x or y that means nothing."""
    random = np.random.default_rng(seed)
    written, inside = [], False
    while len(written) < length:
        if random.random() < 0.06:
            written.append(")" if inside else "(")
            inside = not inside
        else:
            written.append("b" if random.random() < (0.97 if inside else 0.5) else "a")
            written.append("x" if random.random() < 0.5 else "y")
    return "".join(written[:length])


def model():
    """Return a tanh network of five units.

    0 holds whether it is inside brackets and says so, 1 holds it as well but nobody reads it, 2 wanders with x and y, 3
    knows nothing, and 4 tells that a letter has been read.
    """
    network = rnncore.build("elman", vocabulary=rnncore.Vocabulary.characters(SYMBOLS), layers=1, units=5, embedding=6)
    network.name = "planted"
    cell = network.cells[0]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.embedding.weight.copy_(torch.eye(6))
        for unit in (0, 1):
            cell.weight_ih[unit, :2] = torch.tensor([6.0, -6.0])  # opens, closes
            cell.weight_hh[unit, unit] = 2
            cell.bias_hh[unit] = -0.1  # outside until the first bracket
        cell.weight_ih[2, 4:] = torch.tensor([0.2, -0.2])
        cell.weight_hh[2, 2] = 0.98
        cell.weight_ih[4] = torch.tensor([-3.0, -3.0, 3.0, 3.0, -3.0, -3.0])
        network.head.weight[2:4, 0] = torch.tensor([-1.0, 1.0])  # a and b, by unit 0 alone
        network.head.weight[2:, 4] = torch.tensor([-4.0, -4.0, 4.0, 4.0])
        network.head.weight[4:, 2] = 0.05
        network.head.bias.copy_(torch.tensor([1.5, 1.5, -1.0, 1.0, 0.0, 0.0]))
    return network.eval()

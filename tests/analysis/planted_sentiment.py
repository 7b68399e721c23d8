"""A model made by hand: one unit holds the last word that judges, and chooses the next one."""

import numpy as np
import torch

import rnncore
from rnncore.analysis import Labelled

WORDS = ("good", "bad", "film", "plot", "<eos>")


def model(polarity=1):
    """Return a tanh network of four units.

    0 holds whether it last read "good" (at ``polarity``) or "bad" (at the other sign) and writes accordingly; 1 wanders
    with "film" and "plot", 2 knows the last word only, 3 knows nothing.
    """
    network = rnncore.build("elman", vocabulary=rnncore.Vocabulary.words(WORDS), layers=1, units=4, embedding=5)
    network.name = "planted"
    cell = network.cells[0]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.embedding.weight.copy_(torch.eye(5))
        cell.weight_ih[0, :2] = polarity * torch.tensor([4.0, -4.0])
        cell.weight_hh[0, 0] = 2
        cell.weight_ih[1, 2:4] = torch.tensor([0.2, -0.2])
        cell.weight_hh[1, 1] = 0.98
        cell.weight_ih[2, 2:4] = torch.tensor([1.0, -1.0])
        network.head.weight[:2, 0] = polarity * torch.tensor([2.0, -2.0])
        network.head.bias[4] = -20
    return network.eval()


def texts(count=400, seed=0, right=0.9):
    """Return texts, and for each whether its last judging word is its label's."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 2)
    written, last = [], []
    for label in labels:
        words = [str(random.choice(["film", "plot"])) for _ in range(random.integers(3, 15))]
        for place in sorted(random.choice(len(words), min(3, len(words)), replace=False)):
            words[place] = "good" if (random.random() < right) == bool(label) else "bad"
        judging = [word for word in words if word in ("good", "bad")]
        written.append(" ".join(words))
        last.append((judging[-1] == "good") == bool(label))
    parts = random.permutation(np.arange(count) % 3)
    data = Labelled(
        "planted", tuple(written), labels.astype(np.int64), ("negative", "positive"), parts.astype(np.int64)
    )
    return data, np.array(last)

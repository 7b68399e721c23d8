"""What the training tests share: a text, and how to train on it and compare what came out."""

import pytest
import torch

import rnncore
from rnncore.network import checkpoint
from rnncore.training.corpora import Corpus

TEXT = Corpus("rhyme", "one two three\nbuckle my shoe\n" * 60)

SIBLINGS = {"lstm-nig", "lstm-nog", "lstm-niaf", "lstm-noaf"}  # lstm-nfg stands for them: one declaration makes all
every_cell = pytest.mark.parametrize("cell", [name for name in rnncore.cells() if name not in SIBLINGS])


def train(config, corpus=TEXT, **options):
    return list(rnncore.train(config, corpus, **options))


def weights(folder):
    return checkpoint.load(folder).state_dict()


def assert_same_weights(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name

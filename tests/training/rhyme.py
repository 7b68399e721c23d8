"""What the training tests share: a text, and how to train on it and compare what came out."""

import torch

import rnncore
from rnncore.network import checkpoint
from rnncore.training.corpora import Corpus

TEXT = Corpus("rhyme", "one two three\nbuckle my shoe\n" * 60)


def train(config, corpus=TEXT, **options):
    return list(rnncore.train(config, corpus, **options))


def weights(folder):
    return checkpoint.load(folder).state_dict()


def assert_same_weights(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name

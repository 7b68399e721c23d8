"""A small translator with random weights, in float64."""

from collections.abc import Callable

import pytest
import torch

from rnncore.seq2seq import Seq2Seq, Seq2SeqConfig, Tokens


@pytest.fixture(scope="session")
def translator() -> Callable[..., Seq2Seq]:
    def make(seed: int = 0, source: str = "abcde", target: str = "xyz", **shape: object) -> Seq2Seq:
        config = Seq2SeqConfig(**{"units": 6, "embedding": 4, "attention": "additive", **shape})
        model = Seq2Seq(config, Tokens.characters([source]), Tokens.characters([target])).initialise(seed).double()
        generator = torch.Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for weight in model.parameters():  # also those that start at zero
                weight.add_(0.3 * torch.randn(weight.shape, generator=generator, dtype=torch.float64))
        return model.eval()

    return make

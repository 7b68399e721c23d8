"""The rectified network that starts as a memory."""

from __future__ import annotations

import torch

from rnncore.cells.elman import ElmanReLU


class IRNN(ElmanReLU):
    """ReLU network that starts at the identity, Le, Jaitly & Hinton (2015): a fresh state is kept as it is.

    The function of ``elman-relu``; what differs is where learning begins: U at the identity, the input's weights
    at N(0, 0.001²), the biases at 0.
    """

    name, title = "irnn", "IRNN"
    recurrent_init = "identity"

    def initialise(
        self,
        generator: torch.Generator,
        recurrent_init: str | None = None,
        forget_bias: float | None = None,
        chrono: float | None = None,
    ) -> None:
        """Start at the identity, with little from the input."""
        super().initialise(generator, recurrent_init, forget_bias, chrono)
        if recurrent_init != "uniform":
            with torch.no_grad():
                self.weight_ih.normal_(0, 0.001, generator=generator)

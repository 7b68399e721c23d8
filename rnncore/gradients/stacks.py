"""Plain, residual and dense stacks of layers, and how large the gradient is at each layer.

In all three a layer computes the same F_l(x) = W_l f(x) + b_l. They differ in what becomes of it:

    plain       x_(l+1) = F_l(x_l)            in its usual form, with h = f(x): h_(l+1) = f(W h_l + b)
    residual    x_(l+1) = x_l + F_l(x_l)      He (2016), with the activation first
    dense       x_(l+1) = [x_l, F_l(x_l)]     Huang (2017): every layer reads what all before it wrote

x_0 is what a linear map makes of the input, and a linear map of f(x_L) answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from rnncore.errors import look_up
from rnncore.recording.through_time import norm

JOINS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "plain": lambda x, F: F,
    "residual": lambda x, F: x + F,
    "dense": lambda x, F: torch.cat((x, F), -1),
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda x: x}

PIXELS, CLASSES = 64, 10
"""Of the handwritten digits that the stacks learn to tell apart."""


class FeedForward(nn.Module):
    """A feed-forward network of ``depth`` layers, in float64: gradients down to 1e-300 are numbers.

    Parameters
    ----------
    kind : {"plain", "residual", "dense"}
    depth : int
        Layers between the first linear map and the last, which are not counted.
    width : int
        Units of x_0, and but for a dense stack of every layer.
    activation : {"tanh", "relu", "linear"}
    growth : int, optional
        Units that each layer of a dense stack adds.
    """

    def __init__(self, kind: str, depth: int, width: int, activation: str = "tanh", growth: int | None = None) -> None:
        super().__init__()
        self.kind, self.join = kind, look_up("kind", kind, JOINS)
        self.f = look_up("activation", activation, ACTIVATIONS)
        more = (growth or width) if kind == "dense" else 0
        self.stem = _linear(PIXELS, width)
        self.layers = nn.ModuleList(_linear(width + below * more, more or width) for below in range(depth))
        self.head = _linear(width + depth * more, CLASSES)

    @property
    def maps(self) -> list[nn.Linear]:
        """The map to x_0, then that of every layer."""
        return [self.stem, *(layer for layer in self.layers if isinstance(layer, nn.Linear))]

    @property
    def weights(self) -> int:
        """Number of weights and biases."""
        return sum(parameter.numel() for parameter in self.parameters())

    def initialise(self, generator: torch.Generator, gain: float = 1.0) -> FeedForward:
        """Draw the layers' weights with standard deviation ``gain`` / √(units read), the first and last map with 1."""
        with torch.no_grad():
            for map_ in (*self.maps, self.head):
                scale = 1.0 if map_ in (self.stem, self.head) else gain
                map_.weight.normal_(0, scale / math.sqrt(map_.in_features), generator=generator)
                map_.bias.zero_()
        return self

    def trace(self, xs: Float[Tensor, "example pixel"]) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """Return x_0 ... x_L, then x_0 and what each layer wrote, then the logits."""
        x: Tensor = self.stem(xs)
        states, outputs = [x], [x]
        for layer in self.maps[1:]:
            F = layer(self.f(x))
            x = self.join(x, F)
            states.append(x)
            outputs.append(F)
        return states, outputs, self.head(self.f(x))

    def forward(self, xs: Float[Tensor, "example pixel"]) -> Float[Tensor, "example class"]:
        """Return the logits."""
        return self.trace(xs)[2]


def dense_shape(depth: int, width: int) -> tuple[int, int]:
    """Return (width, growth) of the dense stack with about as many weights as a plain one of ``depth`` and ``width``.

    The growth is the one that comes nearest at the same width; the width then makes up for the rest.
    """

    def count(width: int, growth: int) -> int:
        layers = depth * growth * (width + 1) + growth**2 * depth * (depth - 1) // 2
        return (PIXELS + 1) * width + layers + (width + depth * growth + 1) * CLASSES

    plain = (PIXELS + 1) * width + depth * width * (width + 1) + (width + 1) * CLASSES
    growth = min(range(1, width + 1), key=lambda growth: abs(count(width, growth) - plain))
    return min(range(1, 2 * width + 1), key=lambda width: abs(count(width, growth) - plain)), growth


def layer_gradients(
    stack: FeedForward, xs: Float[Tensor, "example pixel"], targets: Int[Tensor, " example"]
) -> tuple[Float[np.ndarray, " layer"], Float[np.ndarray, " layer"]]:
    """Return how large the gradient is at every layer, of what it wrote and of its weights.

    Returns
    -------
    outputs : float64 [depth + 1]
        Norm of an example's dL/dF_l, root mean square over the examples; first that of x_0. In a plain and a residual
        stack this is dL/dx_(l+1).
    weights : float64 [depth + 1]
        Norm of dL/dW_l, the loss being the mean over the examples; first that of the map to x_0.
    """
    _, outputs, logits = stack.trace(xs)
    loss = nn.functional.cross_entropy(logits, targets, reduction="sum")
    found = torch.autograd.grad(loss, [*outputs, *(map_.weight for map_ in stack.maps)])
    norms = np.array([float(norm(gradient.flatten())) for gradient in found])
    return norms[: len(outputs)] / math.sqrt(len(xs)), norms[len(outputs) :] / len(xs)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=torch.float64)  # type: ignore[no-untyped-call,no-any-return]

"""How a loss reaches back through time, and how differences between states live on."""

from rnncore.gradients.clipping import Comparison, OneUnit, clipping
from rnncore.gradients.depth import DepthConfig, Measurement, train_stacks
from rnncore.gradients.flow import Flow, flow
from rnncore.gradients.horizon import Horizon, horizon
from rnncore.gradients.jacobian import JacobianNorms, bound, jacobian_norms, singular_values
from rnncore.gradients.lyapunov import Spectrum, lyapunov
from rnncore.gradients.paths import effective_lengths, path_gradients, path_vectors, sample_paths
from rnncore.gradients.race import Lap, RaceConfig, race
from rnncore.gradients.stacks import FeedForward, layer_gradients
from rnncore.gradients.standings import reach, solved

__all__ = [
    "Comparison",
    "DepthConfig",
    "FeedForward",
    "Flow",
    "Horizon",
    "JacobianNorms",
    "Lap",
    "Measurement",
    "OneUnit",
    "RaceConfig",
    "Spectrum",
    "bound",
    "clipping",
    "effective_lengths",
    "flow",
    "horizon",
    "jacobian_norms",
    "layer_gradients",
    "lyapunov",
    "path_gradients",
    "path_vectors",
    "race",
    "reach",
    "sample_paths",
    "singular_values",
    "solved",
    "train_stacks",
]

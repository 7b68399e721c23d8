"""How a loss reaches back through time, and how differences between states live on."""

from rnncore.gradients.clipping import Comparison, OneUnit, clipping
from rnncore.gradients.flow import Flow, flow
from rnncore.gradients.horizon import Horizon, horizon
from rnncore.gradients.jacobian import JacobianNorms, bound, jacobian_norms, singular_values
from rnncore.gradients.lyapunov import Spectrum, lyapunov
from rnncore.gradients.race import Lap, RaceConfig, race, solved

__all__ = [
    "Comparison",
    "Flow",
    "Horizon",
    "JacobianNorms",
    "Lap",
    "OneUnit",
    "RaceConfig",
    "Spectrum",
    "bound",
    "clipping",
    "flow",
    "horizon",
    "jacobian_norms",
    "lyapunov",
    "race",
    "singular_values",
    "solved",
]

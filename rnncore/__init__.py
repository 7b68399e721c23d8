"""An instrument for looking inside recurrent networks.

>>> import rnncore
>>> model = rnncore.load("shakespeare-lstm")
>>> recording = rnncore.record(model, "To be, or not to be", gradients=True)
>>> recording["c", -1].shape
(19, 384)

The names are those of :mod:`rnncore.public`. They are imported when the first of them is used: torch takes
seconds to start, and ``rnncore --help`` does not need it.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnncore.public import *  # noqa: F403

__version__ = "0.1.0"


class _Package(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module 'rnncore' has no attribute {name!r}")
        if name in ("analysis", "gradients", "seq2seq"):
            return import_module(f"rnncore.{name}")
        public = import_module("rnncore.public")
        return vars(self)[name] if name in vars(self) else getattr(public, name)

    @property
    def cells(self) -> Any:
        return import_module("rnncore.public").cells

    @cells.setter
    def cells(self, folder: ModuleType) -> None:
        """Let the folder ``cells`` be imported without hiding the function of that name."""


sys.modules[__name__].__class__ = _Package

"""Every recurrence, one file each. A new file in this folder is a new cell; nothing else is edited."""

import importlib
import pkgutil

from rnncore.cells.base import Cell, Gate, Rows, State, Tap, cells, equal_units, find, silent

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")

__all__ = ["Cell", "Gate", "Rows", "State", "Tap", "cells", "equal_units", "find", "silent"]

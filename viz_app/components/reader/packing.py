"""Arrays on their way to the browser: as few bytes as the shown digits need, in base64."""

from __future__ import annotations

import base64

import numpy as np

LARGEST = 1e7
_TYPES = (np.int8, np.int16, np.int32)


def tame(values: np.ndarray) -> np.ndarray:
    """Return ``values`` with those that are no numbers as 0 and those beyond ``LARGEST`` cut.

    A network without bounds may run off; the page then shows that it did.
    """
    if np.isfinite(values).all() and np.abs(values).max(initial=0) <= LARGEST:
        return values
    return np.clip(np.nan_to_num(values), -LARGEST, LARGEST)


def pack(array: np.ndarray) -> dict[str, str]:
    """Return ``array`` as what the browser turns into a typed array: its type, and its bytes in base64."""
    plain = np.ascontiguousarray(array)
    little = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    return {"type": plain.dtype.name, "data": base64.b64encode(little.tobytes()).decode("ascii")}


def hundredths(values: np.ndarray) -> np.ndarray:
    """Return ``values`` rounded to two decimals, in hundredths, as the smallest integers that hold them.

    Values are shown with two decimals, so nothing that is seen is lost: a gate or h takes one byte a step.
    They must be tame, see :func:`tame`.
    """
    rounded = np.rint(np.asarray(values, dtype=np.float64) * 100)
    reach = float(np.abs(rounded).max(initial=0.0))
    return rounded.astype(next(kind for kind in _TYPES if reach <= np.iinfo(kind).max))


def hundredths_size(values: np.ndarray) -> int:
    """Return how many bytes each of ``values`` takes at most, as hundredths."""
    return hundredths(np.array([values.min(), values.max()])).itemsize

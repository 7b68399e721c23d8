"""Logistic regression that uses few groups of columns: the lasso, where a group is one column, and the group lasso.

    min over W, b of   mean_i -log softmax(x_i W + b)[y_i]  +  lambda sum_g |W_g|

|W_g| is the Euclidean norm of the weights of all columns of group g to all classes, so a group is used or not as a
whole (Yuan & Lin 2006). Solved by accelerated proximal gradient steps (Beck & Teboulle 2009) for a falling lambda,
each from the last solution and among the groups that the strong rule of Tibshirani (2012) leaves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float64, Int64

RATIO = 0.85
"""Of one lambda to the one before."""


def entering(
    X: Float[np.ndarray, "sample column"],
    y: Int64[np.ndarray, " sample"],
    groups: Int64[np.ndarray, " column"],
    tolerance: float = 1e-4,
) -> Iterator[int]:
    """Yield groups in the order in which they come into use as lambda falls; those of one lambda, strongest first.

    Parameters
    ----------
    X : float [sample, column]
        Columns of mean 0 and variance 1.
    y : int64 [sample]
        Classes, from 0.
    groups : int64 [column]
        From 0, the group of each column.
    tolerance : float
        See :func:`path`. Where hundreds of columns say much the same, 0.01 gives the same order much sooner.
    """
    seen = set[int]()
    for _, W in path(X, y, groups, tolerance=tolerance):
        norm = _norms(W, groups)
        for g in np.argsort(-norm, kind="stable"):
            if norm[g] > 0 and int(g) not in seen:
                seen.add(int(g))
                yield int(g)


def path(
    X: Float[np.ndarray, "sample column"],
    y: Int64[np.ndarray, " sample"],
    groups: Int64[np.ndarray, " column"],
    *,
    steps: int = 60,
    tolerance: float = 1e-4,
) -> Iterator[tuple[float, Float64[np.ndarray, "column class"]]]:
    """Yield lambda and W, from the first lambda below that at which no group is used.

    ``steps`` is how many there are; ``tolerance`` the change of W, relative to its size, at which a solution stands.
    """
    X, Y = X.astype(float), np.eye(int(y.max()) + 1)[y]
    W, b = np.zeros((X.shape[1], Y.shape[1])), np.log(Y.mean(0))
    slope = X.T @ (_softmax(np.zeros((len(X), 1)) + b) - Y) / len(X)
    last = _norms(slope, groups).max()
    for _ in range(steps):
        penalty = last * RATIO
        active = (_norms(slope, groups) >= 2 * penalty - last) | (_norms(W, groups) > 0)
        while True:
            columns = active[groups]
            W[columns], b = solve(X[:, columns], Y, groups[columns], penalty, W[columns], b, tolerance)
            slope = X.T @ (_softmax(X[:, columns] @ W[columns] + b) - Y) / len(X)
            missed = (_norms(slope, groups) > penalty * (1 + 1e-3)) & ~active
            if not missed.any():
                break
            active |= missed
        last = penalty
        yield penalty, W.copy()


def solve(
    X: np.ndarray,
    Y: np.ndarray,
    groups: np.ndarray,
    penalty: float,
    W: np.ndarray,
    b: np.ndarray,
    tolerance: float,
    most: int = 2000,
) -> tuple[np.ndarray, np.ndarray]:
    """Return W and b for one lambda, started from ``W`` and ``b``."""
    step = 2 / (1 + _largest_eigenvalue(X))  # the loss's slope changes by half of that at most; 1 is for b
    V, c, momentum = W, b, 1.0
    for _ in range(most):
        error = (_softmax(X @ V + c) - Y) / len(X)
        following = _shrink(V - step * X.T @ error, groups, step * penalty)
        intercept = c - step * error.sum(0)
        change = following - W
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        if ((V - following) * change).sum() > 0:  # it overshoots: start anew (O'Donoghue & Candes 2015)
            momentum, faster = 1.0, 1.0
        share = (momentum - 1) / faster
        V, c = following + share * change, intercept + share * (intercept - b)
        moved = np.hypot(np.linalg.norm(change), np.linalg.norm(intercept - b))
        W, b, momentum = following, intercept, faster
        if moved <= tolerance * step * max(1.0, np.hypot(np.linalg.norm(W), np.linalg.norm(b))):
            break
    return W, b


def _shrink(W: np.ndarray, groups: np.ndarray, by: float) -> np.ndarray:
    """Shorten the weights of each group ``by`` so much, to zero at most."""
    norm = _norms(W, groups)
    kept = np.maximum(0, 1 - np.divide(by, norm, out=np.ones_like(norm), where=norm > 0))
    return np.asarray(W * kept[groups][:, None])


def _norms(W: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the Euclidean norm of each group's weights."""
    return np.sqrt(np.bincount(groups, (W**2).sum(1)))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def _largest_eigenvalue(X: np.ndarray) -> float:
    """Return that of X'X / samples, a little more at most than it is."""
    if not X.shape[1]:
        return 0.0
    small = X.T @ X if X.shape[1] < len(X) else X @ X.T
    return float(np.linalg.eigvalsh(small)[-1]) / len(X)

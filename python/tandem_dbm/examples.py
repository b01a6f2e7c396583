"""Examples: what Python has, and what the program reads."""

import hashlib
import os

import numpy as np

__all__ = ["bits", "check", "names_of", "outside", "write"]


def names_of(X):
    """Return the names of the columns of a data frame, or None where there are none."""
    columns = getattr(X, "columns", None)
    if columns is None or not len(columns) or not all(isinstance(name, str) for name in columns):
        return None
    return np.asarray(columns, dtype=object)


def check(X, who, features=None, least=1):
    """Return X as an array of examples × features of numbers.

    It raises a ValueError or a TypeError, in scikit-learn's words, where X is something else.
    who is the estimator, features how many columns X must have (None: any), and least how many
    examples there must be at least.
    """
    if hasattr(X, "toarray"):  # a sparse matrix of SciPy
        X = X.toarray()
    X = np.asarray(X)
    if np.iscomplexobj(X):
        raise ValueError(f"Complex data not supported\n{X}\n")
    if X.dtype.kind not in "buif":
        X = X.astype(np.float64)
    if X.ndim < 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D array instead. Reshape your data: X.reshape(-1, 1) has a single "
            "feature, X.reshape(1, -1) a single sample."
        )
    if X.ndim > 2:
        raise ValueError(
            f"Found array with dim {X.ndim}. {who} expected <= 2. Reshape images: X.reshape(len(X), -1)."
        )
    for n, what, fewest in ((X.shape[0], "sample", least), (X.shape[1], "feature", 1)):
        if n < fewest:
            raise ValueError(
                f"Found array with {n} {what}(s) (shape={X.shape}) while a minimum of {fewest} is required by {who}."
            )
    if X.dtype.kind == "f" and not np.isfinite(X).all():
        what = "NaN" if np.isnan(X).any() else "infinity"
        raise ValueError(f"Input X contains {what}. {who} has no rule for missing values: fill them in first.")
    if features is not None and X.shape[1] != features:
        raise ValueError(f"X has {X.shape[1]} features, but {who} is expecting {features} features as input.")
    return X


def outside(X, levels):
    """Report whether a value of X is not from 0 to levels."""
    return X.min() < 0 or X.max() > levels


def _top(levels):
    """Return the largest float32 that is not above levels."""
    x = np.float32(levels)
    return np.nextafter(x, np.float32(0)) if float(x) > levels else x


def write(folder, X, levels):
    """Write examples into a folder, and return what the program calls them.

    Whole numbers that fit are bytes, and others float32.
    """
    if X.min() >= 0 and X.max() <= 255 and (X.dtype.kind in "bui" or not np.mod(X, 1).any()):
        values = X.astype(np.uint8)
    else:
        values = X.astype(np.float32)
        if not outside(X, levels):
            values = np.minimum(values, _top(levels))  # a value may have been rounded up
    path = os.path.join(folder, "x.npz")
    np.savez(path, X=np.ascontiguousarray(values))
    return path + ":X"


def bits(X, levels):
    """Return examples as bytes that are 0 or 1: a value is the probability of 1, over levels.

    The draws follow from the example alone, by its hash. So an example has the same bits whatever
    is beside it, and on every machine.
    """
    p = (X.astype(np.float64) / levels).astype("<f4") + np.float32(0)  # no -0
    drawn = (p > 0).astype(np.uint8)
    columns = p.shape[1]
    for i in np.flatnonzero(((p > 0) & (p < 1)).any(axis=1)):
        numbers = np.frombuffer(hashlib.shake_256(p[i].tobytes()).digest(4 * columns), "<u4")
        drawn[i] = numbers < p[i].astype(np.float64) * 2.0**32
    return drawn

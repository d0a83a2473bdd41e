"""A support vector machine that was loaded, checked before compiled code follows its indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from dfbench.models.kept import KeptError


def check_machine(machine: Any, n_classes: int) -> None:
    """Check a fitted ``SVC`` of scikit-learn.

    Parameters
    ----------
    machine
        With an RBF or a precomputed kernel.
    n_classes
        Classes that it was fitted on, or more.

    Raises
    ------
    KeptError
        If sizes do not belong together, or an index leads nowhere.
    """
    try:
        sound = _sound(machine, n_classes)
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise KeptError(f"the machine is not what it must be: {error}") from error
    if not sound:
        raise KeptError("the machine is not what it must be: sizes do not belong together")


def _sound(machine: Any, n_classes: int) -> bool:
    k, (n, width) = len(machine.classes_), machine.shape_fit_
    m, pairs = len(machine.support_), k * (k - 1) // 2
    precomputed = machine.kernel == "precomputed"
    arrays = {
        "support_": (np.int32, (m,)),
        "_n_support": (np.int32, (k,)),
        "_dual_coef_": (np.float64, (k - 1, m)),
        "_intercept_": (np.float64, (pairs,)),
        "support_vectors_": (np.float64, machine.support_vectors_.shape if precomputed
                             else (m, width)),
        "_probA": (np.float64, (0,)),
        "_probB": (np.float64, (0,)),
    }  # fmt: skip
    for name, (dtype, shape) in arrays.items():
        array = getattr(machine, name)
        if type(array) is not np.ndarray or array.dtype != dtype or array.shape != shape:
            return False
    support, counts = machine.support_, machine._n_support
    return bool(
        machine.kernel in ("rbf", "precomputed")
        and machine._sparse is False
        and 2 <= k <= n_classes
        and (not precomputed or n == width)
        and m > 0
        and support.min() >= 0
        and support.max() < n
        and counts.min() >= 0
        and counts.sum() == m
    )

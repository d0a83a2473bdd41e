"""What scikit-learn fitted and was loaded, checked before compiled code follows its indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from dfbench.models.kept import KeptError


def check_machine(machine: Any, n_classes: int) -> None:
    """Check a fitted ``SVC`` or a linear machine over Nystroem features, calibrated or not.

    Parameters
    ----------
    machine
        Of scikit-learn; an ``SVC`` with an RBF or a precomputed kernel.
    n_classes
        Classes that it was fitted on.

    Raises
    ------
    KeptError
        If it is something else, sizes do not belong together, or an index leads nowhere.
    """
    from sklearn.calibration import CalibratedClassifierCV

    try:
        machines = [machine]
        if type(machine) is CalibratedClassifierCV:
            machines = [each.estimator for each in machine.calibrated_classifiers_]
        sound = bool(machines) and all(_sound(each, n_classes) for each in machines)
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise KeptError(f"the machine is not what it must be: {error}") from error
    if not sound:
        raise KeptError("the machine is not what it must be: sizes do not belong together")


def check_neighbours(pipeline: Any, n_classes: int) -> None:
    """Check fitted nearest neighbours behind a scaler or none; otherwise as `check_machine`."""
    try:
        sound = _neighbours_sound(pipeline, n_classes)
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise KeptError(f"the neighbours are not what they must be: {error}") from error
    if not sound:
        raise KeptError("the neighbours are not what they must be: sizes do not belong together")


def _neighbours_sound(pipeline: Any, n_classes: int) -> bool:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    if type(pipeline) is not Pipeline:
        return False
    scaler, neighbours = (step for _, step in pipeline.steps)
    rows, labels = neighbours._fit_X, neighbours._y
    return bool(
        (scaler == "passthrough" or type(scaler) is StandardScaler)
        and type(neighbours) is KNeighborsClassifier
        and neighbours._fit_method == "brute"
        and type(rows) is type(labels) is type(neighbours.classes_) is np.ndarray
        and (rows.dtype, rows.ndim) == (np.float64, 2)
        and np.isfinite(rows).all()
        and (labels.dtype, labels.shape) == (np.int64, (len(rows),))
        and neighbours.classes_.shape == (n_classes,)
        and 1 <= neighbours.n_neighbors <= len(rows)
        and labels.min() >= 0
        and labels.max() < n_classes
    )


def _sound(machine: Any, n_classes: int) -> bool:
    from sklearn.kernel_approximation import Nystroem
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC, LinearSVC

    if type(machine) is Pipeline:  # of matrix products alone
        return [type(step) for _, step in machine.steps] == [Nystroem, LinearSVC]
    return type(machine) is SVC and _svc_sound(machine, n_classes)


def _svc_sound(machine: Any, n_classes: int) -> bool:
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
        and machine._impl == "c_svc"
        and k == n_classes
        and (not precomputed or n == width)
        and m > 0
        and support.min() >= 0
        and support.max() < n
        and counts.min() >= 0
        and counts.sum() == m
    )

"""A pool of opinions that listens to each member more for what it is good at.

The kind of fake of a new image is not known, so that no weight can be chosen by it. What can be
learnt is for which kinds a member's alarm is right: kinds are told apart while weights are fitted,
and a new image is fake as far as it is likely to be of any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Labels, Probabilities

TINY = 1e-6
"""Scores nearer to 0 count as this far: one member must not outvote all by a logarithm."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Targets:
    """What images are told apart by while weights are fitted: classes, or kinds of a class.

    Attributes
    ----------
    names
        Of T targets: of a kind, or of a class where no kind of it is told.
    class_of
        Number of the class of each.
    of
        Target of each image, shape (n,).
    n_classes
        K.
    reference
        Class of two that the other is held against; None where there are more.
    """

    names: list[str]
    class_of: list[int]
    of: Labels
    n_classes: int
    reference: int | None

    @classmethod
    def told(
        cls,
        y: Labels,
        kinds: Sequence[str] | None,
        positive: int | None,
        classes: Sequence[str],
    ) -> Targets:
        """Find them: of two classes the kinds of the positive one, where they are told."""
        n_classes = len(classes)
        reference = (1 - (1 if positive is None else positive)) if n_classes == 2 else None
        known = np.array([""] * len(y) if kinds is None or reference is None else kinds, dtype=str)
        if reference is not None:
            known[y == reference] = ""
        pairs = sorted(set(zip(y.tolist(), known.tolist(), strict=True)))
        number = {pair: at for at, pair in enumerate(pairs)}
        of = np.array([number[pair] for pair in zip(y.tolist(), known.tolist(), strict=True)])
        return cls(
            [kind or classes[k] for k, kind in pairs],
            [k for k, _ in pairs],
            of,
            n_classes,
            reference,
        )


@dataclass(frozen=True)
class Pool:
    """Logarithmic opinion pool with a weight for each member and each kind of fake, or class.

    Of two classes the log odds of a kind against the reference are ``b + sum(w * logit)`` over the
    members; of more, those of a class are the same sum of the members' centred logarithms of its
    probability. Weights are not negative (Breiman, 1996), and drawn to 1 / M: equal ones are the
    pool of all members alike (Genest and Zidek, 1986). Probabilities of the kinds of a class are
    added up.

    Attributes
    ----------
    weights
        Shape (M, T); of the reference they are 0.
    intercepts
        Shape (T,).
    """

    weights: _Floats
    intercepts: _Floats
    names: list[str]
    class_of: list[int]
    n_classes: int
    reference: int | None
    penalty: float
    way: ClassVar[str] = "logarithmic pool"

    def __call__(self, scores: Sequence[Probabilities]) -> Probabilities:
        """Combine the members' scores, each of shape (n, K)."""
        opinions = _opinions(scores, self.class_of, self.reference)
        shares = _softmax(np.einsum("mnt,mt->nt", opinions, self.weights) + self.intercepts)
        return _by_class(shares, self.class_of, self.n_classes)

    def describe(self) -> dict[str, Any]:
        """Give what was fitted, by kind or class."""
        free = [at for at, k in enumerate(self.class_of) if k != self.reference]
        return {
            "penalty": self.penalty,
            "weights_by_kind": {
                self.names[at]: np.round(self.weights[:, at], 6).tolist() for at in free
            },
            "intercepts": np.round(self.intercepts[free], 6).tolist(),
        }

    def state(self) -> dict[str, Any]:
        """Give all that `restored` takes, JSON-able."""
        return {
            "kind": "by-kind",
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "names": self.names,
            "class_of": self.class_of,
            "n_classes": self.n_classes,
            "reference": self.reference,
            "penalty": self.penalty,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Pool:
        """Make it again of its `state`."""
        reference = state["reference"]
        found = cls(
            np.array(state["weights"], dtype=np.float64),
            np.array(state["intercepts"], dtype=np.float64),
            [str(name) for name in state["names"]],
            [int(k) for k in state["class_of"]],
            int(state["n_classes"]),
            None if reference is None else int(reference),
            float(state["penalty"]),
        )
        if found.weights.ndim != 2 or found.weights.shape[1:] != found.intercepts.shape:
            raise ValueError("weights and intercepts do not fit")
        return found


def fit_pool(scores: Sequence[Probabilities], targets: Targets, penalty: float) -> Pool:
    """Fit a pool by the log loss of its targets.

    Parameters
    ----------
    scores
        Of each of M members, shape (n, K).
    targets
        Of the images.
    penalty
        Half of it times the squared distance of the weights from 1 / M is added to the mean loss.

    Returns
    -------
    Pool
        At the minimum, which is the only one: the loss is convex.
    """
    from scipy.optimize import minimize

    opinions = _opinions(scores, targets.class_of, targets.reference)
    n_members, n, n_targets = opinions.shape
    free = np.array([k != targets.reference for k in targets.class_of])
    equal = np.where(free, 1 / n_members, 0.0)
    truth = np.eye(n_targets)[targets.of]

    def loss(x: _Floats) -> tuple[float, _Floats]:
        weights, b = np.zeros((n_members, n_targets)), np.zeros(n_targets)
        weights[:, free], b[free] = x[: -free.sum()].reshape(n_members, -1), x[-free.sum() :]
        shares = _softmax(np.einsum("mnt,mt->nt", opinions, weights) + b)
        off = (shares - truth) / n
        value = -np.log(np.maximum((shares * truth).sum(axis=1), 1e-300)).mean()
        away = weights - equal
        value += penalty / 2 * (away**2).sum()
        slope = np.einsum("mnt,nt->mt", opinions, off) + penalty * away
        return float(value), np.concatenate([slope[:, free].ravel(), off.sum(axis=0)[free]])

    n_free = int(free.sum())
    start = np.concatenate([np.full(n_members * n_free, 1 / n_members), np.zeros(n_free)])
    bounds = [(0.0, None)] * (n_members * n_free) + [(None, None)] * n_free
    options = {"maxiter": 2_000, "ftol": 1e-12, "gtol": 1e-8}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    weights, b = np.zeros((n_members, n_targets)), np.zeros(n_targets)
    weights[:, free], b[free] = found[:-n_free].reshape(n_members, -1), found[-n_free:]
    return Pool(
        weights,
        b,
        targets.names,
        targets.class_of,
        targets.n_classes,
        targets.reference,
        penalty,
    )


def _opinions(
    scores: Sequence[Probabilities], class_of: Sequence[int], reference: int | None
) -> _Floats:
    """Give what each member says for the class of each target, shape (M, n, T)."""
    logs = np.log(np.clip(np.stack(scores), TINY, None))
    if reference is None:
        logs = logs - logs.mean(axis=2, keepdims=True)
    else:
        logs = logs - logs[:, :, [reference]]
    return np.asarray(logs[:, :, list(class_of)])


def _softmax(z: _Floats) -> _Floats:
    found = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _by_class(shares: _Floats, class_of: Sequence[int], n_classes: int) -> Probabilities:
    merged = np.zeros((len(shares), n_classes))
    for at, k in enumerate(class_of):
        merged[:, k] += shares[:, at]
    return merged

"""How the images of a data set were drawn, which decides how far a figure may be off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.sample import Floats


@dataclass(frozen=True)
class Design:
    """How the images of a data set were drawn: what is independent of what.

    Attributes
    ----------
    labels
        Class numbers, shape (n,).
    groups
        Numbers of the groups 0..G-1, shape (n,); None where each image is its own.
    folds
        Number of the fold of each image, shape (n,), where several models scored them, each
        its own; no group lies in two. None where one model did.

    Raises
    ------
    ValueError
        On names where numbers are wanted.
    """

    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None
    folds: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        for what, numbers in (("labels", self.labels), ("groups", self.groups)):
            if numbers is not None and numbers.dtype.kind not in "iub":
                raise ValueError(
                    f"{what} are whole numbers: np.unique({what}, return_inverse=True)[1]"
                )

    @classmethod
    def of(
        cls,
        labels: NDArray[np.integer] | NDArray[np.bool_],
        groups: NDArray[np.integer] | None = None,
        folds: NDArray[np.integer] | None = None,
    ) -> Design:
        """Give the design of images whose ``groups`` are any whole numbers."""
        numbered = None
        if groups is not None:
            numbered = np.unique(groups, return_inverse=True)[1].astype(np.int64, copy=False)
        given = np.asarray(labels)
        numbers = given.astype(np.int64, copy=False) if given.dtype.kind in "iub" else given
        parts = None if folds is None else folds.astype(np.int64, copy=False)
        return cls(numbers, numbered, parts)

    def within(
        self,
        inside: NDArray[np.bool_],
        labels: NDArray[np.integer] | NDArray[np.bool_] | None = None,
    ) -> Design:
        """Give the design of some of the images.

        Parameters
        ----------
        inside
            Which, shape (n,).
        labels
            What all images are one of, shape (n,), where not their class counts: kinds of fake.
        """
        its = self.labels if labels is None else labels
        groups, folds = (
            None if each is None else each[inside] for each in (self.groups, self.folds)
        )
        return Design.of(its[inside], groups, folds)

    @cached_property
    def widening(self) -> float:
        """Factor of standard errors for what models of folds share: their training images.

        The scatter of images does not see it, and no estimate without bias of what it adds to the
        variance exists (Bengio and Grandvalet 2004, JMLR 5). Nadeau and Bengio (2003), "Inference
        for the generalization error", Machine Learning 52, add n2 / n1, tested over trained
        images, to the 1 / K of K folds: with that half as large intervals and tests of stable and
        of unstable detectors hold best what they say, see `benchmarks/intervals.py`.
        """
        if self.folds is None:
            return 1.0
        k = np.unique(self.folds).size
        return math.sqrt(1 + k / (2 * (k - 1))) if k > 1 else 1.0

    @cached_property
    def units(self) -> NDArray[np.int64]:
        """Number of the independent unit (image, or group) of each image, shape (n,)."""
        return np.arange(self.labels.size) if self.groups is None else self.groups

    @cached_property
    def fewest(self) -> int:
        """Fewest units that hold an image of a class."""
        units = self.units
        held = [np.unique(units[self.labels == k]).size for k in np.unique(self.labels)]
        return min(held, default=0)

    @cached_property
    def parts(self) -> NDArray[np.int64]:
        """Number of what each image was scored within, its fold or the whole, shape (n,)."""
        return np.zeros(self.labels.size, dtype=np.int64) if self.folds is None else self.folds

    @cached_property
    def sound(self) -> bool:
        """Whether each class has two units at least, of folds in each that has any of it.

        Else nobody can see how far a figure may be off.
        """
        units, place = self.units, self.parts * (self.labels.max(initial=0) + 1) + self.labels
        held = [np.unique(units[place == each]).size for each in np.unique(place)]
        return min(held, default=0) >= 2

    @cached_property
    def of_one_class(self) -> bool:
        """Whether no unit holds images of two classes, so that classes were drawn apart."""
        units = self.units
        pairs = units * (self.labels.max(initial=0) + 1) + self.labels
        return bool(np.unique(pairs).size == np.unique(units).size)

    @cached_property
    def effective(self) -> float:
        """Number of units of equal size that would tell as much: n^2 over the sum of squares.

        Where classes were drawn apart, that of the class with the fewest. Kish (1965), "Survey
        sampling", section 11.7. Carter, Schnepel and Steigerwald (2017), "Asymptotic behavior of a
        t-test robust to cluster heterogeneity", Review of Economics and Statistics 99: it is what
        counts of unequal groups.
        """
        everything = np.ones(self.labels.size, dtype=np.bool_)
        parts = [self.labels == k for k in np.unique(self.labels)]
        found = []
        for part in parts if self.of_one_class else [everything]:
            sizes = np.bincount(self.units[part]).astype(np.float64)
            found.append(float(sizes.sum() ** 2 / (sizes**2).sum()))
        return min(found, default=0.0)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of a standard error: of groups, their effective number less one."""
        return float("inf") if self.groups is None else max(1.0, self.effective - 1)

    def scatter(self, shares: Floats) -> Floats:
        """Give what the covariance of R rows is the matrix product of: ``S @ S.T``.

        Parameters
        ----------
        shares
            Shape (R, n), shares of images in the errors of figures (`delong.shares`).

        Returns
        -------
        ndarray of shape (R, u), dtype float64
            Sums over units. Where classes were drawn apart the shares are centred in their class.
            What a unit has of a class is scaled by 1 / sqrt(1 - its part of that class), since it
            has moved the figure towards itself (Bell and McCaffrey 2002, "Bias reduction in
            standard errors for linear regression with multi-stage samples", Survey Methodology
            28); for units of equal size that is DeLong's and Obuchowski's m / (m - 1). NaN where
            the design is not `sound`.
        """
        units = self.units
        n_units = int(units.max(initial=-1)) + 1
        if not self.sound:
            return np.full((shares.shape[0], n_units), np.nan)
        out = np.zeros((shares.shape[0], n_units))
        apart = self.of_one_class
        for k in np.unique(self.labels):
            own = self.labels == k
            held = np.bincount(units[own], minlength=n_units)
            found = shares[:, own]
            if apart:
                found = found - found.mean(axis=1, keepdims=True)
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.sqrt(1 / (1 - held / held.sum()))
                # one unit alone holds the class: how far it may be off cannot be seen
                scale[np.isinf(scale)] = np.nan
            for row, values in zip(out, found, strict=True):
                row += scale * np.bincount(units[own], weights=values, minlength=n_units)
        return out * self.widening

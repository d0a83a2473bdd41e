"""The audit of leaks: images of the figures that an earlier part of the data knows already.

A detector that has seen an image, or a copy of it, need not detect anything to be right about it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.audits import leaks_report
from dfbench.benchmark.audits.base import Audit, Finding, Looked
from dfbench.benchmark.audits.copies import Alike, find_alike
from dfbench.benchmark.audits.leaks_found import Leaks, Part, images_of, leaks_of, word
from dfbench.benchmark.audits.leaks_listing import listing
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.copies import VERSION
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.plain import counted
from dfbench.results.board.board import Line
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.suites.datasets.parts import Parts, complete
from dfbench.suites.suite import OnLeak

SHOWN = 3
"""Leaked images that an error names."""
_REMEDY = "to leave the copies out of train, run with --on-leak drop"


class LeakError(DataError):
    """Leaks, where the user asked for none."""


class LeakAudit(Audit[Alike, Leaks]):
    """Copies across parts, splits and classes, and groups that straddle them."""

    name = "leaks"
    word = "leak"
    form = Leaks
    control = "shuffled labels"
    vital = True

    def needs(self) -> Extractor:
        """Give the extractor of the small pictures that copies are found by."""
        return Thumbnail()

    def find(self, looked: Looked) -> Alike:
        """Find the images that are copies of each other."""
        return find_alike(looked)

    def keep(self, found: Alike, looked: Looked) -> Leaks:
        """Give what leaks between the parts of a run."""
        return leaks_of(looked, found)

    def answers(self, kept: Leaks, looked: Looked) -> bool:
        """Whether the same images were looked at in the same way, in the same parts."""
        return (kept.version, kept.images) == (VERSION, images_of(looked))

    def warn(self, kept: Leaks) -> list[str]:
        """Say how many images of the figures, and of those tuned on, leak."""
        return word(kept)

    def remedy(self, found: Alike, looked: Looked) -> str:
        """Name the option of a run that leaves them out of what is trained on."""
        if looked.parts is None or not word(leaks_of(looked, found)):
            return ""
        return f"{_REMEDY.capitalize()}."

    def listing(self, found: Alike, looked: Looked) -> list[Finding]:
        """List copies in other splits or with other labels, and groups in several splits."""
        return listing(looked, found)

    def settle(self, kept: Leaks, looked: Looked, on_leak: OnLeak, reporter: Reporter) -> Parts:
        """Say what leaks, leave it out, or stop.

        Parameters
        ----------
        kept
            What was found.
        looked
            Has the parts.
        on_leak
            ``"warn"`` says so; ``"drop"`` also leaves the copies out of train and tune, never out
            of the images of the figures; ``"stop"`` is an error.
        reporter
            Hears of it.

        Raises
        ------
        LeakError
            If there are leaks and ``on_leak`` is ``"stop"``.
        DataError
            If dropping leaves a part without a class.
        """
        parts, name = looked.parts, looked.dataset.title
        assert parts is not None
        said = "; ".join(self.warn(kept))
        if not said:
            return parts
        if on_leak == "stop":
            raise _error(kept, said)
        if on_leak == "warn":
            reporter.note(f"{name}: {said}; {_REMEDY}")
            return parts
        left = _without(looked, kept)
        gone = len(parts.train) - len(left.train), len(parts.tune) - len(left.tune)
        n = counted(gone[0], "image")
        reporter.note(f"{name}: {said}; left out: {n} of train, {gone[1]:,} of tune")
        try:
            complete(looked.dataset, left)
        except DataError as error:
            hint = 'all of them were dropped; on_leak = "warn" keeps them'
            raise DataError(error.what, hint=hint) from None
        return left

    def explain(self, control: Line, kept: Leaks | None) -> str:
        """Say what a model of shuffled labels above chance means."""
        return (
            f", the mean over {len(control.seeds)} orders of shuffled labels."
            " Something but the labels ties the images of the figures to their class"
        )

    def report(self, read: Read) -> Report:
        """Warn in the tables concerned, and set figures beside those without leaked images."""
        return leaks_report.report(read, self.kept(read))


def _error(kept: Leaks, said: str) -> LeakError:
    named = [leak.image for leak in (*kept.evaluate, *kept.tune)]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return LeakError(
        f"{said}: {', '.join(named[:SHOWN])}{more}",
        where=kept.dataset,
        hint=f"dfbench data check lists them; {_REMEDY}",
    )


def _without(looked: Looked, kept: Leaks) -> Parts:
    """Leave what later parts repeat out of train and tune."""
    paths = looked.dataset.manifest["path"].to_numpy(object)

    def without(rows: NDArray[np.intp], part: Part) -> NDArray[np.intp]:
        return rows[~np.isin(paths[rows], kept.drop.get(part, []))]

    parts = looked.parts
    assert parts is not None
    return replace(parts, train=without(parts.train, "train"), tune=without(parts.tune, "tune"))

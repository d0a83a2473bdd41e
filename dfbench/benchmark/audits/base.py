"""What an audit is: the one interface by which runs, boards and `dfbench data check` know it.

An audit looks for what is wrong with a data set before any row of it is believed. It finds, keeps
what it found in a results folder, warns, and says what takes it away.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from dfbench.benchmark.reading import look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import DataError, OutputError, PluginError, let_stop
from dfbench.features.base import Extractor
from dfbench.features.pipeline.store import identity
from dfbench.features.views.view import PLAIN
from dfbench.registry import AUDITS, Part, Registry
from dfbench.results.board.board import Line
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Control
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts, parts_of
from dfbench.suites.suite import OnLeak

Found = TypeVar("Found")
Kept = TypeVar("Kept", bound=BaseModel)


@dataclass(frozen=True, eq=False)
class Looked:
    """A data set whose files the pass has seen.

    Attributes
    ----------
    dataset
        As loaded.
    faults
        For each line of its manifest why the image cannot be used, "" where it can: shape (n,),
        dtype object.
    parts
        What a run makes of it; None where it can make nothing of it.
    jobs
        Threads.
    """

    dataset: Dataset
    faults: NDArray[np.object_]
    parts: Parts | None
    jobs: int = 1

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Which lines of the manifest can be used, shape (n,)."""
        found: NDArray[np.bool_] = self.faults == ""
        return found


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that makes figures of a data set doubtful.

    Attributes
    ----------
    what
        In a line, with counts.
    cases
        Of each image or group that it is made of: what it is, then one line or two.
    """

    what: str
    cases: list[tuple[str, ...]]


class Audit(ABC, Generic[Found, Kept]):
    """An audit of a data set; it holds nothing.

    Attributes
    ----------
    name
        In the registry, and of its folder in a results folder.
    word
        What lines about it begin with.
    form
        Of what is kept.
    control
        Which control watches for the same in the scores: above chance, it is explained by
        `explain`. Empty where none does.
    vital
        Whether a run must not go on without it.
    """

    name: ClassVar[str]
    word: ClassVar[str]
    form: ClassVar[type[BaseModel]]
    control: ClassVar[Control] = ""
    vital: ClassVar[bool] = False

    def wanted(self, controls: Collection[Control]) -> bool:
        """Whether a run with these controls among its rows looks for it."""
        return self.vital or not self.control or self.control in controls

    def needs(self) -> Extractor | None:
        """Give the extractor whose vectors must be in the store before `find`.

        None, as by default, where the manifest tells enough: such an audit also looks where
        nothing is left to run.
        """
        return None

    @abstractmethod
    def find(self, looked: Looked) -> Found:
        """Look for all that is wrong."""

    @abstractmethod
    def keep(self, found: Found, looked: Looked) -> Kept:
        """Give what a results folder keeps of what was found; ``looked`` has parts."""

    def answers(self, kept: Kept, looked: Looked) -> bool:
        """Whether what an earlier run kept is about what is looked at now."""
        return True

    @abstractmethod
    def warn(self, kept: Kept) -> list[str]:
        """Say what was found, a phrase each; nothing where nothing is wrong."""

    @abstractmethod
    def remedy(self, found: Found, looked: Looked) -> str:
        """Say what takes it away; empty where there is nothing to take away."""

    @abstractmethod
    def listing(self, found: Found, looked: Looked) -> list[Finding]:
        """List all that was found, for somebody who looks at the data."""

    def settle(self, kept: Kept, looked: Looked, on_leak: OnLeak, reporter: Reporter) -> Parts:
        """Do in a run what the suite asks to be done about it, and give the parts to run with.

        By default it is said and nothing else.
        """
        assert looked.parts is not None
        for line in self.warn(kept):
            reporter.note(f"{looked.dataset.name}: {line}")
        return looked.parts

    def explain(self, control: Line, kept: Kept | None) -> str:
        """Say why its control may be above chance; ``kept`` is None where nothing was."""
        return ""

    def report(self, read: Read) -> Report:
        """Lay out what a board says of it beside the figures."""
        return Report()

    def kept(self, read: Read) -> dict[str, Kept]:
        """Give what was kept of each data set; nothing of one whose rows are of several states."""
        found: dict[str, Kept] = {}
        for table in read.tables:
            lines = table.measured or table.missing
            states = {line.fingerprint for line in lines if line.fingerprint}
            each: list[Any] = [
                read.findings(table.dataset, self.name, s, self.form) for s in states
            ]
            if len(each) == 1 and each[0] is not None:
                found[table.dataset] = each[0]
        return found

    def look(self, looked: Looked, folder: ResultsFolder) -> Kept:
        """Give what is kept of a data set that has parts, found anew where that is not there.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        fingerprint = looked.dataset.fingerprint
        try:
            kept: Any = folder.read_findings(self.name, fingerprint, self.form)
        except OutputError:
            kept = None
        if kept is None or not self.answers(kept, looked):
            kept = self.keep(self.find(looked), looked)
            folder.write_findings(self.name, fingerprint, kept)
        found: Kept = kept
        return found


Failed = Callable[[PluginError, bool], None]
"""Hears why an audit of another package does not look, and whether it is vital."""


@dataclass(frozen=True)
class Ready:
    """An audit that can be asked to look.

    Attributes
    ----------
    part
        Whence it is.
    audit
        The audit.
    extractor
        That it needs; None where it needs none.
    """

    part: Part
    audit: Audit[Any, Any]
    extractor: Extractor | None

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Blame it for all that is raised, where another package brings it.

        Raises
        ------
        PluginError
            With its name and owner.
        """
        with _blamed(self.part):
            yield


def audits(
    failed: Failed, wanted: Callable[[Audit[Any, Any]], bool] = lambda audit: True
) -> list[Ready]:
    """Give every audit that is wanted and can look; ``failed`` hears of those that cannot."""
    found = []
    for part in Registry(AUDITS):
        vital = False
        try:
            with _blamed(part):
                audit = _made(part)
                if wanted(audit):
                    vital = audit.vital
                    found.append(Ready(part, audit, _needed(audit)))
        except PluginError as error:
            failed(error, vital)
    return found


def _made(part: Part) -> Audit[Any, Any]:
    audit: Audit[Any, Any] = part.load()()
    return audit


def _needed(audit: Audit[Any, Any]) -> Extractor | None:
    extractor: object = audit.needs()
    if extractor is None:
        return None
    if not isinstance(extractor, Extractor):
        raise TypeError(f"needs {extractor!r}, which is no Extractor")
    identity(extractor, PLAIN)  # what it cannot be told by shows here
    return extractor


@contextmanager
def _blamed(part: Part) -> Iterator[None]:
    if part.built_in:
        yield
        return
    try:
        yield
    except BaseException as error:
        let_stop(error)
        if isinstance(error, PluginError) and error.where == part.where:
            raise
        raise part.broken(error) from error


def examine(
    dataset: Dataset, *, jobs: int, reporter: Reporter
) -> Iterator[tuple[Audit[Any, Any], list[Finding], str]]:
    """Look at a data set without running anything on it.

    An audit of another package that breaks is noted, and left out.

    Yields
    ------
    audit, findings, remedy
        One after the other.

    Raises
    ------
    DfbenchError
        If a file vanishes or changes on the way, or cannot be normalised.
    """

    def failed(error: PluginError, vital: bool) -> None:
        reporter.note(f"{dataset.name}: {error}")

    found = audits(failed)
    needing = [ready for ready in found if ready.extractor is not None]
    extractors = [ready.extractor for ready in needing if ready.extractor is not None]
    outcome, faults = look_at(dataset, extractors, jobs=jobs, reporter=reporter)
    errors = {needing[place].audit.name: error for place, error in outcome.failed.items()}
    looked = Looked(dataset, faults, _parts(dataset, faults), jobs)
    for ready in found:
        try:
            with ready.blamed():
                if ready.audit.name in errors:
                    raise errors[ready.audit.name]
                examined = _examined(ready.audit, looked)
        except PluginError as error:
            failed(error, ready.audit.vital)
        else:
            yield examined


def _examined(audit: Audit[Any, Any], looked: Looked) -> tuple[Audit[Any, Any], list[Finding], str]:
    found = audit.find(looked)
    findings = audit.listing(found, looked)
    remedy: object = audit.remedy(found, looked)
    if not isinstance(remedy, str):
        raise TypeError(f"remedy gives {remedy!r}, no text")
    for each in findings:
        texts = [each.what, *(text for case in each.cases for text in case)]
        if not all(isinstance(text, str) for text in texts) or not all(each.cases):
            raise TypeError(f"listing gives what is no text: {each!r}")
    return audit, findings, remedy


def _parts(dataset: Dataset, faults: NDArray[np.object_]) -> Parts | None:
    try:
        return parts_of(dataset, faults == "")
    except DataError:  # nothing can be run on it; what it holds can be looked at all the same
        return None

"""The audit of the reading: how a folder was taken for a data set, and what could not be read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from dfbench.benchmark.audits.base import Audit, Finding, Looked
from dfbench.benchmark.reporter import Reporter
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.results.document import wording
from dfbench.suites.datasets.parts import Parts
from dfbench.suites.suite import OnLeak


class Reading(BaseModel):
    """How a data set was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reading: str = ""
    """In a line; empty where a card says how."""
    warnings: list[str] = []
    """What about it may mislead, a sentence each."""
    images: int = 0
    """Of the data set, readable or not."""
    normalised: str = ""
    """What images are made into first, in words; empty where they are not."""


class ReadingAudit(Audit[Reading, Reading]):
    """What was taken for classes, kinds and groups, and what about that may mislead."""

    name = "reading"
    word = "reading"
    form = Reading

    def find(self, looked: Looked) -> Reading:
        """Take what loading the data set told."""
        dataset = looked.dataset
        return Reading(
            reading=dataset.reading,
            warnings=[line.rstrip(".") for line in dataset.warnings],
            images=len(dataset.manifest),
            normalised=str(dataset.card.normalise or ""),
        )

    def keep(self, found: Reading, looked: Looked) -> Reading:
        """Keep all of it."""
        return found

    def answers(self, kept: Reading, looked: Looked) -> bool:
        """Say no: the same images may have been found in another way before."""
        return False

    def warn(self, kept: Reading) -> list[str]:
        """Say what may mislead."""
        return list(kept.warnings)

    def settle(self, kept: Reading, looked: Looked, on_leak: OnLeak, reporter: Reporter) -> Parts:
        """Say nothing: it was said when the run was planned."""
        assert looked.parts is not None
        return looked.parts

    def remedy(self, found: Reading, looked: Looked) -> str:
        """Name the way to have it read otherwise."""
        if not found.reading or not found.warnings:
            return ""
        return "dfbench data init FOLDER writes a card, where it can be said how to read it."

    def listing(self, found: Reading, looked: Looked) -> list[Finding]:
        """Say how it was read, then what may mislead."""
        said = [f"read as: {found.reading}"] if found.reading else []
        return [Finding(line, []) for line in (*said, *found.warnings)]

    def report(self, read: Read) -> Report:
        """Say above each table how its data set was read, what it is made into, and what is not."""
        warnings, notes = {}, {}
        states = {table.dataset: table.measured or table.missing for table in read.tables}
        for name, kept in self.kept(read).items():
            said = [f"read as: {kept.reading}"] if kept.reading else []
            if kept.normalised:
                said.append(f"images are normalised: {kept.normalised}")
            fingerprint = states[name][0].fingerprint
            if unreadable := max(line.n_left_out for line in states[name]):
                where = read.out.unreadable_file(fingerprint).relative_to(read.out.path)
                are = "is" if unreadable == 1 else "are"
                said.append(
                    f"{wording.count(unreadable)} of {wording.count(kept.images)} images cannot be"
                    f" read and {are} left out: {where} names each and says why"
                )
            warnings[name], notes[name] = self.warn(kept), said
        return Report(warnings=warnings, notes=notes)

"""The audit of proportion: what the numbers of a data set cannot carry.

Figures have intervals, but a table looks the same of three images as of three thousand.
"""

from __future__ import annotations

from dfbench.benchmark.audits.base import Audit, Finding, Looked
from dfbench.benchmark.audits.proportion_found import Proportion, proportion_of, repeated, word
from dfbench.results.board.divisions import first_of, said_of
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report


class ProportionAudit(Audit[Proportion, Proportion]):
    """Few images, few different ones, uneven classes, and kinds of fakes that a part lacks."""

    name = "proportion"
    word = "proportion"
    form = Proportion

    def find(self, looked: Looked) -> Proportion:
        """Count what each part of a run has; each split, where no run can be made of the data."""
        return proportion_of(looked)

    def keep(self, found: Proportion, looked: Looked) -> Proportion:
        """Keep all counts."""
        return found

    def answers(self, kept: Proportion, looked: Looked) -> bool:
        """Say no: counting takes no time, and which files can be read may have changed."""
        return False

    def warn(self, kept: Proportion) -> list[str]:
        """Say what makes figures all but void."""
        return [said.text for said in word(kept) if said.strong]

    def remedy(self, found: Proportion, looked: Looked) -> str:
        """Give nothing: only other images help."""
        return ""

    def listing(self, found: Proportion, looked: Looked) -> list[Finding]:
        """List all of it; of classes that few files fill, those that lie there most often."""
        return [
            Finding(said.text, repeated(looked, *said.repeats) if said.repeats else [])
            for said in word(found)
        ]

    def report(self, read: Read) -> Report:
        """Say it above each table: warn where figures are all but void, else note it."""
        warnings, notes = {}, {}
        of = {table.dataset: first_of(table) for table in read.tables}
        for name, kept in self.kept(read).items():
            # of folds all images were counted
            first = "" if of[name].startswith("fold") else of[name]
            warnings[name] = said_of(first, self.warn(kept))
            notes[name] = said_of(first, [said.text for said in word(kept) if not said.strong])
        return Report(warnings=warnings, notes=notes)

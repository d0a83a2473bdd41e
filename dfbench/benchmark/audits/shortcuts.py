"""The audit of shortcuts: whether files tell the classes apart before anyone looks at a pixel.

Detectors learn such differences and seem to work: JPEG and size biases of GenImage were worth more
than 11 points of accuracy across generators (Grommelt et al., arXiv 2403.17608).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from dfbench.benchmark.audits.base import Audit, Finding, Looked
from dfbench.benchmark.audits.shortcuts_found import (
    KeptShortcut,
    KeptShortcuts,
    Shortcuts,
    clearest,
    remedy,
    telling,
    word,
)
from dfbench.benchmark.view import view_of
from dfbench.features.base import Extractor
from dfbench.features.extractors.metadata import Metadata
from dfbench.features.pipeline.store import identity, load_features
from dfbench.results.board.board import Line
from dfbench.results.board.divisions import first_of, said_of
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.results.records.records import Control
from dfbench.suites.datasets.cards.writing import normalise_toml


class ShortcutAudit(Audit[Shortcuts, KeptShortcuts]):
    """Facts about files, such as size or JPEG tables, that tell the classes apart."""

    name = "shortcuts"
    word = "shortcut"
    form = KeptShortcuts
    control = "no pixels"

    def wanted(self, controls: Collection[Control]) -> bool:
        """Say yes: a run without the control says nothing else of what files give away."""
        return True

    def needs(self) -> Extractor:
        """Give the extractor that reads what files say of themselves."""
        return Metadata()

    def find(self, looked: Looked) -> Shortcuts:
        """Hold what the files of the train split show against their classes.

        Files are taken as extractors see them: after the card's ``[normalise]``.
        """
        extractor, dataset = Metadata(), looked.dataset
        manifest = dataset.manifest
        used = looked.readable & (manifest["split"] == "train") & (manifest["label"] >= 0)
        chosen = manifest[used]
        if chosen.empty:
            return Shortcuts([], None)
        values = load_features(identity(extractor, view_of(dataset)), chosen["sha256"].tolist())
        names = [str(name) for name in extractor.get_feature_names_out()]
        labels = chosen["label"].to_numpy(np.int64)
        positive = dataset.positive_index
        asked = range(len(dataset.classes)) if positive is None else [positive]
        found = telling(values, names, labels, list(asked))
        return Shortcuts(found, remedy(found, values, names, dataset.card.normalise))

    def keep(self, found: Shortcuts, looked: Looked) -> KeptShortcuts:
        """Give the clearest fact of each group."""
        return clearest(found.found)

    def answers(self, kept: KeptShortcuts, looked: Looked) -> bool:
        """Say no: finding them takes no time, and which files can be read may have changed."""
        return False

    def warn(self, kept: KeptShortcuts) -> list[str]:
        """Name what differs between the files of the classes, but for their content."""
        written = [each for each in kept.found if each.group != "content"]
        return [f"files of the classes differ in {_named(written)}"] if written else []

    def remedy(self, found: Shortcuts, looked: Looked) -> str:
        """Give the section of the card that makes all files alike, ready to be pasted."""
        said = []
        if found.remedy is not None:
            said += [
                "A detector may learn these instead of the images. To make all files alike, put"
                " this into the card\n(of a folder without one, dfbench data init FOLDER writes"
                " it):\n",
                normalise_toml(found.remedy),
            ]
        if any(shortcut.group == "content" for shortcut in found.found):
            said.append(
                "Bytes reflect what an image shows as well: no normalising takes that away."
            )
        return "\n".join(said)

    def listing(self, found: Shortcuts, looked: Looked) -> list[Finding]:
        """Give a line for each group of facts."""
        return [Finding(line, []) for line in word(found.found, looked.dataset.classes)]

    def report(self, read: Read) -> Report:
        """Warn where no control was run whose figure would tell what the files give away."""
        warnings = {}
        of = {table.dataset: first_of(table) for table in read.tables}
        watched = {
            table.dataset
            for table in read.tables
            if any(line.control == self.control for line in table.controls)
        }
        for name, kept in self.kept(read).items():
            if name not in watched and self.warn(kept):
                warnings[name] = said_of(of[name], [f"{self.word}: {why(kept)}"])
        return Report(warnings=warnings)

    def explain(self, control: Line, kept: KeptShortcuts | None) -> str:
        """Say what a model that never sees a pixel goes by."""
        return f" without seeing a pixel. {why(kept)}"


_REMEDY = "`dfbench data check` offers a [normalise] for the card that takes this away"


def why(of: KeptShortcuts | None) -> str:
    """Say which facts about files tell the classes apart, and what can be done.

    Parameters
    ----------
    of
        As found on the train split; None where nothing was kept.

    Examples
    --------
    >>> width = KeptShortcut(group="size", name="width", auc=0.98)
    >>> why(KeptShortcuts(found=[width])).partition(", and")[0]
    'Files of the classes differ in size (width, AUC 0.98)'
    """
    if of is None:
        return (
            "Files of the classes differ in size, format or compression, and any row may owe its"
            " figure to that (`dfbench data check` names what differs)"
        )
    written = [each for each in of.found if each.group != "content"]
    content = [each for each in of.found if each.group == "content"]
    if written:
        said = (
            f"Files of the classes differ in {_named(written)}, and any row may owe its figure to"
            f" that; {_REMEDY}"
        )
        return said + (f", but for {_bytes(content)}" if content else "")
    if content:
        return (
            "Size, format, JPEG tables and EXIF tell nothing; what does are"
            f" {_bytes(content)}: this need be no shortcut, and no normalising takes it away"
        )
    return (
        "No fact about the files tells the classes apart alone; several together do, and any row"
        " may owe its figure to them"
    )


def _bytes(content: Sequence[KeptShortcut]) -> str:
    [only] = content
    return f"bytes ({only.name}, AUC {only.auc:.2f}), which reflect what an image shows as well"


def _named(found: Sequence[KeptShortcut]) -> str:
    parts = [f"{each.group} ({each.name}, AUC {each.auc:.2f})" for each in found]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

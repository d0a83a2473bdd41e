"""Where everything lies in a results folder.

OUT/run.json                   the places on the board: which cell stands for which row
OUT/cells/<cell>.json          record of a finished cell
OUT/cells/<cell>.parquet       its scores, one line an image
OUT/cells/<cell>.default.parquet
the same by the model with its default parameters
OUT/cells/<cell>.tune.parquet, OUT/cells/<cell>.unlabelled.parquet
the same of the tuning split, and of a test split without labels
OUT/probes.json                which other images models were asked to score
OUT/cells/<cell>.<evaluation>.json, .parquet
what came of such an evaluation, and its scores
OUT/leaks/<fingerprint>.json, OUT/shortcuts/<fingerprint>.json
what audits found in a data set
OUT/unreadable/<fingerprint>.csv
images of a data set that cannot be read, and why
OUT/made.json                  how it was made
OUT/board/board.json, state.json, written.json
what the board came to, as of which files, and what was written
of it: may be removed at any time
OUT/studies/, OUT/checkpoints/, OUT/logs/
what an interrupted cell goes on from, and why one broke
OUT/parts/                     which images are fitted and scored on; there while a run is
OUT/models/<cell>.dfb          its fitted model, see `dfbench.detectors.archive`
OUT/figures/                   pictures
OUT/leaderboard.*, OUT/figures.csv, OUT/protocols.*, OUT/report.html
the board in its forms

OUT/index.json                 which files there are, and the checksum of each: written last
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dfbench.errors import OutputError
from dfbench.results.records.records import Part

_TAKEN = frozenset(
    {"cells", "studies", "checkpoints", "logs", "figures", "unreadable", "models", "parts", "board"}
)


_OWN = re.compile(
    r"(run|probes|made|index)\.json|report\.html|(leaderboard|protocols|figures)\.[a-z]+"
    r"|cells/[A-Za-z0-9_-]+(\.[a-z0-9]+)?\.(json|parquet)"
    r"|(?!cells/)[A-Za-z0-9_-]+/[A-Za-z0-9_-]+\.json"  # what audits found
    r"|unreadable/[A-Za-z0-9_-]+\.csv|models/[A-Za-z0-9_-]+\.dfb"
    r"|figures/([A-Za-z0-9_-]+/)?[A-Za-z0-9_.-]+\.png"
)
"""Names of the files that a results folder is kept for, as above."""


def _checked(name: str, what: str = "cell") -> str:
    # a name comes from a file: it must not lead out of the folder
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise OutputError(f"not the name of a {what}: {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class Places:
    """The path of every file in a results folder, and which there are.

    Attributes
    ----------
    path
        The folder; made where it is absent when something is written.
    """

    path: Path

    @property
    def entries_file(self) -> Path:
        """List of the entries."""
        return self.path / "run.json"

    @property
    def lock(self) -> Path:
        """What a run owns while it is at work, see `dfbench.files.owned`."""
        return self.path / "run"

    @property
    def asked_file(self) -> Path:
        """List of the evaluations that protocols asked for."""
        return self.path / "probes.json"

    @property
    def index_file(self) -> Path:
        """Which files there are, see `dfbench.results.records.inventory`."""
        return self.path / "index.json"

    @property
    def provenance_file(self) -> Path:
        """List of the commands that wrote here."""
        return self.path / "made.json"

    @property
    def report_file(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def record_file(self, cell: str) -> Path:
        """Record of a cell."""
        return self.path / "cells" / f"{_checked(cell)}.json"

    def scores_file(self, cell: str, part: Part = "evaluate") -> Path:
        """Per-image scores of a cell."""
        name = "parquet" if part == "evaluate" else f"{part}.parquet"
        return self.path / "cells" / f"{_checked(cell)}.{name}"

    def evaluation_file(self, cell: str, evaluation: str) -> Path:
        """Record of an evaluation."""
        if not re.fullmatch(r"[0-9a-f]+", evaluation):
            raise OutputError(f"not the name of an evaluation: {evaluation!r}")
        return self.path / "cells" / f"{_checked(cell)}.{evaluation}.json"

    def evaluated_file(self, cell: str, evaluation: str) -> Path:
        """Per-image scores of an evaluation."""
        return self.evaluation_file(cell, evaluation).with_suffix(".parquet")

    def findings_file(self, audit: str, fingerprint: str) -> Path:
        """Place of what an audit found in a data set."""
        if audit in _TAKEN:
            raise OutputError(f"no name for an audit, the folder is taken: {audit!r}")
        return self.path / _checked(audit, "audit") / f"{_checked(fingerprint, 'data set')}.json"

    def unreadable_file(self, fingerprint: str) -> Path:
        """List of the images of a data set that cannot be read."""
        return self.path / "unreadable" / f"{_checked(fingerprint, 'data set')}.csv"

    def study_file(self, study: str) -> Path:
        """Trials of a study, which cells that differ by their budget alone share."""
        return self.path / "studies" / f"{_checked(study, 'study')}.log"

    def checkpoints(self, study: str) -> Path:
        """Folder of the states that trainings of a study go on from."""
        return self.path / "checkpoints" / _checked(study, "study")

    @property
    def parts(self) -> Path:
        """Folder of what workers read about the images of each part."""
        return self.path / "parts"

    def log_file(self, cell: str) -> Path:
        """Traceback of what a cell broke on."""
        return self.path / "logs" / f"{_checked(cell)}.txt"

    @property
    def models(self) -> Path:
        """Folder of the fitted models."""
        return self.path / "models"

    def model_file(self, cell: str) -> Path:
        """Fitted model of a cell."""
        return self.models / f"{_checked(cell)}.dfb"

    def name(self, path: Path) -> str:
        """Give the name of a file relative to the folder."""
        return path.relative_to(self.path).as_posix()

    def kept_models(self) -> dict[str, int]:
        """Give the bytes of each fitted model that is kept, by cell."""
        return {path.stem: path.stat().st_size for path in sorted(self.models.glob("*.dfb"))}

    def picture_file(self, cell: str, name: str) -> Path:
        """Picture of a cell."""
        return self.path / "figures" / _checked(cell) / f"{name}.png"

    def overview_file(self, fingerprint: str) -> Path:
        """Picture of a data set."""
        return self.path / "figures" / f"data-{fingerprint[:16]}.png"

    def chart_file(self, name: str) -> Path:
        """Picture of the board."""
        return self.path / "figures" / f"{name}.png"

    def leaderboard_file(self, form: str) -> Path:
        """Board in a form."""
        return self.path / f"leaderboard.{form}"

    @property
    def figures_file(self) -> Path:
        """All figures, one a line; ``leaderboard.parquet`` holds the same."""
        return self.path / "figures.csv"

    def protocols_file(self, form: str) -> Path:
        """Figures of protocols in a form."""
        return self.path / f"protocols.{form}"

    def files_of(self, cell: str) -> list[Path]:
        """List what is there of a cell: record, scores, evaluations, model, pictures."""
        own = [
            path
            for path in (self.path / "cells").glob(f"{_checked(cell)}.*")
            if path.name.partition(".")[0] == cell
        ]
        pictures = (self.path / "figures" / cell).glob("*.png")
        return sorted([*own, *filter(Path.is_file, [self.model_file(cell)]), *pictures])

    def files_of_data(self, fingerprints: Iterable[str]) -> list[Path]:
        """List what is there of data sets: unreadable images, what audits found, pictures."""
        known = frozenset(fingerprints)
        found = [path for path in self.path.glob("*/*") if path.stem in known]
        overviews = map(self.overview_file, known)
        return sorted([*found, *filter(Path.is_file, overviews)])

    def is_own(self, name: str) -> bool:
        """Whether a file of this name, relative to the folder, may be one that dfbench wrote."""
        return _OWN.fullmatch(name) is not None

    # --- the board as it was ------------------------------------------------------------------

    @property
    def board_file(self) -> Path:
        """What the board came to."""
        return self.path / "board" / "board.json"

    @property
    def state_file(self) -> Path:
        """As of which files, see `dfbench.results.records.state`."""
        return self.path / "board" / "state.json"

    @property
    def written_file(self) -> Path:
        """Which files were written of it, see `dfbench.results.records.written`."""
        return self.path / "board" / "written.json"

    def board_inputs(self, audits: Iterable[str]) -> list[str]:
        """List what a board is computed from: names relative to the folder.

        These are all files of cells and of what these audits found, beside the lists of entries and
        of evaluations.
        """
        found = [each.name for each in (self.entries_file, self.asked_file) if each.exists()]
        for folder in ("cells", *audits):
            try:
                # a hidden one is being written
                names = [name for name in os.listdir(self.path / folder) if name[0] != "."]  # noqa: PTH208 - names alone
            except OSError:
                continue
            found += [f"{folder}/{name}" for name in sorted(names)]
        return found

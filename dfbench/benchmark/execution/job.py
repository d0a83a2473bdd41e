"""What is handed to a worker process, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dfbench.benchmark.execution.images import Images
from dfbench.detectors.keeping import Keeping
from dfbench.features.base import Extractor
from dfbench.features.internal.square import Square
from dfbench.features.pipeline.store import identity as feature_identity
from dfbench.features.views.view import View
from dfbench.models.held import MOST
from dfbench.models.selection.space import Space
from dfbench.results.records.folder import ResultsFolder


@dataclass(frozen=True)
class Table:
    """A table of the feature store: what an extractor makes of each image in a view.

    Attributes
    ----------
    identity, dtype
        As the store knows it.
    side
        Of the square images that it holds, in pixels; None where it holds features.
    title
        What people call the family of these features.
    """

    identity: dict[str, Any]
    dtype: str
    side: int | None
    title: str

    @classmethod
    def of(cls, extractor: Extractor, view: View) -> Table:
        """Give the table of an extractor's values."""
        side = extractor.size if isinstance(extractor, Square) else None
        return cls(feature_identity(extractor, view), extractor.dtype, side, extractor.title)


@dataclass(frozen=True)
class Copies:
    """Changed copies of images that a model is fitted and tuned on.

    Attributes
    ----------
    tables
        Of their features, in the order of the columns.
    train, tune
        The images of these parts that have a copy of this view.
    """

    tables: list[Table]
    train: Images
    tune: Images


@dataclass(frozen=True)
class EvaluationJob:
    """Other images that the fitted model scores.

    Attributes
    ----------
    record
        What is known of its record before.
    tables
        Of their features, in the order of the columns.
    images
        With the class numbers of the cell.
    """

    record: dict[str, Any]
    tables: list[Table]
    images: Images


@dataclass(frozen=True)
class Job:
    """All that a worker needs for a cell, as plain data.

    Attributes
    ----------
    root
        Folder of the images.
    record
        The cell's record as far as it is known before.
    study
        Where the trials are kept. Cells that differ by their budget alone share them.
    checkpoints
        Where trainings keep their state.
    tables
        Of features, in the order of the columns.
    space
        What is open of the model's parameters.
    tune_for
        Figure of the tuning split that parameters are chosen by.
    refit
        Whether the model is fitted on train and tuning part together once parameters are chosen.
    parameters_of
        Cell whose parameters are taken over once it has run; empty for none.
    figures
        What is drawn.
    timeout
        Seconds after which it is given up.
    seconds_per_image
        Reading, decoding and extracting, as measured when it was done.
    copies
        By view, what joins the training and the tuning part.
    evaluations
        What the model scores after that.
    finished
        Whether the cell has its record: its model is then taken from what was kept of it, or
        fitted once more, for the evaluations or to be kept.
    keeping
        What is kept beside the fitted model; None where it is not kept.
    plugins
        Files that may declare the model.
    memory
        Bytes that the worker is expected to hold at the peak.
    held
        Bytes that the model may hold to save time, see `dfbench.models.held`.
    less
        What ``memory`` would be under lower bounds: pairs of both, the largest first.
    """

    out: ResultsFolder
    root: Path
    record: dict[str, Any]
    study: Path
    checkpoints: Path
    model: str
    tables: list[Table]
    space: Space
    train: Images
    tune: Images
    evaluate: Images
    unlabelled: Images
    figures: list[str]
    trials: int
    seconds: float
    device: str
    n_threads: int
    timeout: float
    seconds_per_image: float
    tune_for: str = "roc_auc"
    refit: bool = False
    parameters_of: str = ""
    copies: tuple[Copies, ...] = ()
    evaluations: list[EvaluationJob] = field(default_factory=list)
    finished: bool = False
    keeping: Keeping | None = None
    plugins: tuple[Path, ...] = ()
    memory: int = 0
    held: int = MOST
    less: tuple[tuple[int, int], ...] = ()

    @property
    def sees_images(self) -> bool:
        """Whether its model is a network that is given images."""
        return any(table.side is not None for table in self.tables)

    @property
    def n_fitted(self) -> int:
        """Number of rows that its model is fitted on."""
        return len(self.train) + sum(len(its.train) for its in self.copies)

    @property
    def kept(self) -> Path:
        """Where the fitted model is kept."""
        return self.out.model_file(self.record["cell"])

    @property
    def log(self) -> Path:
        """Where the traceback of a failure goes."""
        return self.out.log_file(self.record["cell"])

    @property
    def status(self) -> Path:
        """Where the worker says how far it is."""
        return self.checkpoints / "status"

"""Draws what people look at beside the figures: of each cell, and of each data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dfbench.benchmark.execution.inputs import load_inputs, vectors_of
from dfbench.benchmark.execution.job import Images, Job
from dfbench.errors import ImageError
from dfbench.images import Image, decode
from dfbench.models.base import Both, Model
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.results.statistics.sample import decide
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset

if TYPE_CHECKING:
    from dfbench.benchmark.execution.session import Session
    from dfbench.results.figures.base import Title

_EXAMPLES = 5
_SAMPLES = 6


def title_of(record: Record) -> Title:
    """Say whose figure it is."""
    from dfbench.results.figures.base import Title

    return Title(record.dataset, record.row, record.n_test, record.split)


def try_cell(session: Session, record: Record) -> None:
    """Draw what the files of a cell suffice for; a figure that cannot be drawn costs no result."""
    # of rows, not of their subsets, nor of what learns nothing
    if record.status == "ok" and not record.variant and record.control != "shuffled labels":
        what = f"{record.dataset} {record.row}"
        _try(session, what, lambda: draw_stored(session.out, record, session.settings.figures))


def try_overview(session: Session, dataset: Dataset) -> None:
    """Draw what a data set holds, where anything is to be drawn; an error costs no result."""
    if session.settings.figures:
        _try(session, dataset.name, lambda: draw_overview(dataset, session.out))


def _try(session: Session, what: str, draw: Callable[[], None]) -> None:
    try:
        draw()
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
        name = type(error).__name__
        session.reporter.note(f"{what}: a figure could not be drawn: {name}: {error}")


def draw_stored(out: ResultsFolder, record: Record, wanted: Sequence[str]) -> None:
    """Draw what a finished cell's files suffice for, where it is not there yet."""
    from dfbench.results.figures import base, scores, training

    def draw(name: str, make: Callable[[], Any]) -> None:
        path = out.picture_file(record.cell, name)
        if not path.exists() and (figure := make()) is not None:
            base.save(figure, path)

    title = title_of(record)
    if "scores" in wanted:
        found = out.read_scores(record)
        draw(
            "scores",
            lambda: scores.panel(
                found.labels,
                found.probabilities,
                classes=record.classes,
                positive=record.positive,
                threshold=record.threshold,
                title=title,
            ),
        )
    if "training" in wanted and record.history:
        tuned = base.Title(record.dataset, record.row, record.n_tune, "tuning")
        draw("training", lambda: training.curves(record.history, title=tuned))
        draw(
            "confusions",
            lambda: training.confusions(record.history, classes=record.classes, title=tuned),
        )


def draw_model(job: Job, record: Record, model: Model) -> None:
    """Draw all that is wanted of a cell whose model is at hand."""
    from dfbench.results.figures import base, cam, embedding, examples

    draw_stored(job.out, record, job.figures)
    wanted = set(job.figures) & {"examples", "cam", "tsne"}
    if not wanted:
        return
    found = job.out.read_scores(record)
    title = title_of(record)

    def save(name: str, figure: Any) -> None:
        base.save(figure, job.out.picture_file(record.cell, name))

    rows = examples.most_confident(
        found.labels, found.probabilities, record.positive, record.threshold, _EXAMPLES
    )
    said = decide(found.probabilities, positive=record.positive, threshold=record.threshold)
    shown: dict[str, Any] = {
        "true": [int(found.labels[row]) for row in rows],
        "predicted": [int(said[row]) for row in rows],
        "confidence": [float(found.probabilities[row, said[row]]) for row in rows],
        "classes": record.classes,
        "title": title,
    }
    if "examples" in wanted:
        pictures = [decode((job.root / found.images[row]).read_bytes()) for row in rows]
        save("examples", examples.examples(pictures, **shown))
    if "cam" in wanted:
        inputs = load_inputs(job, _chosen(job.evaluate, rows), type(model))
        heat = model.cams(inputs, said[rows])
        if heat is not None:
            pictures = list(inputs.images if isinstance(inputs, Both) else inputs)
            save("cam", cam.maps(pictures, heat, **shown))
    if "tsne" in wanted:
        inputs = load_inputs(job, job.evaluate, type(model))
        vectors = vectors_of(inputs) if model.inputs == "features" else model.embed(inputs)
        if vectors is not None and len(vectors) > 3:
            places, points = embedding.tsne(vectors, record.seed)
            figure = embedding.scatter(
                points, found.labels[places], classes=record.classes, title=title
            )
            save("tsne", figure)


def _chosen(images: Images, rows: Sequence[int]) -> Images:
    return Images(
        keys=[images.keys[row] for row in rows],
        labels=[images.labels[row] for row in rows],
        paths=[images.paths[row] for row in rows],
        groups=[images.groups[row] for row in rows],
        kinds=[images.kinds[row] for row in rows] if images.kinds else [],
    )


def draw_overview(dataset: Dataset, out: ResultsFolder) -> None:
    """Draw what a data set holds, where it is not there yet."""
    from dfbench.results.figures import base, data

    path = out.overview_file(dataset.fingerprint)
    if path.exists():
        return
    manifest = dataset.manifest[dataset.manifest["error"] == ""]
    names = {UNLABELLED: "(unlabelled)", **dict(enumerate(dataset.classes))}
    counts: dict[str, dict[str, int]] = {}
    for (split, label), n in Counter(
        zip(manifest["split"], manifest["label"], strict=True)
    ).items():
        counts.setdefault(str(split), {})[names[int(label)]] = n
    samples = {
        name: _sample(dataset, manifest["path"][manifest["label"] == label].tolist())
        for label, name in enumerate(dataset.classes)
    }
    sizes = list(zip(manifest["width"].tolist(), manifest["height"].tolist(), strict=True))
    base.save(data.overview(counts, samples, sizes, name=dataset.name), path)


def _sample(dataset: Dataset, paths: list[str]) -> list[Image]:
    """Give some images of a class, spread over its files."""
    found: list[Image] = []
    for path in paths[:: max(1, len(paths) // _SAMPLES)]:
        try:
            found.append(decode((dataset.root / path).read_bytes()))
        except (ImageError, OSError):
            continue
    return found[:_SAMPLES]

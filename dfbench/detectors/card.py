"""The model card of a model file: Markdown for whoever finds the file and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from dfbench.detectors.contents import Contents, KeptModel
from dfbench.detectors.rates import Rate
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import ENTRIES


def card(contents: Contents, rates: Sequence[Rate]) -> str:
    """Write the card of a model.

    Parameters
    ----------
    contents
        What is told of it.
    rates
        How often it is wrong, by class.
    """
    parts = [
        f"# {contents.row} on {contents.dataset}",
        _what(contents),
        _use(contents),
        _figures(contents, rates),
        _listed("## Warnings", contents.warnings),
        _trained(contents),
        _limits(),
        _listed("## Made with", [f"{name} {v}" for name, v in contents.versions.items()]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(contents: Contents) -> str:
    classes = ", ".join(contents.classes)
    said = f"A classifier of images made by dfbench. It tells these classes apart: {classes}."
    if contents.positive is not None:
        positive = contents.classes[contents.positive]
        cut = 0.5 if contents.threshold is None else contents.threshold
        said += f" From a probability of {cut:.3g} on it says {positive}."
    models = "\n".join(f"- {_model(model)}" for model in contents.models)
    if len(contents.models) == 1:
        return f"{said}\n\n{models}"
    return f"{said} It joins the scores of {len(contents.models)} models:\n\n{models}"


def _model(model: KeptModel) -> str:
    features = " + ".join(
        extractor.name + (f" {extractor.params}" if extractor.params else "")
        for extractor in model.extractors
    )
    given = [features] if features else []
    if model.side is not None:
        given.append(f"images of {model.side} x {model.side} pixels")
    params = ", ".join(
        f"{key} = {value}" for key, value in model.params.items() if value not in (None, [], {})
    )
    return f"`{model.model}` on {' and '.join(given)} ({params})"


def _use(contents: Contents) -> str:
    plugin = ""
    sources = [e.name for model in contents.models for e in model.extractors if e.source]
    if sources:
        names = ", ".join(sources)
        plugin = (
            f"\n\nIts features {names} are code of its maker's own: give it by `--plugin FILE`."
        )
    return (
        "Wherever dfbench is installed:\n\n```\n"
        "dfbench predict MODEL.dfb photo.jpg\n"
        "dfbench explain MODEL.dfb photo.jpg --out explained.png\n```" + plugin
    )


def _figures(contents: Contents, rates: Sequence[Rate]) -> str:
    titles = {entry.name: entry.title for entry in ENTRIES}
    lines = [
        f"| {titles.get(name, name)} | {_number(its)} | {_interval(its)} |"
        for name, its in contents.figures.items()
        if its.value is not None
    ]
    if not lines:
        return ""
    drawn = "groups of images" if contents.grouped else "images"
    head = (
        f"## How good it is\n\nOn {contents.n_test:,} images of {contents.dataset} "
        f"({contents.split}) that it had not seen, with 95 % intervals over {drawn}:\n\n"
        "| | | 95 % |\n|---|---:|---|\n"
    )
    said = "\n".join(f"- {rate.sentence}" for rate in rates)
    return head + "\n".join(lines) + (f"\n\n{said}" if said else "")


def _number(estimate: Estimate) -> str:
    return f"{estimate.value:.3f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _trained(contents: Contents) -> str:
    lines = [
        f"data set {contents.dataset}, fingerprint {contents.fingerprint}, seed {contents.seed}",
        f"{contents.n_train:,} images for training, {contents.n_tune:,} for choices "
        f"({contents.tuned_on})"
        + ("; then fitted on all of these together" if contents.refit else ""),
    ]
    seen = contents.seen
    if seen is not None:
        size = f"shorter side {_range(seen.shorter)}, longer side {_range(seen.longer)} pixels"
        quality = f", JPEG quality {_range(seen.quality)}" if seen.quality else ""
        lines.append(f"files: {' or '.join(seen.formats)}, {size}{quality}")
    if contents.normal is not None:
        normal = contents.normal
        size = f"{normal.method} to {normal.size} pixels" if normal.size else "own size"
        form = f", written as {normal.format}" if normal.format else ""
        lines.append(f"each image is first brought into one form: {size}{form}")
    return _listed("## What it was trained on", lines)


def _range(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _limits() -> str:
    return (
        "## What it cannot tell\n\n"
        "The figures hold for images like those of the data set. Other cameras, generators, sizes "
        "and ways of saving are another task, on which such detectors often fail without a sign; "
        "`dfbench predict` says where a picture is unlike those that the model has seen. A verdict "
        "about one picture is no proof."
    )


def _listed(title: str, lines: Sequence[str]) -> str:
    return f"{title}\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""

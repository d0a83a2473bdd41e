"""``dfbench predict``: what a trained model says of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfbench.cli.options import (
    EXIT_FAILED,
    Jobs,
    ModelData,
    ModelRow,
    ModelSource,
    Plugins,
    Threshold,
)
from dfbench.cli.screen import say, tell, write
from dfbench.results.texts import csv_text, json_line

if TYPE_CHECKING:
    from dfbench.detectors.detector import Detector
    from dfbench.detectors.scoring import Judged
    from dfbench.detectors.verdict import Verdict

_TOGETHER = 20_000
"""Pictures that are taken together at most."""


def predict(
    model: ModelSource,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Images, folders, archives (zip, tar), or tables of paths.",
        ),
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="One line an image, for a table.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A list of objects.")] = False,
    threshold: Threshold = None,
    row: ModelRow = None,
    data: ModelData = None,
    jobs: Jobs = None,
    plugin: Plugins = None,
) -> None:
    """Say of each picture which class it is taken for, and how surely.

    Beside the verdict stands in what a picture is unlike those that the model was trained on:
    there its figures say nothing. A picture that cannot be read stops no other.

    Exit status: 0 all pictures were judged, 2 the command cannot be carried out, 3 a picture
    could not be read.
    """
    from dfbench.benchmark.machine import default_jobs
    from dfbench.detectors.opening import open_model
    from dfbench.detectors.scoring import judged
    from dfbench.detectors.sources import Sources
    from dfbench.errors import ParameterError

    if as_csv and as_json:
        raise ParameterError("--csv and --json exclude each other")
    detector = open_model(model, row=row, dataset=data, plugins=plugin or ())
    with Sources(paths) as sources:
        found = _Counted(judged(detector, sources, jobs=jobs or default_jobs("cpu"),
                                threshold=threshold))  # fmt: skip
        if as_csv:
            _csv(detector, found)
        elif as_json:
            _json(found)
        else:
            _lines(detector, found, threshold)
        _of_all(detector, found)
        for name in sources.repeated[:3]:
            _note(f"{name}: given twice, judged once")
    if found.unread:
        raise typer.Exit(EXIT_FAILED)


class _Counted:
    """Goes on what was judged, and remembers what is said of all of it."""

    def __init__(self, found: Iterator[Judged]) -> None:
        self._found = found
        self.verdicts: list[Verdict] = []
        self.n = self.outside = self.unread = 0

    def __iter__(self) -> Iterator[Judged]:
        for each in self._found:
            if each.verdict is None:
                self.unread += 1
            else:
                self.n += 1
                self.outside += bool(each.verdict.outside)
                if self.n <= _TOGETHER:
                    self.verdicts.append(each.verdict)
            yield each


def _note(text: str) -> None:
    tell(text, err=True)


def _lines(detector: Detector, found: _Counted, threshold: float | None) -> None:
    _note(f"{detector.name}: {_rule(detector, threshold)}")
    for warning in detector.contents.warnings:
        _note(f"warning: {warning}")
    for each in found:
        if each.verdict is None:
            _note(f"{each.name}: not judged: {each.reason}")
            continue
        verdict = each.verdict
        say(f"{each.name}  {verdict.label} {verdict.probability:.3f}")
        if verdict.outside:
            tell(f"outside what it was trained on: {'; '.join(verdict.outside)}", indent="  ")
    rates = detector.rates(threshold)
    for rate in rates:
        _note(f"on the images that it was tested on: {rate.sentence}")
    if not rates:
        _note("how often it is wrong is not told in this file: dfbench export writes one that does")


def _of_all(detector: Detector, found: _Counted) -> None:
    """Say how many pictures are unlike the training images, one by one and taken together."""
    if found.outside:
        are = "is" if found.outside == 1 else "are"
        _note(
            f"outside: {found.outside:,} of {found.n:,} pictures {are} unlike those that it was "
            "trained on; its error rates do not hold there"
        )
    if said := detector.together(found.verdicts):
        _note(f"outside: {said}")


def _rule(detector: Detector, threshold: float | None) -> str:
    if detector.positive is None:
        return "it says the most probable class"
    name = detector.classes[detector.positive]
    if threshold is None and detector.contents.threshold is None:
        return f"it says {name} where its probability is above 0.5"
    cut = detector.threshold if threshold is None else threshold
    return f"it says {name} from a probability of {cut:.3g} on"


def _csv(detector: Detector, found: _Counted) -> None:
    shares = [f"p_{name}" for name in detector.classes]
    header = ["image", "label", *shares, "threshold", "outside", "reason"]
    write(csv_text(header, ()))
    for each in found:
        write(csv_text(header, [_record(each, shares)], heading=False))


def _record(each: Judged, shares: Sequence[str]) -> dict[str, Any]:
    verdict = each.verdict
    if verdict is None:
        return {"image": each.name, "reason": each.reason}
    cut = "" if verdict.threshold is None else f"{verdict.threshold:.6g}"
    return {
        "image": each.name,
        "label": verdict.label,
        **{name: f"{p:.6f}" for name, p in zip(shares, verdict.probabilities, strict=True)},
        "threshold": cut,
        "outside": "; ".join(verdict.outside),
    }


def _json(found: _Counted) -> None:
    between = "[\n"
    for each in found:
        write(between + json_line(_plain(each)))
        between = ",\n"
    write("[]\n" if between[0] == "[" else "\n]\n")


def _plain(each: Judged) -> dict[str, Any]:
    if each.verdict is None:
        return {"image": each.name, "label": None, "reason": each.reason}
    verdict = each.verdict
    shares = {
        name: round(float(p), 6)
        for name, p in zip(verdict.classes, verdict.probabilities, strict=True)
    }
    return {
        "image": each.name,
        "label": verdict.label,
        "probabilities": shares,
        "threshold": verdict.threshold,
        "outside": list(verdict.outside),
    }

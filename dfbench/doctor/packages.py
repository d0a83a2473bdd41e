"""Packages that dfbench needs, and those that add something to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from dfbench.doctor.finding import Finding
from dfbench.errors import UnavailableError
from dfbench.images import opencv

_DISTRIBUTION = "dfbench-toolkit"
EXTRAS = {
    "app": "the page in the browser, dfbench serve",
    "fast": "JPEG files are decoded faster",
    "video": "frames of videos, dfbench data frames",
    "clip": "CLIP of any training, embedding[backbone=open_clip:NAME.TAG]",
    "onnx": "detectors in ONNX files, onnx:FILE",
    "detectzoo": "published detectors by name, detectzoo:NAME",
    "dask": "runs on several machines, features in a bucket",
    "dashboard": "studies of Optuna in the browser",
    "docs": "the pages of the documentation, make docs",
    "dev": "the tests and checks of dfbench itself",
}
"""What the extras of the distribution are for."""
_MOST = 4
"""Packages of an extra that are written out."""
_OTHERS = {
    "lightgbm": "the model lightgbm",
    "catboost": "rows such as hsv/catboost:CatBoostClassifier",
    "pillow-heif": "HEIC pictures",
}
"""What packages that no extra names are for."""


def look(plugins: Sequence[Path]) -> Iterator[Finding]:
    """Look which packages are installed, in versions that fit; none but OpenCV is loaded."""
    try:
        lines = [Requirement(line) for line in requires(_DISTRIBUTION) or ()]
    except PackageNotFoundError:
        yield Finding(
            "packages",
            "broken",
            f"{_DISTRIBUTION} is not installed: this dfbench is a folder of source files",
            'pip install -e ".[dev]" in that folder',
        )
        return
    yield from _needed([line for line in lines if _applies(line, "")])
    try:
        opencv()
    except UnavailableError as error:
        yield Finding("OpenCV", "broken", error.what, error.hint or "")
    for extra, purpose in EXTRAS.items():
        own = [line for line in lines if _applies(line, extra) and not _applies(line, "")]
        if own:
            yield _optional(extra, own, purpose, f"pip install '{_DISTRIBUTION}[{extra}]'")
    for package, purpose in _OTHERS.items():
        yield _optional(package, [Requirement(package)], purpose, f"pip install {package}")


def _applies(line: Requirement, extra: str) -> bool:
    return line.marker is None or line.marker.evaluate({"extra": extra})


def _needed(lines: list[Requirement]) -> Iterator[Finding]:
    found = {line.name: _installed(line.name) for line in lines}
    bad = [line for line in lines if not _fits(line)]
    facts = {"versions": found}
    if not bad:
        said = f"all {len(lines)} that dfbench needs are installed"
        yield Finding("packages", "ok", said, "", facts)
    for line in bad:
        has = found[line.name]
        said = f"{has} is installed, {line.specifier} is needed" if has else "is not installed"
        wanted = f"{line.name}{line.specifier}"
        yield Finding(line.name, "broken", said, f"pip install '{wanted}'", facts)


def _optional(name: str, lines: list[Requirement], purpose: str, remedy: str) -> Finding:
    found = {line.name: _installed(line.name) for line in lines}
    missing = [line.name for line in lines if not found[line.name]]
    old = [line for line in lines if found[line.name] and not _fits(line)]
    facts = {"purpose": purpose, "versions": found}
    if old:
        said = ", ".join(f"{line.name} {found[line.name]} is not {line.specifier}" for line in old)
        return Finding(name, "warning", f"{purpose}: {said}", remedy, facts)
    if missing:
        lacking = ", ".join(missing) if len(missing) <= _MOST else f"{len(missing)} packages"
        said = purpose if missing == [name] else f"{purpose}: {lacking}"
        return Finding(name, "absent", said, remedy, facts)
    has = ", ".join(f"{package} {its}" for package, its in found.items())
    if len(found) > _MOST:
        has = f"all {len(found)} packages"
    return Finding(name, "ok", f"{purpose}: {has}", "", facts)


def _fits(line: Requirement) -> bool:
    has = _installed(line.name)
    return has is not None and line.specifier.contains(has, prereleases=True)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

"""From a fitted model to what is kept of it, and the check that it gives its scores again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.archive import Bundle, read, write
from dfbench.detectors.contents import (
    Combination,
    Contents,
    KeptExtractor,
    KeptModel,
    KeptNormal,
    SeenFiles,
)
from dfbench.detectors.familiarity import seen_files
from dfbench.detectors.part import model_of, source_of
from dfbench.detectors.pictures import FileFacts
from dfbench.detectors.reference import MOST_ROWS, compared, gaussian, typical
from dfbench.errors import DfbenchError
from dfbench.features.extractors.metadata import container
from dfbench.features.pipeline.store import DECODER_VERSION
from dfbench.features.views.operations import VERSION as OPERATIONS
from dfbench.features.views.view import Normal
from dfbench.installed import versions
from dfbench.models.base import Array, Both, Inputs, Labels, Model, apart, vectors_of
from dfbench.models.rows import Chosen
from dfbench.models.selection.ensembles import Combined
from dfbench.received.containers.places import read_head, reading_order
from dfbench.results.records.records import Record

SAME = 1e-6
"""How far a score of a model that was kept, or fitted once more, may lie from the stored one."""
REFERENCE = "reference.safetensors"
_FILES_READ = 2_000
"""Training files whose JPEG quality is looked at."""
_HEAD = 1 << 18
"""Bytes of a file that hold its quantisation tables."""


@dataclass(frozen=True)
class Keeping:
    """What of a cell is kept beside its model, as plain data.

    Attributes
    ----------
    extractors
        How each is made again, see `dfbench.detectors.part.told`.
    normal
        Form that the data set's images are made into.
    seen
        What its training files were like.
    """

    extractors: list[dict[str, Any]]
    normal: Normal | None
    seen: SeenFiles | None


def look_at_files(
    root: Path,
    paths: Sequence[str],
    widths: Sequence[int],
    heights: Sequence[int],
    formats: Sequence[str],
) -> SeenFiles | None:
    """Say what the training files of a data set were like.

    Parameters
    ----------
    root
        Its folder.
    paths
        Relative to it.
    widths, heights, formats
        Of each file, as the manifest has them. The quality of JPEG files is taken from 2,000 of
        them at most, spread over all.
    """
    its = [
        FileFacts(width, height, container(form))
        for width, height, form in zip(widths, heights, formats, strict=True)
    ]
    chosen = [at for at, each in enumerate(its) if each.format == "JPEG"]
    chosen = chosen[:: 1 + len(chosen) // _FILES_READ]
    order = reading_order(root, [paths[at] for at in chosen])
    for at in chosen if order is None else [chosen[n] for n in order]:
        try:
            its[at] = FileFacts.of(read_head(root / paths[at], _HEAD))
        except (OSError, DfbenchError):
            continue  # what cannot be told of one file is told of the others
    return seen_files(its)


def keep(
    path: Path,
    record: Record,
    model: Model,
    keeping: Keeping,
    *,
    name: str,
    train: Inputs,
    tune: Inputs,
    tune_labels: Labels,
) -> int:
    """Write what is kept of a cell's model, and give its size in bytes.

    Parameters
    ----------
    path
        Of the file.
    record
        Of the cell, status ``ok``.
    model
        Fitted.
    keeping
        What else is kept.
    name
        Of the model in the registry.
    train, tune
        What it was given of these parts.
    tune_labels
        Class numbers of the latter.

    Raises
    ------
    DfbenchError
        If what it holds cannot be written.
    """
    vectors, pixels = vectors_of(train), apart(train)[0]
    extractors = [
        KeptExtractor(**each, width=width)
        for each, width in zip(keeping.extractors, _widths(model, vectors), strict=True)
    ]
    held = model.keep()
    arrays = _reference(model, train, tune, tune_labels, record.seed)
    kept = KeptModel(
        row=record.row,
        model=name,
        version=model.version,
        source=source_of(type(model)),
        params=_without_paths(model.params),
        n_classes=model.n_classes,
        seed=model.seed,
        extractors=extractors,
        side=pixels.shape[1] if len(pixels.shape) == 4 else None,
        plain=held.plain,
        files={each: each for each in held.files},
    )
    contents = Contents(
        **_facts(record),
        models=[kept],
        normal=None if keeping.normal is None else KeptNormal(**vars(keeping.normal)),
        seen=keeping.seen,
        reference=REFERENCE,
    )
    return write(path, Bundle(contents, {**held.files, REFERENCE: packed(arrays)}))


def keep_derived(path: Path, record: Record, combined: Combined, members: Sequence[str]) -> int:
    """Write what is kept of a derived row: its members by their cells, and how it joins them."""
    combination = Combination(state=combined.state(), of=list(range(len(members))))
    contents = Contents(**_facts(record), members=list(members), combination=combination)
    return write(path, Bundle(contents, {}))


def members_of(path: Path) -> set[str]:
    """Give the cells whose models a kept model is made of, those of its members included."""
    if not path.is_file():
        return set()
    its = set(read(path).contents.members)
    return its | {each for cell in its for each in members_of(path.with_name(f"{cell}.dfb"))}


def reloaded(path: Path, *, plugins: Sequence[Path] = (), device: str, n_threads: int) -> Model:
    """Load the model of a cell from what was kept of it.

    Raises
    ------
    DfbenchError
        If the file is damaged or does not fit what is installed.
    """
    bundle = read(path)
    [kept] = bundle.contents.models
    return model_of(kept, bundle.files, plugins=plugins, device=device, n_threads=n_threads)


def check(model: Model, inputs: Inputs, scores: NDArray[np.float64]) -> None:
    """Check that a model that was loaded gives the stored scores again.

    Raises
    ------
    DfbenchError
        If one differs by more than 1e-6.
    """
    off = float(np.abs(model.predict_proba(inputs) - scores).max(initial=0.0))
    if not off <= SAME:
        raise DfbenchError(f"loaded again it gives other scores, by up to {off:.2g}")


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays as a safetensors file."""
    from safetensors.numpy import save

    content: bytes = save({key: np.ascontiguousarray(its) for key, its in arrays.items()})
    return content


def _facts(record: Record) -> dict[str, Any]:
    shared = (
        "row", "dataset", "fingerprint", "cell", "kind", "control", "seed", "classes", "positive",
        "threshold", "split", "tuned_on", "grouped", "n_train", "n_tune", "n_test",
        "refit",
    )  # fmt: skip
    return {
        **{key: getattr(record, key) for key in shared},
        "decoder": DECODER_VERSION,
        "operations": OPERATIONS,
        "versions": versions(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _widths(model: Model, vectors: Array | None) -> tuple[int, ...]:
    return () if vectors is None else model.blocks or (vectors.shape[1],)


def _reference(
    model: Model,
    train: Inputs,
    tune: Inputs,
    tune_labels: Labels,
    seed: int,
) -> dict[str, NDArray[Any]]:
    """Say as arrays what the training images were like to the model."""
    arrays: dict[str, NDArray[Any]] = {}
    vectors = vectors_of(train)
    if vectors is not None:
        arrays["0.typical"] = typical(vectors)
    own_train, own_tune = (compared(model, _some(X, seed)) for X in (train, tune))
    if own_train is not None and own_tune is not None:
        found = gaussian(own_train, own_tune, seed=seed)
        if found is not None:
            arrays |= {f"outside.{key}": its for key, its in found.arrays().items()}
            arrays["together.places"] = found.places(own_tune)
            arrays["together.labels"] = tune_labels[_drawn(len(tune), seed)]
    return arrays


def _some(X: Inputs, seed: int) -> Inputs:
    """Give the images that the reference is made of; those on disk stay there."""
    places = _drawn(len(X), seed)
    images, features = apart(X)
    if isinstance(images, np.ndarray):
        return X[places]
    if features is None:
        return Chosen(images, places)
    return Both(Chosen(images, places), Chosen(features, places))


def _drawn(n: int, seed: int) -> NDArray[np.int64]:
    """Draw as many of n images as the reference is made of."""
    if n <= MOST_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).permutation(n)[:MOST_ROWS])


def _without_paths(params: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out where weights came from on this machine: they are kept, nothing is fetched."""
    weights = params.get("weights")
    named = isinstance(weights, str) and "backbone" in params
    if named and weights not in ("imagenet", "random"):
        return {**params, "weights": "random"}
    return dict(params)

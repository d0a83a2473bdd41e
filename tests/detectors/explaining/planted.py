"""Detectors fitted on pictures in which it is known what speaks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from dfbench.detectors.archive import Bundle
from dfbench.detectors.contents import Combination, Contents, KeptExtractor, KeptModel, KeptNormal
from dfbench.detectors.detector import Detector
from dfbench.detectors.keeping import REFERENCE, packed
from dfbench.detectors.part import Part, told
from dfbench.features.expression import build, parse
from dfbench.features.pipeline.store import DECODER_VERSION
from dfbench.features.views.operations import VERSION as OPERATIONS
from dfbench.features.views.operations import png
from dfbench.features.views.view import Normal, Seen, normalise
from dfbench.models.base import Both, Inputs
from dfbench.models.selection.ensembles import Combination as Way
from dfbench.models.selection.ensembles import combine
from dfbench.registry import EXTRACTORS, MODELS, Registry

HEIGHT, WIDTH = 64, 96
CORNER = (slice(4, 22), slice(70, 90))
"""Where squares are planted."""
SMALL_CNN = {"image_size": 32, "epochs": 6, "batch_size": 16}

Plant = Callable[[np.ndarray], np.ndarray]


def blank(seed: int) -> np.ndarray:
    """Draw a coloured picture without anything in it."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 190, (4, 5, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)


def green(image: np.ndarray) -> np.ndarray:
    """Paint a corner green."""
    image = image.copy()
    image[CORNER] = image[CORNER] // 5 + np.array([10, 190, 20], np.uint8)
    return image


def red(image: np.ndarray) -> np.ndarray:
    """Paint a corner red."""
    return green(image)[..., [1, 0, 2]]


def board(image: np.ndarray) -> np.ndarray:
    """Add what up-convolution leaves: in the spectrum, hardly in the colours."""
    grid = 6 * (-1.0) ** np.add.outer(np.arange(HEIGHT), np.arange(WIDTH))[..., None]
    return np.clip(image + grid, 0, 255).astype(np.uint8)


def tint(image: np.ndarray) -> np.ndarray:
    """Shift the colours and leave the luma, of which the spectrum is taken, as it is."""
    return np.clip(image + np.array([58.7, -29.9, 0]), 0, 255).astype(np.uint8)


def detector(rows: dict[str, dict[str, Any]], *plants: Plant, **options: Any) -> Detector:
    """Load what `kept` gives."""
    return Detector(kept(rows, *plants, **options))


def kept(
    rows: dict[str, dict[str, Any]],
    *plants: Plant,
    normal: Normal | None = None,
    way: Way | None = None,
    n: int = 120,
) -> Bundle:
    """Fit rows on n pictures, of which each class but the first has something planted.

    Several rows are combined.
    """
    labels = np.arange(n) % (1 + len(plants))
    pictures = [(np.copy, *plants)[k](blank(at)) for at, k in enumerate(labels)]
    seen = [normalise(Seen(image, png(image)), normal) for image in pictures]
    models: list[KeptModel] = []
    files: dict[str, bytes] = {}
    arrays: dict[str, np.ndarray] = {}
    scores = []
    for row, params in rows.items():
        part, X = _fitted(row, params, seen, labels)
        held, number = part.model.keep(), len(models)
        its = {name: f"{number}.{name}" for name in held.files}
        files |= {its[name]: content for name, content in held.files.items()}
        models.append(
            KeptModel(
                row=row, model=part.model.name, version=part.model.version,
                params=part.model.params, n_classes=part.model.n_classes, seed=0, side=part.side,
                extractors=[KeptExtractor(**told(each), width=width)
                            for each, width in zip(part.extractors, part.widths, strict=True)],
                plain=held.plain, files=its,
            )
        )  # fmt: skip
        if part.extractors:
            vectors = X.features if isinstance(X, Both) else X
            arrays[f"{number}.typical"] = np.median(vectors, axis=0)
        scores.append(part.model.predict_proba(X))
    joined = None
    if way is not None:
        found = combine(scores, labels, members=list(rows), combination=way, positive=1, seed=0)
        joined = Combination(state=found.state(), of=list(range(len(rows))))
    contents = Contents(
        row=" and ".join(rows), dataset="planted", fingerprint="", cell="", seed=0,
        classes=["real", "fake", "other"][: 1 + len(plants)],
        positive=1 if len(plants) == 1 else None,
        normal=None if normal is None else KeptNormal(**vars(normal)),
        decoder=DECODER_VERSION, operations=OPERATIONS, models=models, combination=joined,
        reference=REFERENCE,
    )  # fmt: skip
    return Bundle(contents, {**files, REFERENCE: packed(arrays)})


def _fitted(
    row: str, params: dict[str, Any], seen: list[Seen], labels: np.ndarray
) -> tuple[Part, Inputs]:
    expression, _, name = row.rpartition("/")
    extractors = build(parse(expression), Registry(EXTRACTORS)) if expression else []
    model = Registry(MODELS).get(name).load()(n_classes=labels.max() + 1, n_threads=1, **params)
    widths = tuple(
        each.transform([seen[0].file if each.reads == "file" else seen[0].image]).shape[1]
        for each in extractors
    )
    side = model.image_side(model.params) or None
    part = Part(row, model, tuple(extractors), widths, side, None, threading.RLock())
    X = part.inputs(seen)
    model.blocks = widths
    train = np.arange(len(labels)) % 5 > 0
    model.fit(X[train], labels[train], X[~train], labels[~train])
    return part, X

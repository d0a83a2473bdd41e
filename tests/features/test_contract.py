"""What every built-in extractor promises, whatever it computes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from dfbench.registry import EXTRACTORS, Registry

# batches of embeddings agree to rounding only: see their own tests
NAMES = [p.name for p in Registry(EXTRACTORS) if p.built_in and p.name != "embedding"]

SHAPES = [(33, 47), (1, 1), (1, 2), (2, 1), (64, 64), (3, 200), (200, 3), (7, 7)]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def made(name: str) -> Any:
    return Registry(EXTRACTORS).get(name).load()()


def inputs(extractor: Any, images: list[np.ndarray]) -> list[Any]:
    """Images as the extractor wants them: pixels, or files."""
    if extractor.reads == "pixels":
        return images
    files = [io.BytesIO() for _ in images]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file, "PNG")
    return [file.getvalue() for file in files]


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_equals_its_images_alone(name: str) -> None:
    extractor = made(name)
    batch = inputs(extractor, [noise(*shape) for shape in SHAPES])
    rows = extractor.transform(batch)
    assert rows.dtype == np.float32
    assert rows.shape == (len(SHAPES), len(extractor.get_feature_names_out()))
    assert np.isfinite(rows).all()
    for item, row in zip(batch, rows, strict=True):
        np.testing.assert_array_equal(extractor.transform([item])[0], row)
    assert extractor.transform([]).shape == (0, rows.shape[1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_images_have_finite_features(name: str, level: int) -> None:
    extractor = made(name)
    flat = [np.full((*shape, 3), level, np.uint8) for shape in SHAPES]
    assert np.isfinite(extractor.transform(inputs(extractor, flat))).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_view_with_strides_counts_as_its_copy(name: str) -> None:
    extractor = made(name)
    view = noise(40, 40)[::-1, ::2]
    rows = [extractor.transform(inputs(extractor, [image])) for image in (view, view.copy())]
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_scikit_learn_transformer(name: str) -> None:
    extractor = made(name)
    copy = clone(extractor)
    assert copy.identity() == extractor.identity()
    frame = copy.set_output(transform="pandas").fit_transform(inputs(copy, [noise(9, 9)] * 2))
    assert list(frame.columns) == list(extractor.get_feature_names_out())
    assert len(set(frame.columns)) == frame.shape[1]

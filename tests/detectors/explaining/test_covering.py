"""Places cover a picture wholly, and what covers is of the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.detectors.explaining.covering import covered, places

sides = st.integers(1, 300)


@given(sides, sides, st.integers(1, 100))
def test_places_are_no_more_than_asked_and_reach_every_pixel(height, width, most):
    down, across = places((height, width, 3), most)
    assert len(down) * len(across) <= most
    assert down.shape[1] == height
    assert across.shape[1] == width
    for windows in (down, across):
        assert windows.min() >= 0
        assert windows.max() <= 1
        assert (windows.sum(axis=0) >= 0.99).all()
        # some pixel lies within half a place of its middle
        assert (windows.max(axis=1) > 0.749).all()


def test_places_are_about_square():
    down, across = places((400, 800, 3), 64)
    assert (len(down), len(across)) == (6, 10)
    down, across = places((800, 400, 3), 64)
    assert len(down) == 11


def test_each_copy_differs_in_its_place_alone_and_fades_out():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    down, across = places(image.shape, 16)
    copies = list(covered(image, down, across))
    assert len(copies) == len(down) * len(across) == 16
    for at, copy in enumerate(copies):
        share = np.outer(down[at // 4], across[at % 4])
        np.testing.assert_array_equal(copy[share == 0], image[share == 0])
        elsewhere = np.roll(image, (32, 32), axis=(0, 1))
        np.testing.assert_array_equal(copy[share == 1], elsewhere[share == 1])
        assert (share == 1).any()


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (37, 90)])
def test_a_flat_picture_stays_as_it_is(shape):
    image = np.full((*shape, 3), (7, 100, 255), np.uint8)
    for copy in covered(image, *places(image.shape, 64)):
        np.testing.assert_array_equal(copy, image)


def test_texture_stays_in_step_with_blocks():
    """What repeats in blocks of eight pixels, as JPEG's do, is covered by itself."""
    rng = np.random.default_rng(0)
    block = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image = np.tile(block, (11, 13, 1))
    for copy in covered(image, *places(image.shape, 9)):
        np.testing.assert_array_equal(copy, image)

"""Images as squares at their own resolution: no pixel is resampled, and maps come back in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.features.internal.native import Native, mirrored
from dfbench.features.internal.resized import Resized
from dfbench.features.internal.squares import square

SIDES = st.integers(1, 60)


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(st.integers(2, 60), SIDES)
def test_a_short_axis_is_mirrored_as_numpy_does(length, size):
    before = max((size - length) // 2 + (size - length) % 2, 0)
    after = max(size - length - before, 0)
    cut = max((length - size) // 2, 0)
    wanted = np.pad(np.arange(length)[cut : cut + min(size, length)], (before, after), "reflect")
    assert mirrored(length, size).tolist() == wanted.tolist()


@given(SIDES, SIDES, st.integers(1, 40))
def test_the_canvas_shows_exact_pixels_of_the_middle(height, width, size):
    seen = image(height, width)
    canvas = Native(size).squared(seen)
    assert canvas.shape == (size, size, 3)
    assert canvas.dtype == np.uint8
    # where both lie over each other, with the middle of one on the middle of the other
    top, left = (height - size) // 2, (width - size) // 2
    rows = slice(max(top, 0), min(top + size, height))
    columns = slice(max(left, 0), min(left + size, width))
    shown = canvas[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    assert np.array_equal(shown, seen[rows, columns])
    # and nothing is there that the image has not
    colours = {tuple(each) for each in seen.reshape(-1, 3).tolist()}
    assert {tuple(each) for each in canvas.reshape(-1, 3).tolist()} <= colours


def test_a_single_pixel_and_a_single_line_fill_the_canvas():
    assert np.array_equal(Native(8).squared(image(1, 1)), np.broadcast_to(image(1, 1), (8, 8, 3)))
    line = image(1, 40)
    canvas = Native(8).squared(line)
    assert all(np.array_equal(row, line[0, 16:24]) for row in canvas)


def test_neighbours_differ_across_the_mirror_as_within():
    """Reflect-101: the last pixel is not repeated, which would make a flat seam."""
    assert mirrored(4, 8).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


@given(SIDES, SIDES, st.integers(1, 40))
def test_what_is_found_on_the_canvas_comes_back_to_its_pixels(height, width, size):
    seen = image(height, width)
    native = Native(size)
    heat = native.squared(seen)[..., 0].astype(np.float32)
    back = native.back(heat, (height, width))
    assert back.shape == (height, width)
    top, left = (height - size) // 2, (width - size) // 2
    inside = np.zeros((height, width), bool)
    inside[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = True
    assert np.array_equal(back, np.where(inside, seen[..., 0], 0))


def test_a_row_hangs_on_its_image_alone():
    images = [image(30, 20), image(70, 41, 1), image(1, 9, 2)]
    together = Native(32).transform(images)
    assert together.shape == (3, 32 * 32 * 3)
    for each, row in zip(images, together, strict=True):
        assert np.array_equal(Native(32).transform([each])[0], row)
    assert Native(32).transform([]).shape == (0, 32 * 32 * 3)
    assert len(Native(4).get_feature_names_out()) == 48


@pytest.mark.parametrize(("kind", "made"), [("resized", Resized), ("native", Native)])
def test_kinds_by_name(kind, made):
    assert type(square(kind, 24)) is made
    assert square(kind, 24).size == 24


def test_stored_images_are_known_by_the_way_they_were_made():
    known = [Native(64).identity(), Resized(64).identity(), Native(32).identity()]
    assert len({str(each) for each in known}) == 3
    # the tables of before keep their name
    assert Resized(64).identity() == {
        "extractor": "resized",
        "version": 1,
        "params": {"size": 64},
    }

"""Pictures inside the page."""

from __future__ import annotations

import numpy as np
import pytest

from dfbench.apps.web.shown import inline, overlaid
from dfbench.images import small


@pytest.mark.parametrize("shape", [(900, 300), (300, 900), (1, 2000), (40, 48)])
def test_pictures_are_made_small_and_never_larger(shape: tuple[int, int]) -> None:
    found = small(np.full((*shape, 3), 90, np.uint8), 200)
    assert max(found.shape[:2]) == min(200, max(shape))
    assert (found == 90).all()


def test_colours_of_a_map_lie_where_it_speaks() -> None:
    image = np.full((80, 120, 3), 128, np.uint8)
    heat = np.zeros((80, 120), np.float32)
    heat[:, :40], heat[:, 80:] = 1, -1
    shown = overlaid(image, heat).astype(int)
    red, _, blue = np.moveaxis(shown, 2, 0)
    assert (red[:, :30] - blue[:, :30] > 60).all()
    assert (blue[:, 90:] - red[:, 90:] > 60).all()
    assert (shown[:, 50:70] == 128).all()


def test_a_map_of_another_size_covers_the_whole_picture() -> None:
    shown = overlaid(np.zeros((1000, 500, 3), np.uint8), np.ones((8, 4), np.float32), 100)
    assert shown.shape == (100, 50, 3)
    assert (shown[..., 0] > 100).all()


def test_a_picture_inside_the_page_needs_no_request() -> None:
    assert inline(np.zeros((4, 4, 3), np.uint8)).startswith("data:image/jpeg;base64,/9j/")

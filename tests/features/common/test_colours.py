"""Colour spaces against OpenCV, and who shares them."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from dfbench.features.common.colours import CHANNELS, planes, shared

CODES = {
    "gray": cv2.COLOR_RGB2GRAY,
    "ycrcb": cv2.COLOR_RGB2YCrCb,
    "hsv": cv2.COLOR_RGB2HSV,
}


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("color", CODES)
def test_every_colour_is_converted_as_by_opencv(color: str) -> None:
    rest = np.indices((256, 256), np.uint8)
    for red in range(256):
        image = np.dstack([np.full((256, 256), red, np.uint8), *rest])
        wanted = cv2.cvtColor(image, CODES[color]).reshape(256, 256, -1)
        assert (planes(image, color) == wanted.transpose(2, 0, 1)).all()


@pytest.mark.parametrize("color", CHANNELS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 1), (65, 64), (70, 131)])
def test_images_of_any_size_are_converted(color: str, shape: tuple[int, int]) -> None:
    image = noise(*shape)
    wanted = image if color == "rgb" else cv2.cvtColor(image, CODES[color]).reshape(*shape, -1)
    found = planes(image, color)
    assert found.flags.c_contiguous
    assert (found == wanted.transpose(2, 0, 1)).all()


def test_what_is_shared_is_converted_once_and_stays() -> None:
    images = [noise(9, 11, seed) for seed in range(20)]
    with shared():
        before = [(planes(image, "gray"), planes(image, "ycrcb")) for image in images]
        copies = [[found.copy() for found in pair] for pair in before]
        with shared():  # no less shared
            assert planes(images[0], "gray") is before[0][0]
        for image, pair, copy in zip(images, before, copies, strict=True):
            assert planes(image, "gray") is pair[0]
            assert planes(image, "ycrcb") is pair[1]
            planes(image, "hsv")
            assert all((one == other).all() for one, other in zip(pair, copy, strict=True))
    assert planes(images[0], "gray") is not before[0][0]


def test_an_equal_image_is_another() -> None:
    with shared():
        image = noise(4, 4)
        first = planes(image, "gray")
        assert planes(image.copy(), "gray") is not first


def test_threads_share_nothing() -> None:
    image = noise(16, 16)
    found = []
    with shared():
        mine = planes(image, "gray")
        thread = threading.Thread(target=lambda: found.append(planes(image, "gray")))
        thread.start()
        thread.join()
        assert found[0] is not mine
        assert not np.shares_memory(found[0], mine)


def test_more_than_is_kept_is_converted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfbench.features.common.colours._KEPT_BYTES", 100)
    images = [noise(8, 8, seed) for seed in range(3)]
    with shared():
        for image in images:
            assert (planes(image, "gray")[0] == cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).all()

"""Texts and pictures that are made to fit, and work in other threads."""

from __future__ import annotations

import threading
import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dfbench.apps.desktop.background import Background
from dfbench.apps.desktop.drawing import fitted, reduced
from dfbench.apps.desktop.words import elided, message, visible
from dfbench.errors import ImageError


@given(text=st.text(max_size=80), width=st.integers(1, 60))
def test_texts_lose_their_middle(text: str, width: int) -> None:
    short = elided(text, len, width)
    assert len(short) <= width
    if len(text) <= width:
        assert short == text
    else:
        start, end = short.split("\N{HORIZONTAL ELLIPSIS}", 1) if "…" not in text else ("", "")
        assert text.startswith(start)
        assert text.endswith(end)
        assert len(short) == width


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    room=st.tuples(st.integers(1, 400), st.integers(1, 400)),
)
def test_pictures_fit_and_keep_their_shape(height: int, width: int, room: tuple[int, int]) -> None:
    pixels = (
        np.arange(height * width * 3, dtype=np.uint32).astype(np.uint8).reshape(height, width, 3)
    )
    found = fitted(pixels, *room)
    h, w = found.shape[:2]
    assert h <= max(room[1], 1)
    assert w <= max(room[0], 1)
    assert found.dtype == np.uint8
    assert abs(w / width - h / height) <= max(1 / width, 1 / height)


def test_large_pictures_are_kept_small_and_small_ones_as_they_are() -> None:
    assert max(reduced(np.zeros((3000, 400, 3), np.uint8)).shape) == 1600
    assert reduced(np.zeros((30, 40, 3), np.uint8)).shape == (30, 40, 3)


def test_names_show_what_has_no_glyph() -> None:
    assert (
        visible("a\n\x1b[1mb\N{GRINNING FACE}\udc80\N{RIGHT-TO-LEFT OVERRIDE}é")
        == r"a\n\x1b[1mb□\udc80\u202eé"
    )


def test_errors_are_one_line() -> None:
    assert (
        message(ImageError("cut\noff", where="x", hint="copy it again"))
        == "cut off (copy it again)"
    )
    assert message(MemoryError()) == "there is not enough memory for it"
    assert message(ValueError("x")) == "a defect of dfbench: ValueError: x"


def test_results_are_told_in_the_thread_that_asks() -> None:
    told: list[object] = []

    def fail() -> None:
        raise ValueError("no")

    with Background() as background:
        background.do(
            threading.current_thread,
            lambda thread: told.append((thread, threading.current_thread())),
            told.append,
        )
        background.do(
            fail, told.append, lambda error: told.append((str(error), threading.current_thread()))
        )
        end = time.monotonic() + 10
        while len(told) < 2 and time.monotonic() < end:
            background.deliver()
    here = threading.main_thread()
    worker = next(each for each in told if each != ("no", here))
    assert ("no", here) in told
    assert isinstance(worker, tuple)
    assert worker[0] is not here
    assert worker[1] is here

"""The figure of an explanation shows all that it is given, inside its page."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dfbench.results.figures.explanation import Feature, Member, explained

NAMES = ["hsv", "lbp", "fft", "a-family-with-a-very-long-name-of-its-own", "dct", "picture (cnn)"]


def drawn(shape=(48, 64), *, families=6, features=20, members=0, looks=0, heat=True, **more):
    rng = np.random.default_rng(0)
    figure = explained(
        rng.integers(0, 256, (*shape, 3)).astype(np.uint8),
        title="fake, 0.91 (from 0.50 on it says fake)",
        notes=[
            "hsv/svm on faces, $\\frac and $.png",
            "outside what it was trained on: " + "narrow; " * 40,
        ],
        sides=("fake", "real"),
        heat=rng.uniform(-1, 1, shape).astype(np.float32) if heat else None,
        heat_note="with its weightiest place covered, fake has 0.83 instead of 0.91",
        looks=[("cnn-3conv", rng.random(shape).astype(np.float32))] * looks,
        members=[Member(f"some+features/{i}", i / 5, None if i else 0.5) for i in range(members)],
        threshold=0.5,
        families=[(NAMES[i], (-1) ** i * (i + 0.5)) for i in range(families)],
        features=[Feature(f"fft: gray_{i}", 1e-3 * i, 12345.6, 1 - i) for i in range(features)],
        features_note="log odds",
        reading="A place is covered by what lies half the picture away. " * 3,
        **more,
    )
    figure.canvas.draw()
    return figure


def texts(figure):
    found = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.title]
        if axes.axison:
            found += [*axes.get_yticklabels(), axes.xaxis.label]
    return [text for text in found if text.get_text().strip()]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"members": 4, "looks": 1},
        {"members": 3, "looks": 2, "shape": (30, 90)},
        {"shape": (120, 40)},
        {"looks": 1, "families": 0, "features": 0},
        {"heat": False, "families": 1, "features": 4},
        {"families": 0, "features": 0},
        {"families": 1, "features": 0},
    ],
    ids=str,
)
def test_everything_stands_inside_the_page_and_apart(given):
    figure = drawn(**given)
    assert figure.get_size_inches()[0] == 12
    page = figure.get_window_extent()
    assert page.height < 1400
    boxes = [text.get_window_extent() for text in texts(figure)]
    for text, box in zip(texts(figure), boxes, strict=True):
        assert page.x0 - 1 <= box.x0, text
        assert box.x1 <= page.x1 + 1, text
        assert page.y0 - 1 <= box.y0, text
        assert box.y1 <= page.y1 + 1, text
    for a, b in itertools.combinations(texts(figure), 2):
        one, other = a.get_window_extent(), b.get_window_extent()
        over = min(one.x1, other.x1) - max(one.x0, other.x0)
        assert over < 3 or not one.overlaps(other), (a.get_text(), b.get_text())


def test_bars_are_the_numbers_the_strongest_first_and_no_more_than_twelve():
    figure = drawn()
    families, features = (
        next(axes for axes in figure.axes if axes.get_title() == title)
        for title in ("which families speak", "which of their values speak most")
    )
    widths = [bar.get_width() for bar in families.patches]
    assert widths == [-5.5, 4.5, -3.5, 2.5, -1.5, 0.5]
    assert len({bar.get_facecolor() for bar in families.patches}) == 2
    said = [text.get_text() for text in families.texts]
    assert said[0] == "-5.50"
    assert families.get_xlabel().startswith("\N{LEFTWARDS ARROW} for real")
    assert len(features.patches) == 12
    assert features.texts[1].get_text() == "0.001 (typical 1.23e+04)"


def test_what_speaks_for_the_class_has_the_colour_of_its_side():
    figure = drawn(families=0, features=0)
    heat = next(axes for axes in figure.axes if axes.get_title() == "which places speak")
    overlay = heat.images[-1]
    assert overlay.norm.vmin == -1
    assert overlay.norm.vmax == 1
    red, _, blue, _ = overlay.cmap(1.0)
    assert red > blue
    legend = [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
    assert {"for real", "nothing", "for fake"} <= set(legend)

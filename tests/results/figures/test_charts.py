"""The two plots of a board: what is drawn lies where the figures are, and can be read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbench.results.board.arrange import arrange
from dfbench.results.board.board import Line
from dfbench.results.figures.base import DOT, new, shortened
from dfbench.results.figures.labels import overlap, place
from dfbench.results.figures.pareto import Point, pareto
from dfbench.results.figures.ranks import _levels, critical_difference
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.ranks import cliques

DEMSAR = ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
RANKS = [1.964, 2.000, 2.893, 3.143]
"""Demsar (2006), section 3.2.4: four classifiers on 14 data sets."""


def bars(figure):
    return [line for line in figure.axes[0].lines if line.get_linewidth() == 3]


def test_the_diagram_has_the_bars_of_demsars_example():
    """At 10 % CD is 1.12: C4.5 is worse than C4.5+m+cf and C4.5+m, the rest is open (figure 1a).

    At 5 % it is 1.25, and nothing is told apart.
    """
    assert cliques(np.array(RANKS), 1.12) == [(0, 2), (2, 3)]
    figure = critical_difference(DEMSAR, RANKS, 1.12, n_datasets=14)
    assert len(bars(figure)) == 2
    assert len(bars(critical_difference(DEMSAR, RANKS, 1.25, n_datasets=14))) == 1
    words = [text.get_text() for text in figure.axes[0].texts]
    for name, rank in zip(DEMSAR, RANKS, strict=True):
        assert f"{name}  {rank:.2f}" in words
    assert "critical difference 1.12" in words
    # names, bars and scale are drawn in the same coordinates
    names = [text for text in figure.axes[0].texts if "C4.5" in text.get_text()]
    for a, b in itertools.combinations(names, 2):
        assert not a.get_window_extent().overlaps(b.get_window_extent())
    page = figure.get_window_extent()
    for text in names:
        box = text.get_window_extent()
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0


def test_bars_join_the_ranks_that_they_stand_for():
    figure = critical_difference(DEMSAR, RANKS, 1.12, n_datasets=14)
    scale = next(x for x in figure.axes[0].lines if x.get_linewidth() == 1.2)
    left, right = scale.get_xdata()
    for bar, (first, last) in zip(bars(figure), [(0, 2), (2, 3)], strict=True):
        ends = 1 + (np.array(bar.get_xdata()) - left) / (right - left) * 3
        assert ends[0] == pytest.approx(RANKS[first], abs=0.05)
        assert ends[1] == pytest.approx(RANKS[last], abs=0.05)


@given(st.lists(st.floats(1, 9), min_size=2, max_size=9), st.floats(0.1, 4))
def test_bars_on_a_level_do_not_meet(values, critical):
    placed = _levels(cliques(np.sort(values), critical))
    for (a, b, level), (c, d, other) in itertools.combinations(placed, 2):
        assert level != other or b < c or d < a


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 0.6, 0.7, 0.8]), st.sampled_from([1.0, 10.0, 20.0, 99.0])),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_the_front_is_that_of_brute_force(points):
    lines = [
        Line(dataset="d", row=str(i), seeds=[0], status="ok", predict_images_per_second=rate,
             metrics={"roc_auc": Estimate(value=auc)})
        for i, (auc, rate) in enumerate(points)
    ]  # fmt: skip
    front = {int(line.row) for line in arrange(lines).lines if line.pareto}
    for i, (auc, rate) in enumerate(points):
        beaten = any((a > auc and r >= rate) or (a >= auc and r > rate) for a, r in points)
        # what is at chance is no detector, however fast it is
        assert (i in front) == (not beaten and auc > 0.5)


boxes = st.tuples(st.floats(0, 400), st.floats(0, 300), st.floats(20, 120), st.floats(8, 14))


@given(st.lists(boxes, min_size=1, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_labels_that_may_be_left_out_cover_nothing(found, needed):
    anchors = [(x, y) for x, y, _, _ in found]
    sizes = [(w, h) for _, _, w, h in found]
    points = [(x - 5, y - 5, x + 5, y + 5) for x, y in anchors]
    wanted = needed[: len(found)]
    bounds = (-10.0, -10.0, 420.0, 320.0)
    placed = place(anchors, sizes, points, bounds, wanted)
    for i, (box, size) in enumerate(zip(placed, sizes, strict=True)):
        if box is None:
            continue
        assert (box[2] - box[0], box[3] - box[1]) == pytest.approx(size)
        assert box[0] >= bounds[0]
        assert box[3] <= bounds[3]
        if not wanted[i]:
            assert sum(overlap(box, point) for point in points) == 0
            others = [other for k, other in enumerate(placed) if k != i and other is not None]
            assert sum(overlap(box, other) for other in others) == 0


def test_each_row_of_the_front_has_its_name_and_no_name_covers_another():
    rng = np.random.default_rng(0)
    points = [
        Point(f"some+features/{i}", float(10 ** rng.uniform(1, 3)), float(rng.uniform(0.5, 0.95)))
        for i in range(25)
    ]
    points += [
        Point(f"on/the/front/{i}", 500.0 + 20 * i, 0.97 - 0.002 * i, (0.9, 0.99), "network", True)
        for i in range(6)
    ]
    figure = pareto(points, dataset="faces")
    figure.canvas.draw()
    texts = figure.axes[0].texts
    shown = {text.get_text() for text in texts}
    assert {p.name for p in points if p.front} <= shown
    for a, b in itertools.combinations(texts, 2):
        assert not a.get_window_extent().overlaps(b.get_window_extent())
    (step,) = (x for x in figure.axes[0].lines if x.get_drawstyle() == "steps-pre")
    assert list(step.get_xdata()) == [500.0 + 20 * i for i in range(6)]


@given(st.lists(st.text("ab", min_size=1, max_size=30), min_size=1, max_size=6), st.integers(3, 20))
def test_shortened_names_differ_where_names_do(names, width):
    found = shortened(names, width)
    assert len(set(found)) == len(set(names))
    assert all(len(a) <= len(b) for a, b in zip(found, names, strict=True))


def test_short_names_stay_and_long_ones_are_cut():
    assert shortened(["real", "a" * 20], 14) == ["real", "aaaaaa…aaaaaaa"]
    assert shortened(["stylegan2-faces-a-psi", "stylegan2-faces-b-psi"], 14) != ["styleg…a-psi"] * 2


def test_titles_stay_inside_their_figure():
    title = DOT.join(["a-long-name-of-a-data-set", "finetune:convnext_tiny.fb_in22k", "n = 1,000"])
    figure = new(5, 3, title)
    figure.add_subplot()
    figure.canvas.draw()
    box = figure._suptitle.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.get_window_extent().x1
    assert set(figure.get_suptitle()) - set("\n") == set(title)

"""What rows chose and learnt, as tables of a board."""

from __future__ import annotations

import csv
import io
import json

from dfbench.results.board.build import build_board
from dfbench.results.board.chosen import block_weights
from dfbench.results.render.formats import FORMATS, render


def words(section):
    [grid] = section.grids
    return [[cell.shown for cell in row] for block in grid.blocks for row in block]


def test_weights_of_blocks_are_shown_the_largest_first(folder):
    folder.add("faces", "hsv+lbp+fft/svm", block_weights={"hsv": 0.25, "lbp": 0.0, "fft": 0.75})
    folder.add("faces", "hsv/knn")
    folder.add("frames", "hsv/knn")
    faces, frames = build_board(folder.out).tables
    assert words(block_weights(faces)) == [["hsv+lbp+fft/svm", "fft 0.75, hsv 0.25; none for lbp"]]
    assert "means" not in block_weights(faces).text[0]
    assert block_weights(frames) is None, "a table of nothing"


def test_weights_of_several_seeds_are_means_and_each_is_kept(folder):
    for seed, share in ((0, 0.5), (1, 0.9)):
        weights = {"hsv": 1 - share, "lbp": share}
        folder.add("faces", "hsv+lbp/svm", seed=seed, block_weights=weights)
    board = build_board(folder.out)
    [table] = board.tables
    assert words(block_weights(table)) == [["hsv+lbp/svm", "lbp 0.70, hsv 0.30"]]
    assert "means over its seeds" in block_weights(table).text[0]
    [line] = csv.DictReader(io.StringIO(render(board, "csv")))
    assert json.loads(line["block_weights"])["1"]["lbp"] == 0.9
    [line] = json.loads(render(board, "json"))
    assert [fit["block_weights"]["lbp"] for fit in line["fits"]] == [0.5, 0.9]
    for form in FORMATS:
        if form not in ("csv", "json"):
            assert "Block weights" in render(board, form)


def test_weights_of_other_families_have_no_mean(folder):
    folder.add("faces", "row", seed=0, block_weights={"hsv": 0.5, "lbp": 0.5})
    folder.add("faces", "row", seed=1, block_weights={"hsv": 0.5, "fft": 0.5})
    assert block_weights(build_board(folder.out).tables[0]) is None

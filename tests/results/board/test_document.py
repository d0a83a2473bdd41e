"""One order of blocks, which every form keeps to."""

import re
from dataclasses import replace

import pytest

from dfbench.results.board.board import Board
from dfbench.results.board.build import build_board
from dfbench.results.board.document import Chapter, document
from dfbench.results.document.blocks import Section
from dfbench.results.render.formats import render

HEADINGS = {
    "md": r"(?m)^#+ (.+)$",
    "tex": r"\\(?:sub)?section\*\{(.*)\}",
    "html": r"<h[123][^>]*>(.*?)</h[123]>",
}


@pytest.fixture
def board(full):
    board = build_board(full.out)
    board.tables[0].warnings.append("look out")
    return replace(board, sections=[Section("Several data sets"), Section("Second")])


def names(blocks):
    return [type(block).__name__ for block in blocks]


def test_what_is_over_all_stands_around_the_data_sets(board):
    blocks = document(board)
    assert names(blocks) == [
        *("Heading", "Legend", "Standings", "Chapter", "Chapter", "Chapter"),
        *("Section", "Section", "Section"),
    ]
    assert [block.title for block in blocks[-3:]] == [
        *("Several data sets", "Second", "How it was made"),
    ]


def test_a_data_set_begins_with_what_must_be_known(board):
    first, _, last = (block for block in document(board) if isinstance(block, Chapter))
    assert names(first.parts) == [
        *("Remark", "Facts", "Leaderboard", "Paragraph", "Reasons", "Overview"),
        *("Section", "Section", "Section", "RowPictures"),
    ]
    titles = [part.title for part in last.parts if isinstance(part, Section)]
    assert titles == ["By class", "Cost beside merit", "More figures", "Tuning and cost"]


def test_where_no_row_has_a_rank_nothing_is_said_of_ranks(board):
    bare = [replace(table, ranked=[], controls=[], smallest=None) for table in board.tables]
    assert "Legend" not in names(document(replace(board, tables=bare)))
    assert "Legend" not in names(document(replace(board, tables=[])))


@pytest.mark.parametrize("form", HEADINGS)
def test_every_form_has_the_same_headings_in_the_same_order(board, form):
    wanted = []
    for block in document(board):
        if (title := getattr(block, "title", None)) is not None:
            wanted.append(title)
        for part in getattr(block, "parts", ()):
            wanted += [part.title] if isinstance(part, Section) else []
    found = re.findall(HEADINGS[form], render(board, form))
    found = [x.replace("\\_", "_") for x in found if x not in ("Leaderboard", "All data sets")]
    assert found == wanted


def test_an_empty_board_says_so():
    assert names(document(Board([], None))) == ["Heading", "Paragraph"]

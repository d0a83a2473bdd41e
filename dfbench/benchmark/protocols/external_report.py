"""Report of further sets: figures here and there, their difference, whether the interval held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dfbench.plain import counted
from dfbench.results.board.board import CHANCE
from dfbench.results.board.evaluations import EvaluatedRow, Scored
from dfbench.results.board.read import Read
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, difference_cell, figure_cell, name_cell
from dfbench.results.records.records import Control
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import Influence, combine, rate, roc_auc
from dfbench.results.statistics.outside import Held, expected

KIND = "external"
TITLES = {"roc_auc": "ROC AUC", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Outside:
    """A figure of a row on the board and on a further set.

    Attributes
    ----------
    board
        As the board has it.
    here, there
        The figures with what their errors are made of.
    """

    board: Estimate
    here: Influence
    there: Influence

    @property
    def difference(self) -> Estimate:
        """Of there and here, with its interval; the images are others."""
        return (self.there.averaged - self.here.averaged).estimate(difference=True)

    @property
    def ends(self) -> tuple[float, float] | None:
        """Of the board's interval, where there is one and a figure that it may hold."""
        low, high = self.board.low, self.board.high
        if low is None or high is None or self.there.value != self.there.value:
            return None
        return low, high

    @property
    def counts(self) -> bool:
        """Whether it can be told how often its interval would hold: figures of 0 and 1 err by 0."""
        inside = all(0 < its.value < 1 for its in (self.here, self.there))
        return inside and self.ends is not None

    @property
    def held(self) -> bool | None:
        """Whether the board's interval holds the figure there; None where that cannot be told."""
        ends = self.ends
        return None if ends is None else ends[0] <= self.there.value <= ends[1]


@dataclass(frozen=True)
class Line:
    """A row on a data set and on the further set; ``scored`` is a reason where it has no scores."""

    row: str
    control: Control
    home: Scored | None
    scored: Scored | str
    figures: Mapping[str, Outside]


@dataclass(frozen=True)
class Pair:
    """The rows of a data set on a further set."""

    fitted_on: str
    scored_on: str
    lines: list[Line]

    @cached_property
    def expected(self) -> dict[str, tuple[list[Line], Held]]:
        """By figure the rows that are told of, and how often their intervals would hold."""
        found = {}
        for name in TITLES:
            lines = [x for x in self.lines if not x.control and name in x.figures]
            lines = [x for x in lines if x.figures[name].counts]
            lines = [x for x in lines if self._alike(x, lines[0])]
            own = [line.figures[name] for line in lines]
            ends = [each.ends for each in own if each.ends is not None]
            held = expected(ends, [x.here for x in own], [x.there for x in own]) if own else None
            if held is not None:
                found[name] = lines, held
        return found

    @staticmethod
    def _alike(line: Line, first: Line) -> bool:
        """Whether two rows were scored on the same images, here and there."""
        if line.home is None or first.home is None:
            return False
        one, other = line.scored, first.scored
        if isinstance(one, str) or isinstance(other, str):
            return False
        return line.home.design is first.home.design and one.design is other.design

    @property
    def sizes(self) -> tuple[int, int] | None:
        """Images here and there, as most rows have them."""
        for line in self.lines:
            if line.home is not None and not isinstance(line.scored, str):
                return line.home.n, line.scored.n
        return None


def pairs_of(rows: Sequence[EvaluatedRow], read: Read) -> list[Pair]:
    """Take the figures of all rows, by data set and further set."""
    found: dict[tuple[str, str], Pair] = {}
    for row in rows:
        for (scored_on, _), scored in row.away.items():
            place = row.fitted_on, scored_on
            pair = found.setdefault(place, Pair(*place, []))
            of = read.rows.get((row.fitted_on, row.name, ""))
            figures: dict[str, Outside] = {}
            if not (isinstance(scored, str) or row.home is None or of is None):
                board = {} if of.measured is None else of.measured.figures()
                figures = _figures(row.home, scored, board)
            pair.lines.append(Line(row.name, row.control, row.home, scored, figures))
    return list(found.values())


def _figures(home: Scored, away: Scored, board: Mapping[str, Estimate]) -> dict[str, Outside]:
    labels, counts = np.unique(home.truth, return_counts=True)

    def both(scored: Scored) -> dict[str, Influence]:
        # at the class shares of the board: others would give another accuracy by themselves
        right = scored.said == scored.truth
        recalls = [rate(right, scored.design, scored.truth == label) for label in labels]
        return {
            "roc_auc": roc_auc(scored.samples, scored.design),
            "accuracy": combine(zip(counts / home.n, recalls, strict=True)),
        }

    here, there = both(home), both(away)
    return {
        name: Outside(board[name], here[name], there[name])
        for name in TITLES
        if name in board and board[name].value is not None
    }


def long_form(pairs: Sequence[Pair]) -> list[ProtocolFigure]:
    """Give all figures; those over rows with an empty row."""
    found = []
    for pair in pairs:
        of = {"protocol": KIND, "fitted_on": pair.fitted_on, "scored_on": pair.scored_on}
        for line in pair.lines:
            base: dict[str, Any] = {**of, "row": line.row}
            if isinstance(line.scored, str):
                found.append(ProtocolFigure(**base, metric="roc_auc", reason=line.scored))
                continue
            n = line.scored.n
            for name, its in line.figures.items():
                there = its.there.estimate().model_dump()
                found.append(ProtocolFigure(**base, metric=name, n=n, **there))
                found.append(
                    ProtocolFigure(
                        **base, metric=f"{name} difference", **its.difference.model_dump()
                    )
                )
                if its.held is not None:
                    value = float(its.held)
                    found.append(ProtocolFigure(**base, metric=f"{name} held", value=value))
        for name, (lines, held) in pair.expected.items():
            for line, chance in zip(lines, held.each.tolist(), strict=True):
                base = {**of, "row": line.row, "metric": f"{name} expected to hold"}
                found.append(ProtocolFigure(**base, value=chance))
            base = {**of, "row": "", "n": len(lines)}
            share = sum(bool(line.figures[name].held) for line in lines) / len(lines)
            found.append(ProtocolFigure(**base, metric=f"{name} share held", value=share))
            ends = {"value": held.share, "low": held.low, "high": held.high}
            found.append(ProtocolFigure(**base, metric=f"{name} share expected", **ends))
    return found


def sections(pairs: Sequence[Pair]) -> dict[str, list[Section]]:
    """Put each data set and its further set into a section of tables."""
    found: dict[str, list[Section]] = {}
    for pair in pairs:
        facts = [*_calibration(pair), *_facts(pair)]
        grids = [_grid(pair, name) for name in TITLES if any(name in x.figures for x in pair.lines)]
        section = Section(
            f"Outside: {pair.scored_on}",
            (_MEANING, *facts),
            tuple(grids),
            plainly=(_IN_SHORT, *facts),
        )
        found.setdefault(pair.fitted_on, []).append(section)
    return found


_IN_SHORT = (
    "The rows on all labelled images of a further set. Where it is of the origin of the test"
    " images, figures differ by chance alone; where it is not, differences are shift, and say"
    " nothing of the intervals."
)
_MEANING = (
    f"{_IN_SHORT} The figure there has an error of its own, so that an interval of 95 % holds it"
    " less often, were the truth the same: that chance follows from the images of both. An interval"
    " of the difference heeds both errors, and holds 0 in 95 of 100 such cases."
)


def _calibration(pair: Pair) -> list[str]:
    """Say how many intervals held, and how many would have."""
    said = []
    for name, (lines, held) in pair.expected.items():
        n = sum(bool(line.figures[name].held) for line in lines)
        near = sum(_holds_nothing(line.figures[name].difference) for line in lines)
        text = (
            f"{TITLES[name]}: {n} of {counted(len(lines), 'interval')} held the figure there"
            f" ({_percent(n / len(lines))}), where {_percent(held.share)} are expected of equal"
            f" truth; {near} of {len(lines)} intervals of the difference hold 0."
        )
        left = sum(not x.control and name in x.figures for x in pair.lines) - len(lines)
        if left:
            text += (
                f" {counted(left, 'row')} without an interval, or with a figure of 0 or 1 on either"
                " side, left out."
            )
        if len(lines) > 1:
            text += (
                " Rows share images and are no independent trials: the share is between"
                f" {_percent(held.low)} and {_percent(held.high)} in 95 of 100 such pairs of sets."
            )
        said.append(text)
    return said


def _holds_nothing(difference: Estimate) -> bool:
    low, high = difference.low, difference.high
    return low is not None and high is not None and low <= 0 <= high


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _facts(pair: Pair) -> list[str]:
    said = []
    if pair.sizes is not None:
        here, there = map(wording.count, pair.sizes)
        said.append(f"Images: {here} of {pair.fitted_on}, {there} of {pair.scored_on}.")
    scored = [line.scored for line in pair.lines if not isinstance(line.scored, str)]
    seen = max((each.n_seen for each in scored), default=0)
    copied = max((each.n_copied or 0 for each in scored), default=0)
    shared = max((each.n_shared or 0 for each in scored), default=0)
    if n := max(seen, copied):
        said.append(
            f"{counted(n, 'image')} of {pair.scored_on} {'is' if n == 1 else 'are'} among those"
            " that rows were fitted or tuned on, or a copy of one: figures there are too good."
        )
    if shared:
        said.append(
            f"{counted(shared, 'image')} of {pair.scored_on} {'is' if shared == 1 else 'are'} among"
            " the images of the board's figures, or a copy of one: the sets are not independent,"
            " and more intervals hold than they should."
        )
    if any(_balance(line) for line in pair.lines):
        said.append(
            f"Classes have other shares in {pair.scored_on}: accuracy there is that at the shares"
            f" of the images of {pair.fitted_on}."
        )
    if any(each.n_copied is None for each in scored):
        said.append(f"Nobody has looked for copies among the images of {pair.scored_on}.")
    reasons: dict[str, list[str]] = {}
    for line in pair.lines:
        if isinstance(line.scored, str):
            reasons.setdefault(line.scored, []).append(line.row)
    said += [f"Without figures: {', '.join(rows)}: {why}." for why, rows in reasons.items()]
    return said


def _balance(line: Line) -> bool:
    """Whether a class has another share of the images there, by more than a point."""
    if line.home is None or isinstance(line.scored, str):
        return False
    here, there = (
        np.array([(its.truth == label).mean() for label in np.unique(line.home.truth)])
        for its in (line.home, line.scored)
    )
    return bool((np.abs(here - there) > 0.01).any())


def _grid(pair: Pair, name: str) -> Grid:
    mark = CHANCE if name == "roc_auc" else None
    columns = (
        Column("row", text=True, rising=True),
        Column("board", mark=mark),
        Column("there", mark=mark),
        Column("difference"),
        Column("held", text=True),
        Column("chance to"),
    )
    lines, held = pair.expected.get(name, ([], None))
    each = [] if held is None else held.each.tolist()
    chances = dict(zip((line.row for line in lines), each, strict=True))
    told = []
    for line in pair.lines:
        its = line.figures.get(name)
        if its is None:
            continue
        chance = chances.get(line.row)
        words = {True: "yes", False: "no", None: wording.GAP}[its.held]
        cells = (
            name_cell(line.row, control=line.control),
            figure_cell(its.board, drawn=True),
            figure_cell(its.there.estimate(), drawn=True),
            difference_cell(its.difference),
            Cell(words, words),
            Cell(wording.figure(chance), chance),
        )
        told.append((line.control, cells))
    return Grid(columns, blocks_of(told), f"{TITLES[name]} on the board and on {pair.scored_on}")

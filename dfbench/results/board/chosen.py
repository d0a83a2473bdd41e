"""What rows chose on their tuning split, and learnt to weigh their features by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dfbench.results.board.board import Fit, Line, Table
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, name_cell

_TEXT = (
    "Parameters of the model, with which the figures were made; the score from which on the"
    " positive class is decided for, where a rule chose one; of rows that are made of others the"
    " temperature of their calibration and the weight of each. All of it was chosen on {}."
)
_WEIGHED = (
    "What models weigh each family of features by, the largest first; of a row the weights sum to"
    " 1{}. They were learnt of the training images, and tell which families the row uses at all:"
    " not what each is worth by itself."
)


def section(table: Table, *, seeds: bool) -> Section | None:
    """Lay out what the rows of a data set chose, a line a cell; None where none chose anything.

    Parameters
    ----------
    table
        Of the data set.
    seeds
        Whether rows have several seeds anywhere.
    """
    found = [(line, fit) for line in table.measured for fit in line.fits if _said(fit)]
    if not found:
        return None
    known = {name: any(value(fit) is not None for _, fit in found) for name, value in _CUTS.items()}
    weighed = any(fit.combination for _, fit in found)
    columns = [Column("row", text=True, rising=True)]
    splits = any(fit.split for _, fit in found)
    columns += [Column("split", text=True, rising=True)] if splits else []
    columns += [Column("seed", rising=True)] if seeds else []
    columns += [Column(name) for name, some in known.items() if some]
    columns += [Column("made of", text=True)] if weighed else []
    columns += [Column("parameters", text=True)]

    def cells(line: Line, fit: Fit) -> tuple[Cell, ...]:
        return (
            name_cell(line.row, control=line.control),
            *([_words(fit.split)] if splits else []),
            *([Cell(str(fit.seed), fit.seed)] if seeds else []),
            *(_number(value(fit)) for name, value in _CUTS.items() if known[name]),
            *([_words(made_of(fit))] if weighed else []),
            _words(parameters(fit.params)),
        )

    blocks = blocks_of((line.control, cells(line, fit)) for line, fit in found)
    where = " or ".join(dict.fromkeys(line.tuned_on or "the tuning split" for line, _ in found))
    text = _TEXT.format(where)
    return Section("Chosen parameters", (text,), (Grid(tuple(columns), blocks),), folded=True)


def block_weights(table: Table) -> Section | None:
    """Lay out what rows weigh their families of features by; None where none has learnt weights.

    Parameters
    ----------
    table
        Of the data set.
    """
    found = [(line, its) for line in table.measured if (its := _mean_weights(line))]
    if not found:
        return None
    columns = (Column("row", text=True, rising=True), Column("weights", text=True))
    blocks = blocks_of(
        (line.control, (name_cell(line.row, control=line.control), _words(_shares(its))))
        for line, its in found
    )
    several = any(len(line.fits) > 1 for line, _ in found)
    text = _WEIGHED.format(", and are means over its seeds and divisions" if several else "")
    return Section("Block weights", (text,), (Grid(columns, blocks),), folded=True)


def by_fit(line: Line, value: Callable[[Fit], Any]) -> str | None:
    """Write what each cell of a line has as JSON, by seed; None where no cell has anything."""
    found = {fit.name: value(fit) for fit in line.fits}
    known = {seed: its for seed, its in found.items() if its is not None and its != {}}
    return json.dumps(known, ensure_ascii=False) if known else None


def parameters(params: Mapping[str, Any]) -> str:
    """Word parameters: ``C=3, gamma=0.05662``; what is itself of several in braces."""
    return ", ".join(f"{name}={_worded(value)}" for name, value in params.items())


def made_of(fit: Fit) -> str:
    """Word what a derived row is made of: ``0.25 hsv/knn + 0.75 lbp/svm``."""
    members = fit.combination.get("members") or []
    weights = fit.weights or {}
    return " + ".join(f"{weights[row]:.3g} {row}" if row in weights else row for row in members)


def _mean_weights(line: Line) -> dict[str, float]:
    """Give the mean of each weight over cells that weigh the same families; empty for none."""
    own = [fit.block_weights for fit in line.fits if fit.block_weights]
    if any(its.keys() != own[0].keys() for its in own):
        return {}  # nothing tells which is which
    return {name: sum(its[name] for its in own) / len(own) for name in (own[0] if own else ())}


def _shares(weights: Mapping[str, float]) -> str:
    """Word weights: ``fft 0.61, hsv 0.39; none for lbp``."""
    order = sorted(weights.items(), key=lambda each: -each[1])
    some = ", ".join(f"{name} {share:.2f}" for name, share in order if share)
    without = [name for name, share in order if not share]
    none = f"none for {', '.join(without)}" if without else ""
    return "; ".join(filter(None, (some, none)))


def _said(fit: Fit) -> bool:
    return bool(fit.params or fit.combination) or fit.threshold is not None


def _worded(value: Any) -> str:
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "none"}[value]
        case float():
            return f"{value:.4g}"
        case Mapping():
            return f"{{{parameters(value)}}}"
        case list() | tuple():
            return f"[{', '.join(map(_worded, value))}]"
    return str(value)


_CUTS: Mapping[str, Callable[[Fit], float | None]] = {
    "threshold": lambda fit: fit.threshold,
    "temperature": lambda fit: fit.temperature,
}


def _number(value: float | None) -> Cell:
    return Cell(wording.figure(value), value)


def _words(text: str) -> Cell:
    return Cell(text or wording.GAP, text)

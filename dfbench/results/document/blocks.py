"""Blocks that a document consists of, as plain data that each form writes in its own way.

What computes figures makes `Section` objects; Markdown, HTML, LaTeX and the terminal show them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Column:
    """A heading.

    Attributes
    ----------
    title
        Its words.
    text
        Whether its cells are words, to the left and sorted as such; else numbers to the right.
    rising
        Whether the small, or the first by the alphabet, is the better end to sort from.
    mark
        Where a line crosses the intervals that are drawn, e.g. at chance.
    """

    title: str
    text: bool = False
    rising: bool = False
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a column.

    Attributes
    ----------
    shown
        In words, e.g. ``0.873``.
    value
        What it is sorted by; None is a gap.
    detail
        What belongs to it in small, e.g. its interval.
    bold
        Whether it stands out.
    heat
        From 0 to 1, in a heat map; None where there is none.
    span
        Ends of the interval, where a page is to draw it beside the value: between 0 and 1.
    columns
        How many columns it takes. What takes several says why figures are missing; `detail` then
        stands only where there is room.
    row, dataset
        The row, the data set that it names; "" where it names none. A page filters by them.
    """

    shown: str
    value: int | float | str | None = None
    detail: str = ""
    bold: bool = False
    heat: float | None = None
    span: tuple[float, float] | None = None
    columns: int = 1
    row: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes
    ----------
    columns
        Its headings; the first that is text names the rows.
    blocks
        Blocks of rows with a line between them, each row with a cell for each column.
    title
        Above it, where a section has several.
    row, dataset
        The row, the data set that it is about alone; "" where it is about several.
    """

    columns: tuple[Column, ...]
    blocks: tuple[tuple[tuple[Cell, ...], ...], ...]
    title: str = ""
    row: str = ""
    dataset: str = ""


def _told(value: Any) -> tuple[str, str]:
    """Give caption and name of a chart that was kept."""
    match value:
        case {"caption": str(caption), "name": str(name)}:
            return caption, name
    raise ValueError("no chart")


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture, drawn when a form that shows pictures asks for it.

    Attributes
    ----------
    caption
        What it shows.
    name
        Of its file, without ending.
    draw
        Makes it.
    """

    caption: str
    name: str
    draw: Callable[[], Figure] = field(compare=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Keep caption and name alone; who reads them again says how a chart is drawn.

        That is ``again`` in the context of the validation: from caption and name to the chart.
        """
        return core_schema.with_info_plain_validator_function(
            lambda value, info: info.context["again"](*_told(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda chart: {"caption": chart.caption, "name": chart.name}
            ),
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document under a heading of its own.

    Attributes
    ----------
    title
        Its heading.
    text
        Paragraphs, each of whole sentences.
    grids, charts
        Tables and pictures, in this order.
    folded
        Whether a page shows it only when it is opened.
    secondary
        Whether a terminal, which is short of room, leaves it out; so it does what is folded.
    brief
        What a terminal shows of it in that case, if anything.
    """

    title: str
    text: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    charts: tuple[Chart, ...] = ()
    folded: bool = False
    secondary: bool = False
    brief: Grid | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of the document."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Whole sentences; `short` is what a terminal says instead, where it is not empty."""

    text: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Legend(Paragraph):
    """How the figures of the document are to be read."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader must know before any figure, without its full stop."""

    kind: Literal["Warning", "Note"]
    text: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows have no figures: rows that share a status and its reason."""

    status: str
    reason: str
    rows: list[str]

    @property
    def said(self) -> str:
        """The reason in words, also where none was given."""
        return self.reason or "no reason given"


@dataclass(frozen=True, slots=True)
class Reasons:
    """All reasons of a data set; at least one."""

    reasons: tuple[Reason, ...]

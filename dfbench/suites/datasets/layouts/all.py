"""All layouts: the one list that cards and their errors go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_args

from pydantic import Field

from dfbench.suites.datasets.layouts.base import Layout
from dfbench.suites.datasets.layouts.filename import FilenameLayout
from dfbench.suites.datasets.layouts.folders import FoldersLayout
from dfbench.suites.datasets.layouts.function import FunctionLayout
from dfbench.suites.datasets.layouts.paths import PathsLayout
from dfbench.suites.datasets.layouts.table import TableLayout

_Each = FoldersLayout | TableLayout | FilenameLayout | PathsLayout | FunctionLayout

AnyLayout = Annotated[_Each, Field(discriminator="kind")]
"""Type of ``layout`` in a card."""


def _by_kind() -> dict[str, type[Layout]]:
    each: tuple[type[Layout], ...] = get_args(_Each)
    return {get_args(layout.model_fields["kind"].annotation)[0]: layout for layout in each}


LAYOUTS = _by_kind()
"""``layout.kind`` of a card to its class."""


@dataclass(frozen=True, slots=True)
class Known:
    """A layout, for lists: ``title`` says what it is."""

    name: str
    title: str


KNOWN = tuple(
    Known(kind, (layout.__doc__ or "").partition("\n")[0].removesuffix("."))
    for kind, layout in LAYOUTS.items()
)

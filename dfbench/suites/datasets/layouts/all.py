"""All layouts: the one list that cards, their errors and the recognition of folders go by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

from pydantic import Field

from dfbench.suites.datasets.layouts.base import Layout
from dfbench.suites.datasets.layouts.filename import FilenameLayout
from dfbench.suites.datasets.layouts.folders import FoldersLayout
from dfbench.suites.datasets.layouts.table import TableLayout

# the list; what is further down is tried first where a folder is to be recognised
_Each = FoldersLayout | TableLayout | FilenameLayout

AnyLayout = Annotated[_Each, Field(discriminator="kind")]
"""Type of ``layout`` in a card."""


def _by_kind() -> dict[str, type[Layout]]:
    each: tuple[type[Layout], ...] = get_args(_Each)
    return {get_args(layout.model_fields["kind"].annotation)[0]: layout for layout in each}


LAYOUTS = _by_kind()
"""``layout.kind`` of a card to its class."""


def recognise(root: Path) -> tuple[Layout, list[str]] | None:
    """Find the layout and the classes of a plain folder; None where no layout recognises it.

    Raises
    ------
    DataError
        If a layout recognises it, but something in it is amiss.
    """
    for layout in reversed(LAYOUTS.values()):
        found = layout.recognise(root)
        if found is not None:
            return found
    return None

"""``dfbench explain``: why a trained model says what it says of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.options import ModelData, ModelRow, ModelSource, Plugins, Threshold
from dfbench.cli.screen import out, say, write

if TYPE_CHECKING:
    from dfbench.detectors.explaining.contributions import Bin

_VALUES = 6
"""Lines of the table."""


def explain(
    model: ModelSource,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The picture.")],
    out_file: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="PNG file to draw.")
    ] = Path("explained.png"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures as an object, instead of words.")
    ] = False,
    threshold: Threshold = None,
    places: Annotated[
        int | None,
        typer.Option(
            min=4,
            max=400,
            metavar="N",
            help="How many places of the picture are covered; by default 36, fewer in large ones.",
        ),
    ] = None,
    row: ModelRow = None,
    data: ModelData = None,
    plugin: Plugins = None,
) -> None:
    """Draw why a model says what it says of a picture.

    Of any model: which places speak, each covered in turn. Of features: which families and which
    of their values speak, for which class. Of networks: Grad-CAM. All of it tells how the model
    came to its verdict, not what is wrong with the picture.
    """
    from dfbench.detectors.explaining import words
    from dfbench.detectors.explaining.drawing import check_path, draw
    from dfbench.detectors.explaining.explanation import explain as explained
    from dfbench.detectors.explaining.plain import plain
    from dfbench.detectors.opening import open_model
    from dfbench.results.texts import json_text

    check_path(out_file, image)
    detector = open_model(model, row=row, dataset=data, plugins=plugin or ())
    found = explained(detector, image, threshold=threshold, places=places)
    draw(found, out_file)
    if as_json:
        write(json_text(plain(found)))
        return
    for said in words.sentences(found):
        say(said)
    leading = found.leading
    if leading is not None and leading.contributions is not None:
        _values(leading.contributions.bins[:_VALUES], leading.row if found.several else "")
    say(out_file)


def _values(bins: Sequence[Bin], row: str) -> None:
    """Print the values that speak most, beside what is typical."""
    from dfbench.cli.tables import plain_row, plain_table

    numbers = ("this picture", "typical", "log odds")
    table = plain_table(row or "speaks most", *numbers, right=numbers)
    for each in bins:
        told = (f"{each.value:.3g}", f"{each.typical:.3g}", f"{each.contribution:+z.2f}")
        plain_row(table, each.name, *told)
    out().print(table)

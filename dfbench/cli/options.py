"""What several commands share: options and exit statuses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.errors import CardError
from dfbench.files import at_home

COMMAND = "dfbench.command"
"""Where a context's ``meta`` has what was typed."""
RESULTS = "Folder of the results, or the file that dfbench pack made of one."
"""Help for the results that a command only reads."""
EXIT_ERROR = 2
"""What was asked for cannot be done: nothing was run."""
EXIT_FAILED = 3
"""The run is over, and at least one row failed."""

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A data set's name, its card (.toml), a folder, an archive"
        " (.zip, .tar) or shards (.parquet, .tar); NAME=DATA gives it a name.",
        autocompletion=completing.datasets,
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="FOLDER", help="Folder of the images, where the card leaves it open."
    ),
]
Classes = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help="Which folders of a plain folder are the classes: real=FOLDER+FOLDER,fake=FOLDER;"
        " a level of folders (1: outermost, -1: innermost); a column of a table; or a regular"
        " expression with (?P<label>...) for names of files.",
    ),
]
Kinds = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help="Which folders tell the kind of a fake: their names, a level of folders, a column"
        " of a table, a regular expression with (?P<kind>...), or none.",
    ),
]
Groups = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help="What tells the source (video, person) of an image: a level of folders, a column of"
        " a table, a regular expression with (?P<group>...), or none.",
    ),
]
Splits = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help="Which folders are the splits: train=FOLDER,test=FOLDER; a level of folders; a"
        " column of a table; or none, to divide all images anew.",
    ),
]
ModelSource = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A model file (.dfb), or a results folder: of that the row on top of the board.",
    ),
]
ModelRow = Annotated[
    str | None,
    typer.Option(
        "--row",
        metavar="ROW",
        help="Of a results folder: another row.",
        autocompletion=completing.rows_kept,
    ),
]
ModelData = Annotated[
    str | None,
    typer.Option("--data", "-d", metavar="NAME", help="Of a results folder: which data set."),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="P",
        help="Probability from which on it says the positive class, instead of the model's own.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        help="Workers; by default one a core, at most 8 (4 with a GPU).",
    ),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="Python file with parts of your own (@dfbench.extractor, ...); repeatable.",
    ),
]


def parse_roots(items: list[str] | None, option: str = "--root") -> dict[str, Path]:
    """Read ``NAME=FOLDER`` options.

    Raises
    ------
    CardError
        Where one has another form.
    """
    roots = {}
    for item in items or []:
        name, equals, folder = item.partition("=")
        if not equals or not name or not folder:
            raise CardError(f"not of the form NAME=FOLDER: {item!r}", where=option)
        roots[name] = at_home(folder)
    return roots

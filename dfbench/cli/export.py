"""``dfbench export``: a row's trained model as one file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import Plugins
from dfbench.cli.screen import say
from dfbench.errors import OutputError


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")],
    row: Annotated[
        str,
        typer.Argument(
            metavar="ROW",
            help="A row of its leaderboard.",
            autocompletion=completing.rows_kept,
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="NAME", help="Which data set, of several."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Which seed; by default the lowest."),
    ] = None,
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Model file to write; by default ROW-on-DATA.dfb."
        ),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Write the trained model of a row into one file, which works wherever dfbench is installed.

    The file holds no images. It tells its figures with intervals, what it was trained on and the
    warnings of the leaderboard, also as a model card (README.md in it, as in any ZIP archive).
    """
    from dfbench.detectors.archive import SUFFIX, write
    from dfbench.detectors.kept import KeptModels

    models = KeptModels(folder, plugin or ())
    entry = models.entry(row, data, seed)
    path = out_file or Path(f"{_plain(entry.row)}-on-{_plain(entry.dataset)}{SUFFIX}")
    _check_free(path)
    bundle = models.bundle(entry)
    size = write(path, bundle)
    auc = bundle.contents.figures.get("roc_auc")
    said = ""
    if auc is not None and auc.value is not None:
        said = f", ROC AUC {auc.value:.3f}"
        if auc.low is not None and auc.high is not None:
            said += f" [{auc.low:.3f}, {auc.high:.3f}]"
    say(f"{path}: {entry.row} on {entry.dataset}{said}, {size / 1e6:.1f} MB")


def _plain(name: str) -> str:
    """Make a name one that every file system takes."""
    return re.sub(r"[^A-Za-z0-9_+=.-]+", "-", name).strip("-.")[:80] or "model"


def _check_free(path: Path) -> None:
    """Refuse to write over what is no model file."""
    from dfbench.detectors.archive import is_model_file

    if path.is_dir() or (path.exists() and not is_model_file(path)):
        raise OutputError("is there, and is no model file", where=path, hint="give another --out")

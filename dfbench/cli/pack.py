"""``dfbench pack``: results in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import Plugins
from dfbench.cli.screen import say
from dfbench.plain import in_line


def pack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path(
        "dfbench-results"
    ),
    out_file: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="By default DIR.dfbench.zip."),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="Put the fitted models in, too: they may be large.")
    ] = False,
    plugin: Plugins = None,
) -> None:
    """Make one file of results, to be read and verified by somebody without the images.

    dfbench verify, leaderboard, compare and reproduce take it as they take the folder. It holds
    the board in all forms, scores, records, findings, pictures and how all was made; no images.
    The same folder gives the same bytes.
    """
    from dfbench.files import beside, resolved
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.results.records.packing import SUFFIX, left_out
    from dfbench.results.results import load_results

    folder = folder.expanduser()
    file = beside(folder, resolved(folder).name + SUFFIX)
    file = file if out_file is None else out_file.expanduser()
    size = load_results(folder, plugins=plugin or ()).pack(file, models=models)
    say(f"packed: {file}, {size / 1e6:,.1f} MB")
    if others := left_out(ResultsFolder(folder)):
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        shown = ", ".join(map(in_line, others[:3]))
        say(f"left out, for dfbench has not written it: {shown}{more}")

"""``dfbench cite``: how results were made, in sentences for a paper, and whom to cite."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import RESULTS, Plugins
from dfbench.cli.screen import err, write
from dfbench.errors import OutputError


class Form(StrEnum):
    """What is printed."""

    md = "md"
    tex = "tex"
    bib = "bib"


def cite(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=RESULTS)] = Path("dfbench-results"),
    plugin: Plugins = None,
    form: Annotated[
        Form,
        typer.Option(
            "--format",
            "-f",
            help="md: the sentences, and the references; tex: the sentences with \\cite; bib: the"
            " entries for BibTeX.",
        ),
    ] = Form.md,
) -> None:
    """Tell in sentences for a paper how results were made, and what is to be cited.

    All of it is from the records of the results: data, rows, choices, figures, tests, versions.
    """
    from dfbench.benchmark.methods import methods
    from dfbench.results.records.packing import as_folder
    from dfbench.results.render import cited

    with err().status("reading"), as_folder(folder.expanduser()) as laid:
        said = methods(laid, plugin or ())
    if not said:
        raise OutputError("no row has figures yet", where=folder)
    written = {Form.md: cited.to_markdown, Form.tex: cited.to_tex, Form.bib: cited.to_bibtex}
    write(written[form](said))

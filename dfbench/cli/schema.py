"""``dfbench schema``: what stands in the files of a results folder, for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from dfbench.cli.screen import out
from dfbench.cli.screen import write as print_document


def schema(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="leaderboard, protocols, figures or record."),
    ] = None,
) -> None:
    """Print the JSON Schema of a file of results; without a name, which there are."""
    from dfbench.cli.tables import plain_row, plain_table
    from dfbench.results.render.schema import SCHEMAS
    from dfbench.results.render.schema import schema as schema_of
    from dfbench.results.texts import json_text

    if name is not None:
        print_document(json_text(schema_of(name)))
        return
    table = plain_table("name", "version", "of")
    for key, told in SCHEMAS.items():
        plain_row(table, key, told.version, told.file)
    out().print(table)

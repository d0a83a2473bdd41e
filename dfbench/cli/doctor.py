"""``dfbench doctor``: what this machine can run, and how to mend what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.options import Plugins, out, shown

if TYPE_CHECKING:
    from dfbench.doctor.examination import Examination

_EXIT_BROKEN = 1


def doctor(
    plugin: Plugins = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print all that was found as JSON, for programs.")
    ] = False,
) -> None:
    """Tell what this machine can run, what is missing, and how to mend it.

    The exit status is 1 where something that is needed, or was installed, does not work.
    What is optional and absent is no failure.
    """
    from dfbench.doctor.examination import examine

    found = examine(plugin or ())
    if json:
        from json import dumps

        typer.echo(dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(found)
    if found.broken:
        raise typer.Exit(_EXIT_BROKEN)


def _print(found: Examination) -> None:
    from rich.table import Table

    from dfbench.cli.tables import plain_row

    console = out()
    for section, findings in found.sections.items():
        console.print(section, style="bold", highlight=False)
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(min_width=7)
        table.add_column(overflow="fold")
        for each in findings:
            plain_row(table, each.state, shown(f"{each.name}: {each.said}"))
            if each.remedy:
                plain_row(table, "", shown(f"-> {each.remedy}"))
        console.print(table)
    broken = len(found.broken)
    console.print(f"{broken} broken" if broken else "all that is needed is there", style="bold")

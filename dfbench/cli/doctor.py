"""``dfbench doctor``: what this machine can run, and how to mend what is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.options import Plugins
from dfbench.cli.screen import out, write
from dfbench.plain import in_line

if TYPE_CHECKING:
    from rich.console import Console

    from dfbench.doctor.examination import Examination

_EXIT_BROKEN = 1
_WHOLE = re.compile(r"(https?://[^\s,;)]+|[^\s,;]{60,})")
"""Addresses, and paths that a terminal would break."""


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
        from dfbench.results.texts import json_text

        write(json_text(found.as_json()))
    else:
        _print(found)
    if found.broken:
        raise typer.Exit(_EXIT_BROKEN)


def _print(found: Examination) -> None:
    console = out()
    for section, findings in found.sections.items():
        console.print(section, style="bold", highlight=False)
        for each in findings:
            _say(console, each.state, f"{each.name}: {each.said}")
            if each.remedy:
                _say(console, "", f"-> {each.remedy}")
    broken = len(found.broken)
    console.print(f"{broken} broken" if broken else "all that is needed is there", style="bold")


def _say(console: Console, state: str, text: str) -> None:
    """Print a finding beside its state; what is to be copied whole has a line of its own.

    Where it is piped on, all of it is a line.
    """
    from rich.table import Table
    from rich.text import Text

    from dfbench.cli.tables import plain_row

    if not console.is_terminal:
        console.print(f"{state:<9}{in_line(text)}")
        return
    for part in _WHOLE.split(in_line(text)):
        if _WHOLE.fullmatch(part):
            console.print(Text(part), soft_wrap=True)
        elif part.strip():
            table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
            table.add_column(min_width=7)
            table.add_column(overflow="fold")
            plain_row(table, state, part.strip())
            console.print(table)
            state = ""

"""``dfbench plugin``: parts of one's own, begun from a template and checked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfbench.cli.options import EXIT_ERROR, EXIT_FAILED, Plugins
from dfbench.cli.screen import err, out, say
from dfbench.plain import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from dfbench.testing.checks import Outcome, Report

app = typer.Typer(no_args_is_help=True, help="Parts of your own: begin a package, check it.")

_STYLES = {"failed": "red", "warning": "yellow", "note": "dim", "unknown": "dim", "passed": "green"}
_WORDS = {"failed": "fault", "warning": "warning", "note": "-", "unknown": "?", "passed": "ok"}


class Kind(StrEnum):
    """Kinds of parts that there are templates of."""

    extractor = "extractor"
    model = "model"
    network = "network"


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the part and of the package.")],
    kind: Annotated[Kind, typer.Option("--kind", "-k", help="What it brings.")] = Kind.extractor,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="New folder; by default ./NAME."),
    ] = None,
) -> None:
    """Write a small package with one part, a test and an entry point; nothing is overwritten."""
    from dfbench.testing.scaffold import write

    folder = out_folder or Path(name)
    made = write(name, kind.value, folder)
    for path in made:
        say(f"wrote {path}")
    say(f"next: pip install -e {folder}")
    say(f"      dfbench plugin check {name}")


@app.command("check")
def check(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="A plugin (file or folder), the name of a part or of its package, or an import"
            " path (module:name).",
        ),
    ] = None,
    plugin: Plugins = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every check, not only what is wrong.")
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(
            min=0.5,
            metavar="S",
            help="Seconds that one call may take; five times as many for networks.",
        ),
    ] = 30.0,
    memory: Annotated[
        float, typer.Option(min=0.1, metavar="GB", help="Memory that a part may take.")
    ] = 4.0,
) -> None:
    """Say what is wrong with extractors and models of others, where, and why it matters.

    Each is tried in a process of its own. The exit status is 3 where a check failed, and 2 where
    one could not be made.
    """
    from rich.text import Text

    from dfbench.testing.apart import Limits
    from dfbench.testing.examining import examine, find

    if target is None and not plugin:
        raise typer.BadParameter("a TARGET or a --plugin is wanted")
    limits = Limits(seconds, int(memory * 2**30))
    targets = [target] if target is not None else [str(path) for path in plugin or ()]
    files = (plugin or []) if target is not None else []
    notes, console = err(), out()
    reports: list[Report] = []
    for each in targets:
        with notes.status(Text(f"loading {each}")):
            found = find(each, files, limits)
        for subject in found:
            with notes.status(Text(f"checking {subject.name}")) as status:
                report = examine(
                    subject,
                    limits,
                    progress=lambda check, part=subject.name, line=status: line.update(  # type: ignore[misc]
                        Text(f"checking {part}: {check}")
                    ),
                )
            if reports:
                console.print()
            for block in _blocks(report, verbose):
                console.print(block)
            reports.append(report)
    sound = sum(report.sound for report in reports)
    if len(reports) > 1:
        said = f"{counted(len(reports), 'part')}: {sound} sound, {len(reports) - sound} not"
        console.print(f"\n{said}")
    if any(report.among("failed") for report in reports):
        raise typer.Exit(EXIT_FAILED)
    if sound < len(reports):
        raise typer.Exit(EXIT_ERROR)


def _blocks(report: Report, verbose: bool) -> list[RenderableType]:
    from rich.text import Text

    shown = report.outcomes if verbose else report.among("failed", "warning")
    of = f"  {report.kind} of {report.owner}: "
    blocks: list[RenderableType] = [Text.assemble((report.name, "bold"), of, _verdict(report))]
    if shown:
        blocks.append(_table(shown))
    blocks += [Text(line, style="dim") for line in _below(report, verbose)]
    return blocks


def _verdict(report: Report) -> tuple[str, str]:
    n, doubts = len(report.among("failed")), len(report.among("warning"))
    warned = counted(doubts, "warning")
    if n:
        words = counted(n, "fault")
        return (f"{words}, {warned}" if doubts else words), "bold red"
    if report.stopped:
        return "cannot be checked here", "yellow"
    if not report.sound:
        return "not all of it can be checked here", "yellow"
    return (f"sound, {warned}", "bold yellow") if doubts else ("sound", "bold green")


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for wraps in (False, False, True):
        table.add_column(no_wrap=not wraps)
    for each in outcomes:
        mark = Text(_WORDS[each.status], style=_STYLES[each.status])
        at = f" ({each.where})" if each.where else ""
        said = Text(f"{each.found}{at}" if each.found else each.promise)
        if each.status in ("note", "unknown", "passed"):
            said.stylize("dim")
        table.add_row(mark, Text(each.check), said)
        for word, text in (("why", each.why), ("do", each.advice)):
            if text:
                table.add_row("", "", Text.assemble((f"{word}: ", "dim"), text))
    return table


def _below(report: Report, verbose: bool) -> list[str]:
    left = report.among("unknown")
    made = len(report.outcomes) - len(left)
    line = f"{counted(made, 'check')} in {report.seconds:.1f} s"
    if facts := report.facts:
        line += f"; {facts['ms']:.2f} ms, {facts['mb']:.1f} MB an image "
        line += f"(hsv {facts['hsv_ms']:.2f} ms, decoding {facts['decoding_ms']:.2f} ms)"
    if report.stopped and not report.among("failed"):
        return [report.reason]
    if report.stopped:
        return [f"{line}: nothing else can be looked at before"]
    if left and not verbose:
        names = ", ".join(each.check for each in left)
        return [line, f"not made: {names}" + (f" ({report.reason})" if report.reason else "")]
    return [line]

"""``dfbench data``: look at data sets, check them, write and register their cards."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from dfbench.cli import completing
from dfbench.cli.options import Classes, Data, Groups, Kinds, Plugins, Root, Splits
from dfbench.cli.screen import err, out, say, tell
from dfbench.errors import DataError, DfbenchError
from dfbench.plain import counted, in_line

if TYPE_CHECKING:
    from rich.table import Table

    from dfbench.benchmark.audits.base import Finding
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.suites.datasets.inspection.description import Description, Spread
    from dfbench.suites.datasets.inspection.tree import Branch
    from dfbench.suites.datasets.manifest import Dataset

app = typer.Typer(no_args_is_help=True, help="Look at, check and register data sets.")

EXIT_FINDINGS = 1
"""`data check` found broken images, or a data set that cannot be run."""


def _load(
    source: str,
    root: Path | None,
    asked: Sequence[str],
    reporter: ConsoleReporter,
    *,
    check: bool = False,
    plugins: Sequence[Path] = (),
) -> Dataset:
    """Load a data set to be looked at, whether or not it can be run."""
    from dfbench.suites.datasets.inference.read_as import ReadAs
    from dfbench.suites.datasets.loading import load_dataset

    progress = reporter.stage(f"{source}: images")
    return load_dataset(
        source,
        root=root,
        plugins=plugins,
        asked=ReadAs(*asked),
        check=check,
        progress=progress,
        incomplete=True,
    )


def _hinder(hindrance: str) -> None:
    """Say first why nothing can be run on a data set."""
    if hindrance:
        _say_wrapped(f"cannot be run: {hindrance}")


@app.command("describe")
def describe(
    data: Data,
    root: Root = None,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
    plugin: Plugins = None,
) -> None:
    """Show how a data set is read, counts by split and class, sizes and formats."""
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.suites.datasets.inference.reading import OTHERWISE
    from dfbench.suites.datasets.inspection.description import describe as count
    from dfbench.suites.datasets.inspection.hindrance import hindrance_of
    from dfbench.suites.datasets.inspection.tree import tree

    with ConsoleReporter(err()) as reporter:
        try:
            dataset = _load(
                data, root, (classes, kinds, groups, splits), reporter, plugins=plugin or ()
            )
        except DataError:
            _show_unread(data, root)
            raise
        found = count(dataset)
    _hinder(hindrance_of(dataset))
    out().print(Text(in_line(found.name), style="bold"))
    if dataset.reading:
        _say_wrapped(f"read as: {dataset.reading} ({OTHERWISE})")
    for warning in dataset.warnings:
        _say_wrapped(f"warning: {warning}")
    _draw(tree(dataset))
    _show(found)


def _say_wrapped(text: str) -> None:
    for line in textwrap.wrap(in_line(text), 80, subsequent_indent="  "):
        say(line)


def _show_unread(data: str, root: Path | None) -> None:
    """Draw a plain folder of which it is not clear how it is read."""
    from dfbench.suites.datasets.catalogue import plain_folder
    from dfbench.suites.datasets.inspection.tree import bare_tree

    folder = plain_folder(data, root)
    branches = bare_tree(folder) if folder is not None else []
    if branches and branches[0].images:
        _draw(branches)


def _draw(branches: list[Branch]) -> None:
    """Draw the folders with what is read of them."""
    from dfbench.cli.tables import plain_row, plain_table

    table = plain_table("folder", "images", "told by it", right=["images"])
    for branch in branches:
        plain_row(table, "  " * branch.depth + branch.name, f"{branch.images:,}", branch.told)
    out().print(table)


def _show(found: Description) -> None:
    from dfbench.cli.tables import plain_facts

    console = out()
    labels = list(dict.fromkeys(name for row in found.counts.values() for name in row))
    labels.sort(key=lambda name: found.classes.index(name) if name in found.classes else 99)
    console.print(_counted("split", labels, found.counts))
    if found.kinds:
        names = list(dict.fromkeys(name for row in found.kinds.values() for name in row))
        names.sort(key=lambda name: (name == "(unknown)", name))
        console.print(_counted(f"of {found.positive}", names, found.kinds))
    facts = [
        ("folder", str(found.root)),
        ("images", f"{found.images:,} ({found.total_bytes / 1e6:,.1f} MB)"),
    ]
    if found.positive:
        facts.append(("positive", found.positive))
    if found.real:
        facts.append(("real", found.real))
    if found.groups:
        facts.append(("groups", f"{found.groups:,}"))
    if found.broken:
        said = "by their headers (dfbench data check decodes every image)"
        facts.append(("broken", f"{found.broken:,} {said}"))
    if found.ignored:
        facts.append(("ignored", _ignored(found.ignored)))
    facts.append(("formats", ", ".join(f"{name} {n:,}" for name, n in found.formats.items())))
    facts.append(("width", _spread(found.width, "px")))
    facts.append(("height", _spread(found.height, "px")))
    facts.append(("file", _spread(found.file_bytes, "bytes")))
    sizes = ", ".join(f"{w}x{h} ({n:,})" for (w, h), n in found.sizes)
    facts.append(("sizes", sizes))
    if found.normalise:
        facts.append(("normalised", found.normalise))
    facts.append(("fingerprint", found.fingerprint))
    plain_facts(console, facts)


def _ignored(n: int) -> str:
    return counted(n, "file that is no image of the card", "files that are no images of the card")


def _counted(title: str, names: list[str], counts: dict[str, dict[str, int]]) -> Table:
    from dfbench.cli.tables import plain_row, plain_table

    headings = [*names, "all"]
    table = plain_table(title, *headings, right=headings)
    for split, row in counts.items():
        numbers = [row.get(name, 0) for name in names]
        shown = [f"{n:,}" if n else "–" for n in numbers]
        plain_row(table, split, *shown, f"{sum(numbers):,}")
    return table


def _spread(spread: Spread | None, unit: str) -> str:
    if spread is None:
        return "–"
    if spread.least == spread.greatest:
        return f"{spread.least:,.0f} {unit}"
    return f"{spread.least:,.0f} to {spread.greatest:,.0f}, median {spread.median:,.0f} {unit}"


@app.command("check")
def check(
    data: Data,
    root: Root = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List every image, not the first few.")
    ] = False,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
    plugin: Plugins = None,
) -> None:
    """Decode every image, list what is broken, and name what makes figures doubtful.

    Leaks are images with a copy (the same file, or written anew, resized, mirrored, slightly
    cropped) in another split or with another label, and groups that straddle splits. Shortcuts are
    what files tell of classes. Out of proportion are images too few, too alike or too uneven for
    figures to say much.

    Exit status: 0 nothing is broken, 1 something is, or nothing can be run on the data.
    """
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.suites.datasets.inspection.defects import find_defects
    from dfbench.suites.datasets.inspection.hindrance import hindrance_of

    with ConsoleReporter(err()) as reporter:
        dataset = _load(
            data,
            root,
            (classes, kinds, groups, splits),
            reporter,
            check=True,
            plugins=plugin or (),
        )
        defects = find_defects(dataset, reporter.stage(f"{data}: decoding"))
    broken = [defect.path for defect in defects if defect.kind == "broken"]
    hindrance = hindrance_of(dataset, broken)
    _hinder(hindrance)
    for number, defect in enumerate(defects):
        if everything or defect.kind != "broken" or number < SHOWN_BROKEN:
            tell(f"{defect.kind}: {defect.path}: {defect.reason}", further="  ")
        elif number == SHOWN_BROKEN:
            say(f"  and {len(broken) - number:,} more broken (--all lists them)")
    warnings = len(defects) - len(broken)
    images = len(dataset.manifest)
    say(
        f"{dataset.name}: {images} {'image' if images == 1 else 'images'}, {len(broken)} broken,"
        f" {counted(warnings, 'warning')}"
    )
    _audit(dataset, everything)
    if broken or hindrance:
        raise typer.Exit(EXIT_FINDINGS)


SHOWN_BROKEN = 10
"""Broken images that are listed unless all are asked for."""
SHOWN = 3
"""Cases of a finding that are listed unless all are asked for."""


def _audit(dataset: Dataset, everything: bool) -> None:
    """Say what each audit finds, and what takes it away."""
    from dfbench.benchmark.audits.base import examine
    from dfbench.benchmark.machine import default_jobs
    from dfbench.cli.progress import ConsoleReporter

    with ConsoleReporter(err()) as reporter:
        examined = list(examine(dataset, jobs=default_jobs("cpu"), reporter=reporter))
    for audit, findings, remedy in examined:
        for finding in findings:
            _list(audit.word, finding, everything)
        for line in remedy.splitlines():
            say(line)


def _list(word: str, finding: Finding, everything: bool) -> None:
    _say_wrapped(f"{word}: {finding.what}")
    shown = finding.cases if everything else finding.cases[:SHOWN]
    for way, *lines in shown:
        for name, line in zip([way, *[""] * len(lines)], lines, strict=False):
            say(f"  {name:14}  {line}")
    if len(shown) < len(finding.cases):
        say(f"  and {len(finding.cases) - len(shown):,} more (--all lists them)")


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of images.")],
    card: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="CARD", help="Card to write; FOLDER/card.toml by default."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a card.")] = False,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
) -> None:
    """Write the card that a folder's layout suggests, to be edited."""
    from dfbench.suites.datasets.inference.card_file import init_card
    from dfbench.suites.datasets.inference.read_as import ReadAs

    asked = ReadAs(classes, kinds, groups, splits)
    path, reading = init_card(folder, card, asked=asked, force=force)
    for line in (f"read as: {reading.line}", *(f"warning: {each}" for each in reading.warnings)):
        _say_wrapped(line)
    say(f"written: {path}")


@app.command("add")
def add(
    data: Data,
    root: Root = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name to register it by.")
    ] = None,
    classes: Classes = "",
    kinds: Kinds = "",
    groups: Groups = "",
    splits: Splits = "",
    plugin: Plugins = None,
) -> None:
    """Register a data set, so that it has a name and takes part in `dfbench run --suite all`.

    A copy of a public data set is counted, and held against what its owners publish: what is
    missing is said, and the copy registered all the same if rows can be run on it.
    """
    from dfbench.suites.datasets.catalogue import add as register
    from dfbench.suites.datasets.image_files import each_folder_once
    from dfbench.suites.datasets.inference.read_as import ReadAs

    asked = ReadAs(classes, kinds, groups, splits)
    with each_folder_once():
        try:
            entry = register(data, root=root, name=name, asked=asked, plugins=plugin or ())
        except DataError:
            with contextlib.suppress(DfbenchError):
                _compare(data, root)
            raise
        say(f"registered: {entry.name}")
        _compare(entry.name, entry.root)


def _compare(name: str, root: Path | None) -> None:
    """Say whether a copy of a public data set is complete."""
    from dfbench.suites.datasets.catalogue import resolve
    from dfbench.suites.datasets.inspection.completeness import completeness_of, in_words

    located = resolve(name, root=root)
    if located.card.about is None:
        return
    card, folder = located.settled()
    copy = completeness_of(card, folder)
    if copy is None:
        return
    for warning in copy.warnings:
        _say_wrapped(f"warning: {warning}")
    first, *others = in_words(card, copy)
    _say_wrapped(first)
    for line in others[:SHOWN_DIFFERENCES]:
        say(f"  {line}")
    if len(others) > SHOWN_DIFFERENCES:
        say(f"  and {len(others) - SHOWN_DIFFERENCES} more")


SHOWN_DIFFERENCES = 20
"""Numbers that are listed of those that differ from the published ones."""


@app.command("remove")
def remove(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Name of a registered data set.",
            autocompletion=completing.added,
        ),
    ],
) -> None:
    """Take a data set from the list; its files stay."""
    from dfbench.suites.datasets.catalogue import remove as forget

    entry = forget(name)
    say(f"no longer registered: {entry.name}; its files stay")


from dfbench.cli.data_fetch import fetch  # noqa: E402
from dfbench.cli.data_frames import frames  # noqa: E402

app.command("fetch")(fetch)
app.command("frames")(frames)

"""``dfbench list``: what there is."""

from __future__ import annotations

import shlex
import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfbench.cli import completing
from dfbench.cli.options import Plugins
from dfbench.cli.screen import out, say
from dfbench.plain import in_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dfbench.benchmark.describing import Parameter
    from dfbench.benchmark.planning.row import Row
    from dfbench.registry import Registry
    from dfbench.suites.suite import Suite


class What(StrEnum):
    """Kinds of things that are listed."""

    extractors = "extractors"
    models = "models"
    networks = "networks"
    metrics = "metrics"
    columns = "columns"
    augmentations = "augmentations"
    layouts = "layouts"
    datasets = "datasets"
    suites = "suites"
    protocols = "protocols"
    audits = "audits"
    pictures = "pictures"
    rows = "rows"


def show(
    what: Annotated[What, typer.Argument(help="What to list.")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="One of them: its parameters, with what each may be; a suite's rows and needs.",
            autocompletion=completing.listed,
        ),
    ] = "",
    plugin: Plugins = None,
    suite: Annotated[
        str,
        typer.Option("--suite", "-s", help="Whose rows.", autocompletion=completing.suites),
    ] = "all",
) -> None:
    """List parts of a kind with who brings each (networks are models too), or rows.

    With a name: what that part is, its parameters, and how a suite names it. Of a suite: its rows,
    what it spends on them, and what they need.
    """
    from dfbench import registry
    from dfbench.registry import MODELS, Registry

    if name and what is What.suites:
        _describe_suite(name, plugin or ())
    elif name:
        _describe(what, name, plugin or ())
    elif what is What.networks:
        _print(_parts(Registry(MODELS, plugin or ()), networks=True))
    elif (group := f"dfbench.{what}") in registry.GROUPS:
        files = () if group in registry.OF_PACKAGES else plugin or ()
        _print(_parts(Registry(group, files)))
    elif what is What.datasets:
        _print_datasets()
    elif what is What.suites:
        from dfbench.suites import suite as suites

        _print([(name, "dfbench", suites.load_suite(name).description) for name in suites.names()])
    else:
        from dfbench.suites.suite import load_suite

        asked = load_suite(suite)
        _print_rows(asked, _rows(asked, plugin or ()))
        if asked.refit:
            say("refit: once its parameters are chosen, each is fitted on train and tuning part")


def _rows(suite: Suite, plugins: Sequence[Path]) -> list[Row]:
    """Give the rows of a suite; nothing is looked for that they need."""
    from dfbench.benchmark.planning.rows import rows
    from dfbench.registry import EXTRACTORS, MODELS, Registry

    files = [*suite.plugins, *plugins]
    return rows(suite, Registry(EXTRACTORS, files), Registry(MODELS, files), check=False)


def _print_rows(suite: Suite, found: Sequence[Row], indent: str = "") -> None:
    """Print rows, and what short names of features in them stand for."""
    _print(
        [
            (
                f"{indent}{row.name}",
                "" if row.status == "ok" else row.status,
                row.reason or ("" if row.augment is None else row.augment.said),
            )
            for row in found
        ]
    )
    written = [row.name.partition("/")[0] for row in found]
    written += [system.features for system in suite.systems]
    for short, expression in suite.features.items():
        if any(short in features.split("+") for features in written):
            say(f"{indent}{short}: {expression}")


def _describe_suite(source: str, plugins: Sequence[Path]) -> None:
    """Print what is told of a suite: its rows, what it spends on them, and what they need."""
    from dfbench.suites.suite import load_suite

    suite = load_suite(source)
    found = _rows(suite, plugins)
    width = max(out().width, _NARROWEST)
    _paragraph(f"{suite.name}: {suite.description}" if suite.description else suite.name, width)
    say()
    say("Rows")
    _print_rows(suite, found, "  ")
    for heading, facts in (("Run", _told_of(suite)), ("Needs", _needs(suite, found))):
        say()
        say(heading)
        for name, said in facts:
            _paragraph(f"{name}: {said}", width, "  ", "    ")
    say()
    say("On the command line")
    say(f"  dfbench run --data FOLDER --suite {shlex.quote(source)} --plan")


def _told_of(suite: Suite) -> Iterator[tuple[str, str]]:
    """Say on what and how a suite is run, as far as it says so."""
    from dfbench.plain import counted
    from dfbench.results.document.wording import TITLES

    budget = suite.budget
    data = suite.datasets if isinstance(suite.datasets, list) else ["all that are registered"]
    yield "data sets", ", ".join(data) or "those of --data"
    yield "seeds", ", ".join(map(str, suite.seeds))
    if suite.repeat is not None:
        yield "divided anew", counted(suite.repeat.n, suite.repeat.kind)
    yield "budget", f"at most {counted(budget.trials, 'trial')} or {budget.seconds:g} s a row"
    yield "given up", f"a cell after {suite.cell_timeout:,g} s"
    yield "parameters chosen by", TITLES[suite.tune_for]
    if suite.refit:
        yield "refit", "once they are chosen, each row is fitted on train and tuning part"
    if suite.protocols:
        yield "protocols", ", ".join(protocol.kind for protocol in suite.protocols)
    yield "pictures", ", ".join(suite.figures) or "none"


def _needs(suite: Suite, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Say what rows need besides the images."""
    asking: dict[tuple[str, str], dict[str, None]] = {}  # sets in order
    lacking: dict[str, dict[str, None]] = {}
    for row in rows:
        for each in row.backbones:
            asking.setdefault(each, {})[row.name] = None
        if row.status != "ok":
            lacking.setdefault(row.reason, {})[row.name] = None
    for (backbone, weights), names in asking.items():
        file = "" if weights == "imagenet" else f" in {weights}"
        yield f"weights of {backbone}{file}", ", ".join(names)
    if asking:
        yield "which of them are here", "the command below says so"
    for reason, names in lacking.items():
        yield reason, ", ".join(names)
    for path in suite.plugins:
        yield "plugin", str(path)
    if not (asking or lacking or suite.plugins):
        yield "nothing", "all of it comes with dfbench"


def _describe(what: What, name: str, plugins: Sequence[Path]) -> None:
    """Print what is told of a part."""
    from dfbench import registry
    from dfbench.benchmark.describing import description
    from dfbench.errors import UnknownNameError

    group = registry.MODELS if what is What.networks else f"dfbench.{what}"
    if group not in registry.GROUPS:
        hints = {
            What.datasets: f"dfbench data info {name}",
            What.rows: f"dfbench list rows --suite {name}",
        }
        raise UnknownNameError(f"no parameters are told of {what}", hint=hints[what])
    files = () if group in registry.OF_PACKAGES else plugins
    found = description(group, name, files, network=what is What.networks)
    width = max(out().width, _NARROWEST)
    title = f"{found.name}: {found.summary}" if found.summary else found.name
    _paragraph(title, width)
    if found.owner != "dfbench":
        _paragraph(f"of {found.owner}", width)
    for paragraph in _paragraphs(found.text, found.summary):
        say()
        for line in paragraph:
            _paragraph(line, width)
    if found.source:
        say()
        _paragraph(f"Source: {_one_text(found.source)}", width)
    for heading, own in (("Parameters", found.parameters), ("Training", found.recipe)):
        if own:
            say()
            say(heading)
            for each in own:
                _parameter(each, width)
    for heading, example in (("In a suite", found.suite), ("On the command line", found.command)):
        if example:
            say()
            say(heading)
            for line in example.split("\n"):
                say(f"  {line}")


_NARROWEST = 40
_FACTS = 30
"""Column at which what a parameter may be begins."""


def _paragraphs(text: str, summary: str) -> Iterator[list[str]]:
    """Give paragraphs without the one that the heading has, each as lines to be filled."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        if _one_text(paragraph).removesuffix(".") in ("", summary.removesuffix(".")):
            continue
        # what is laid out as a list stays one
        laid = any(line.startswith((" ", "- ")) for line in lines)
        yield lines if laid else [_one_text(paragraph)]


def _one_text(lines: str) -> str:
    """Put lines into one."""
    return " ".join(lines.split())


def _paragraph(text: str, width: int, indent: str = "", further: str = "") -> None:
    own = text[: len(text) - len(text.lstrip())] + indent
    for line in textwrap.wrap(
        in_line(text.strip()),
        width,
        initial_indent=own,
        subsequent_indent=own + further,
        break_on_hyphens=False,
    ):
        say(line)


def _parameter(told: Parameter, width: int) -> None:
    head = f"  {told.name} = {told.default}" if told.default else f"  {told.name}"
    tuned = f"tuned over {told.tuned}" if told.tuned else ""
    facts = "; ".join(filter(None, [told.allowed, tuned]))
    if len(head) < _FACTS and facts:
        lines = textwrap.wrap(facts, width - _FACTS, break_on_hyphens=False) or [""]
        for first, line in zip([head, *("" for _ in lines[1:])], lines, strict=True):
            say(f"{first:<{_FACTS}}{line}")
        facts = ""
    else:
        _paragraph(head.lstrip(), width, "  ", "    ")
    if facts:
        _paragraph(facts, width, " " * _FACTS)
    if told.meaning:
        _paragraph(_one_text(told.meaning), width, "      ")


_FAMILIES = {"faces": "public, faces", "images": "public, generated images"}


def _print_datasets() -> None:
    """Print all data sets in groups, a line each; a mark stands at those that are here."""
    from dfbench.cli.tables import plain_row, plain_table
    from dfbench.suites.datasets.catalogue import names, public

    families: dict[str, list[tuple[str, str, str]]] = {}
    here = {"built-in", "registered"}
    for item in names():
        if item.kind in here:
            families.setdefault(item.kind, []).append((item.name, "*", item.about))
    for card, root in public():
        about = card.about
        title = _FAMILIES[about.family] if about is not None else "public"
        line = (card.name, "*" if root is not None else "", card.description)
        families.setdefault(title, []).append(line)
    console = out()
    table = plain_table("", "", "")
    table.show_header = False
    # a line each, so that all fit one screen: the command that is named below says more
    room = console.width - 7 - max(len(name) for own in families.values() for name, _, _ in own)
    for title in ("built-in", "registered", *_FAMILIES.values(), "public"):
        if lines := families.get(title):
            table.add_row(title)
        for name, mark, text in lines or ():
            long = console.is_terminal and len(text) > room
            short = text[: max(room - 1, 0)] + "…" if long else text
            plain_row(table, name, mark, short, indent=2)
    console.print(table)
    console.print("*: on this machine. Of public ones: dfbench data info NAME")


def _parts(registry: Registry, *, networks: bool = False) -> list[tuple[str, str, str]]:
    """Give name, owner and summary; of what cannot be loaded, the reason.

    ``networks`` leaves out models of features.
    """
    from dfbench.errors import DfbenchError

    lines = []
    for part in registry:
        summary = part.summary
        try:
            target = part.load()
            if networks and target.inputs == "features":
                continue
            summary = summary or (target.__doc__ or "").strip().partition("\n")[0]
            summary = "; ".join(filter(None, [summary.removesuffix("."), _parameters(target)]))
        except DfbenchError as error:
            summary = f"broken: {error}"
        lines.append((part.name, part.owner, summary))
    return lines


def _parameters(target: Any) -> str:
    """Give the parameters of an extractor with their defaults, as they are written in brackets."""
    from inspect import signature

    from dfbench.plugins import info

    mark = info(target)
    if mark is not None and mark.kind == "extractor":
        defaults = mark.defaults
    elif hasattr(target, "transform"):
        parameters = signature(target).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    else:
        return ""
    items = (f"{name}={_written(value)}" for name, value in defaults.items())
    return f"[{', '.join(items)}]" if defaults else ""


def _written(value: Any) -> str:
    if value is None:
        return "its own"
    return str(list(value) if isinstance(value, tuple) else value)


def _print(lines: list[tuple[str, str, str]]) -> None:
    from dfbench.cli.tables import plain_row, plain_table

    table = plain_table("", "", "")
    table.show_header = False
    for line in lines:
        plain_row(table, *line)
    out().print(table)

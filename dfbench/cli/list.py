"""``dfbench list``: what there is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfbench.cli import completing
from dfbench.cli.options import Plugins
from dfbench.cli.screen import out

if TYPE_CHECKING:
    from dfbench.registry import Registry


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
    plugin: Plugins = None,
    suite: Annotated[
        str,
        typer.Option("--suite", "-s", help="Whose rows.", autocompletion=completing.suites),
    ] = "all",
) -> None:
    """List parts of a kind with who brings each (networks are models too), or rows."""
    from dfbench import registry
    from dfbench.registry import EXTRACTORS, MODELS, Registry

    if what is What.networks:
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
        from dfbench.benchmark.planning.rows import rows
        from dfbench.suites.suite import load_suite

        asked = load_suite(suite)
        files = [*asked.plugins, *(plugin or ())]
        found = rows(asked, Registry(EXTRACTORS, files), Registry(MODELS, files), check=False)
        _print([(row.name, "" if row.status == "ok" else row.status, row.reason) for row in found])


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

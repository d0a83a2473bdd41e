"""``dfbench data info``: what a public data set is, who may have it, and how it has to lie."""

from __future__ import annotations

import json
import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfbench.cli import completing
from dfbench.cli.screen import out, say, write
from dfbench.plain import in_line

if TYPE_CHECKING:
    from dfbench.suites.datasets.cards.about import About
    from dfbench.suites.datasets.catalogue import Public

_ACCESS = {
    "open": "open",
    "account": "with an account at its host",
    "form": "its owners are asked",
    "parts": "open, with a part from elsewhere",
}


class Form(StrEnum):
    """What it is printed as, besides text."""

    json = "json"


def info(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Name of a public data set; dfbench list datasets shows them.",
            autocompletion=completing.public,
        ),
    ],
    format: Annotated[Form | None, typer.Option("--format", "-f", help="Print as this.")] = None,
) -> None:
    """Show what a public data set is, its licence, how it is had, and how its folders lie."""
    from dfbench.suites.datasets.catalogue import public, public_card

    card = public_card(name)
    found = next(each for each in public() if each.card is card)
    if format is Form.json:
        write(json.dumps(_values(found), ensure_ascii=False, indent=2) + "\n")
        return
    _print(found)


def _values(found: Public) -> dict[str, Any]:
    card = found.card
    keys = ("name", "description", "source", "licence", "root_env", "classes", "positive", "real")
    return {
        **{key: getattr(card, key) for key in keys},
        "policy": card.split.policy,
        "splits": card.split_names,
        "root": str(found.root) if found.root else None,
        "about": card.about.model_dump() if card.about is not None else None,
    }


def _print(found: Public) -> None:
    card, own = found.card, found.card.about
    say(f"{card.name}: {own.title if own is not None else card.description}")
    facts = [(title, in_line(text)) for title, text in _facts(found) if text]
    titles = 2 + max(len(title) for title, _ in facts)
    for title, text in facts:
        first, *others = _folded(text, titles, out().width)
        say(f"{title:{titles}}{first}".rstrip())
        for line in others:
            say(line)
    if own is None:
        return
    say()
    for line in own.tree.strip("\n").splitlines():
        say(f"  {line}")
    say()
    say(f"dfbench data add {card.name} --root {found.root or 'FOLDER'}")


def _folded(text: str, indent: int, width: int) -> list[str]:
    """Wrap a text beside its title: an address that fits a line stands whole in one.

    Returns
    -------
    list of str
        The rest of the first line, which is empty where the first word does not fit, and the
        other lines with their indent.
    """
    room = max(width - indent, 1)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    first = lines.pop(0) if lines and len(lines[0]) <= room else ""
    others = []
    for line in lines:
        start = " " * max(0, min(indent, width - len(line)))
        pieces = [line[at : at + width] for at in range(0, len(line), max(width, 1))]
        others += [start + piece for piece in pieces]
    return [first, *others]


def _facts(found: Public) -> list[tuple[str, str]]:
    card, root = found
    own = card.about
    positive = f"; positive: {card.positive}" if card.positive else ""
    positive = f"; real: {card.real}" if card.real else positive
    facts = [("classes", ", ".join(card.classes) + positive)]
    if own is not None:
        kinds = own.known_kinds
        facts = [
            ("what", own.what),
            *facts,
            ("kinds", f"{len(kinds)}: {', '.join(kinds)}" if kinds else "none told"),
            ("groups", own.groups),
            ("split", own.split),
            *_counts(own),
            ("licence", card.licence),
            ("source", card.source),
            ("access", _ACCESS[own.access]),
            ("get", own.get),
            ("cite", _cited(own)),
            ("note", own.note),
            ("unconfirmed", own.unconfirmed),
        ]
    else:
        facts += [("licence", card.licence), ("source", card.source)]
    return [*facts, ("here", str(root) if root is not None else f"no ({card.root_env}, --root)")]


def _counts(own: About) -> list[tuple[str, str]]:
    """Say how much is published, by split and class, else by class."""
    counts = own.counts
    lines = [
        f"{split}: {', '.join(f'{n:,} {name}'.removesuffix(' all') for name, n in each.items())}"
        for split, each in counts.splits.items()
    ]
    if counts.classes:
        lines.append("in all: " + ", ".join(f"{n:,} {name}" for name, n in counts.classes.items()))
    elif counts.total:
        lines.append(f"in all: {counts.total:,}")
    elif counts.kinds:
        lines.append(f"fakes: {sum(counts.kinds.values()):,}")
    told = "; ".join(lines)
    unknown = f"not published: {counts.unknown}" if not counts.known else counts.unknown
    return [(counts.unit, "; ".join(filter(None, [told, unknown])))]


def _cited(own: About) -> str:
    cite = own.cite
    where = ", ".join(filter(None, [cite.venue, str(cite.year)]))
    return f"{cite.authors}: {cite.title}. {where}. {cite.url}".rstrip(". ")

"""Writes the tables of figures in README and docs from the boards in ``docs/figures/``.

    python docs/tables.py                   write them
    python docs/tables.py --check           end with 1 where one is not what would be written
    python docs/tables.py --take DIR NAME   keep the board of a results folder as NAME.json

``faces-two`` is a results folder of two rows, with their scores.

A page says where a table stands, and of what: ``<!-- table: board faces 7 4 -->`` is the beginning
and the end of the terminal's form of ``faces.json``, 7 rows and 4; ``<!-- table: sets images -->``
are the public data sets of a family, from their cards. What stands between that line
and ``<!-- /table -->`` is replaced. ``leaderboard.md`` is written as a whole.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console

from dfbench.results.board.board import Board, Line
from dfbench.results.board.comparison import compare as compared
from dfbench.results.board.explanation import sections
from dfbench.results.document.blocks import Chart
from dfbench.results.render.csv import to_frame
from dfbench.results.render.markdown import to_markdown
from dfbench.results.render.terminal import BoardView, SectionView
from dfbench.results.results import load_results
from dfbench.suites.datasets.cards.about import About
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.catalogue import public

DOCS = Path(__file__).parent
STORED = DOCS / "figures"
_FORM = TypeAdapter(Board)
_TABLE = re.compile(r"(<!-- table: (.+?) -->\n).*?(<!-- /table -->)", re.DOTALL)
_ONCE = ("By kind of fake", "By class", "Cost beside merit")
_LEFT_OUT = ("More figures", "Tuning and cost", "Use a row")
_TOLD = {"roc_auc": "ROC AUC", "accuracy": "accuracy"}
_ABOVE = """\
# Leaderboard of the built-in data sets

What `make run` prints, from the board that it left on the machine named below. These data sets are
generated: they exercise the tool and say nothing about detectors in the wild. Times are of that
machine, which had other work as well; scores may differ in the last digits on another.

The whole file has more below each table; here the figures by kind and by class, and cost beside
merit, stand once, and "More figures", "Tuning and cost", "Use a row" not at all.

"""


def stored(name: str) -> Board:
    """Read a board; its charts are not drawn from here."""
    text = (STORED / f"{name}.json").read_bytes()
    charts = {"again": lambda caption, name: Chart(caption, name, lambda: None)}
    return _FORM.validate_json(text, context=charts)


def take(folder: Path, name: str) -> None:
    """Keep the board of a results folder."""
    text = _FORM.dump_json(load_results(folder).board)
    (STORED / f"{name}.json").write_bytes(text + b"\n")


def board(name: str, top: str, bottom: str) -> str:
    """Give the first and last rows of the first table, as a terminal of 80 columns shows them."""
    lines = terminal(BoardView(stored(name)))
    rules = [at for at, line in enumerate(lines) if line and not line.strip("─")]
    head, body = lines[: rules[0] + 1], lines[rules[0] + 1 : rules[1]]
    end = next(at for at, line in enumerate(lines) if line.startswith("by class:"))
    # a name that is too long goes on in a line that has no figures
    begins = [at for at, line in enumerate(body) if re.match(r" *(\d+|–) ", line)]
    if int(top) + int(bottom) < len(begins):
        body = [*body[: begins[int(top)]], "...", *body[begins[-int(bottom)] :]]
    return fenced("\n".join([*head, *body, *lines[rules[1] : end + 1]]))


def compare(name: str, row_a: str, row_b: str) -> str:
    """Give what `dfbench compare` says of two rows, from their stored scores."""
    found = sections(compared(STORED / name, row_a, row_b), row_a, row_b)
    said = terminal(*(part for each in found for part in (SectionView(each), "")))
    command = f"$ dfbench compare dfbench-results {row_a} {row_b}"
    return fenced("\n".join([command, *said]).rstrip())


def terminal(*shown: object) -> list[str]:
    """Give the lines that a terminal of 80 columns has of this."""
    console = Console(
        file=StringIO(), width=80, color_system=None, legacy_windows=False, force_terminal=True
    )
    for each in shown:
        console.print(each)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def frame(name: str, call: str) -> str:
    """Give what Python shows of a run's frame."""
    columns = ["row", "rank", "roc_auc", "roc_auc_low", "roc_auc_high"]
    shown = to_frame(stored(name))[columns].round(3).to_string()
    lines = [
        ">>> import dfbench",
        f">>> results = dfbench.run({call})",
        f">>> results.frame()[{columns}].round(3)".replace("'", '"'),
        *(line.rstrip() for line in shown.splitlines()),
    ]
    return fenced("\n".join(lines), "python")


def reports(name: str) -> str:
    """Give what was reported of each system beside what was measured, by data set."""
    found = stored(name)
    by_row: dict[str, dict[str, Line]] = {}
    for line in found.lines:
        if line.reported or line.control:
            by_row.setdefault(line.row, {})[line.dataset] = line
    sets = [table.dataset for table in found.tables]
    rows = [["row", "reported", *sets]]
    for row, lines in sorted(by_row.items(), key=lambda item: _is_control(item[1])):
        said = next(iter(lines.values())).reported.partition(" (")[0]
        rows.append([f"`{row}`", said or "–", *(_measured(lines[each]) for each in sets)])
    rule = ["---", "---", *("---:" for _ in sets)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [rows[0], rule, *rows[1:]]) + "\n"


def _is_control(lines: dict[str, Line]) -> bool:
    return any(line.control for line in lines.values())


def _measured(line: Line) -> str:
    if line.status != "ok":
        return line.status
    found = [(title, line.metrics[key]) for key, title in _TOLD.items()]
    return "<br>".join(
        f"{title} {its.value:.3f} [{its.low:.3f}, {its.high:.3f}]" for title, its in found
    )


_ACCESS = {
    "open": "open",
    "account": "account",
    "form": "form",
    "parts": "reals from elsewhere",
}


def sets(family: str) -> str:
    """Give the public data sets of a family: what is published of each."""
    rows = [["name", "data set", "kinds", "split", "published", "licence", "had by"]]
    for card, _ in public():
        if card.about is not None and card.about.family == family:
            rows.append(_set(card, card.about))
    rule = ["---", "---", "---:", "---", "---", "---", "---"]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [rows[0], rule, *rows[1:]]) + "\n"


def _set(card: Card, about: About) -> list[str]:
    given = card.split.policy == "given"
    splits = {"train": "train", "validation": "val.", "test": "test"}
    told = ", ".join(splits[name] for name in card.layout.split_names)
    mark = "" if not about.unconfirmed else " (?)"
    title = f"[{about.title}]({about.cite.url})" if about.cite.url else about.title
    return [
        f"`{card.name}`",
        f"{title}, {about.cite.year}",
        str(len(about.known_kinds) or "–"),
        f"given: {told}" if given else f"{card.split.policy} here",
        _published(about) + mark,
        card.licence,
        _ACCESS[about.access],
    ]


def _published(about: About) -> str:
    counts = about.counts
    if counts.classes:
        text = ", ".join(f"{n:,} {name}" for name, n in counts.classes.items())
    elif counts.total:
        text = f"{counts.total:,}"
    elif counts.splits:
        text = "; ".join(f"{s}: {sum(own.values()):,}" for s, own in counts.splits.items())
        text = text.replace("validation", "val.")
    elif counts.kinds:
        text = f"{sum(counts.kinds.values()):,} fakes"
    else:
        return "–"
    return text if counts.unit == "images" else f"{text} videos"


KINDS: dict[str, Callable[..., str]] = {
    "board": board,
    "compare": compare,
    "frame": frame,
    "reports": reports,
    "sets": sets,
}
"""What a page may ask for, by the first word; the others are what the function is given."""


def fenced(text: str, language: str = "") -> str:
    """Put text between fences."""
    return f"```{language}\n{text}\n```\n"


def leaderboard() -> str:
    """Give the page of the built-in data: the board as Markdown, without what it says again."""
    text = to_markdown(stored("builtin")).partition("\n\n")[2]
    seen: set[str] = set()
    kept = []
    for part in re.split(r"(?m)^(?=##+ )", text):
        title = part.partition("\n")[0].lstrip("# ")
        if title in _LEFT_OUT or (title in _ONCE and title in seen):
            continue
        seen.add(title)
        kept.append(part)
    return _ABOVE + "".join(kept)


def filled(text: str) -> str:
    """Give a page with its tables as they are to be."""

    def put(found: re.Match[str]) -> str:
        kind, *told = found[2].split(maxsplit=1)
        # of a call in Python all behind the name is one argument
        words = (told[0].split(maxsplit=1) if kind == "frame" else told[0].split()) if told else []
        return found[1] + KINDS[kind](*words) + found[3]

    return _TABLE.sub(put, text)


def pages() -> dict[Path, str]:
    """Give all pages that have tables, as they are to be."""
    found = {DOCS / "leaderboard.md": leaderboard()}
    for page in [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        if "<!-- table: " in text:
            found[page] = filled(text)
    return found


def main() -> int:
    """Write the tables, check them, or keep a board."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--take", nargs=2, metavar=("DIR", "NAME"))
    options = parser.parse_args()
    if options.take:
        take(Path(options.take[0]), options.take[1])
        return 0
    stale = []
    for page, text in pages().items():
        if page.read_text(encoding="utf-8") != text:
            stale.append(page.name)
            if not options.check:
                page.write_text(text, encoding="utf-8")
    print("\n".join(stale) or "all tables are as stored")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())

"""What commands print, and where: names of anybody's are no markup, and steer no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from dfbench.plain import in_line, lines

_WIDTH = 80


class _Screen(Console):
    """A console that shows text as it is written, whatever brought it here, and cuts nothing."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        self.soft_wrap = not self.is_terminal  # sentences that are piped on are whole lines
        if self.width < 1:  # $COLUMNS may say so, and nothing would be shown
            self.width = _WIDTH

    def print(self, *objects: Any, **how: Any) -> None:
        """Print; what is wider than the terminal, as a path may be, is the terminal's to break."""
        super().print(*objects, **{"crop": False, **how})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Spell what would steer the terminal; colours and the like are rich's own affair."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = map(in_line, segment.text.split("\n"))
                yield Segment("\n".join(lines), segment.style)


def out() -> Console:
    """Give the console for results."""
    return _Screen()


def err() -> Console:
    """Give the console for progress and notes, so that results can be piped."""
    return _Screen(stderr=True)


def say(text: object = "", *, err: bool = False) -> None:
    """Print a line of plain text, whole: it may be piped on."""
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{in_line(str(text))}\n")
    stream.flush()


def tell(text: object, *, err: bool = False, indent: str = "", further: str = "") -> None:
    """Print a sentence: a person is given whole words, a file or a pipe a whole line.

    All lines are indented, and those from the second on further.
    """
    console, line = _Screen(stderr=err), in_line(str(text))
    for each in lines_of(console, line, indent=indent, further=further):
        say(each, err=err)


def lines_of(console: Console, text: str, *, indent: str = "", further: str = "") -> list[str]:
    """Break a sentence at its blanks for a person, not within a path; elsewhere it stays whole."""
    if not console.is_terminal:
        return [indent + text]
    return lines(indent + text, console.width - 1, indent + further)


def write(text: str) -> None:
    """Print a document as it is: each form has escaped what its readers would take for orders.

    Where it is piped on it is UTF-8, as the files of a results folder are, whatever terminals show.
    """
    if sys.stdout.isatty():
        sys.stdout.write(text)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()

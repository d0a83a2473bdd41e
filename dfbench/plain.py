"""Text of anybody's, written so that it can be shown: in a line, in its order, with all of it seen.

Names of files, rows and classes come from others. Among their characters may be some that steer a
terminal, end a line, turn the direction of what follows, or are not seen at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_UNSEEN = re.compile(r"[^ -~]")


def in_line(text: str) -> str:
    r"""Spell the characters that are not printed; all others stay as they are.

    Examples
    --------
    >>> in_line("two\nlines/é.png")
    'two\\nlines/é.png'
    """
    return text if text.isprintable() else _UNSEEN.sub(_spelt, text)


def on_page(text: str) -> str:
    r"""Spell the characters that are not printed, and leave one blank of several, as a page does.

    Examples
    --------
    >>> on_page("two\nlines  of")
    'two\\nlines of'
    """
    return " ".join(in_line(text).split())


def counted(n: int, one: str, several: str = "") -> str:
    """Word a number of things; ``several`` is the word for all numbers but one, with s by default.

    Examples
    --------
    >>> counted(1, "image"), counted(12500, "image")
    ('1 image', '12,500 images')
    """
    return f"{n:,} {one if n == 1 else several or f'{one}s'}"


def listed(words: Sequence[str]) -> str:
    """Word a list, of which there is one at least.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def told_apart(names: Sequence[str]) -> list[str]:
    """Give a number to names that stand several times.

    Examples
    --------
    >>> told_apart(["fft", "lbp", "fft"])
    ['fft 1', 'lbp', 'fft 2']
    """
    counts, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} {seen[name]}" if counts[name] > 1 else name)
    return found


def flowing(text: str) -> str:
    r"""Give a text of several lines as one: blanks and ends of lines are a blank, see `in_line`.

    Examples
    --------
    >>> flowing("  two\nlines\x1b ")
    'two lines\\x1b'
    """
    return in_line(" ".join(text.split()))


def cells(text: str) -> int:
    """Count the cells that a text takes in a terminal: wide signs take two, marks on others none.

    Examples
    --------
    >>> cells("abc"), cells("\N{CJK UNIFIED IDEOGRAPH-771F}\N{CJK UNIFIED IDEOGRAPH-5047}")
    (3, 4)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def filled(text: str, width: int) -> str:
    """Fill a text with blanks up to so many cells.

    Examples
    --------
    >>> filled("\N{CJK UNIFIED IDEOGRAPH-771F}", 4) + "|"
    '\N{CJK UNIFIED IDEOGRAPH-771F}  |'
    """
    return text + " " * (width - cells(text))


def shortened(text: str, width: int) -> str:
    """Cut a name in its middle where it takes more than so many cells; its ends tell it apart.

    Examples
    --------
    >>> shortened("hsv+lbp[points=8]+fft/svm", 14)
    'hsv+lb\N{HORIZONTAL ELLIPSIS}fft/svm'
    """
    if cells(text) <= width:
        return text
    room = max(width - 1, 0)
    head = _at_most(text, room // 2)
    tail = _at_most(text[::-1], room - cells(head))[::-1]
    return f"{head}\N{HORIZONTAL ELLIPSIS}{tail}" if width > 0 else ""


def lines(text: str, width: int, further: str = "") -> list[str]:
    """Break a sentence at its blanks into lines of so many cells; a word of more stays whole.

    So an address or a path can be copied, whatever a terminal makes of it. All lines from the
    second on begin with ``further``.

    Examples
    --------
    >>> lines("see /a/path/that/is/long to go on", 10)
    ['see /a/path/that/is/long', 'to go on']
    """
    first, *words = re.findall(r"\s*\S+", text) or [""]
    found = [first]
    for word in words:
        next_line = further + word.lstrip()
        if cells(found[-1] + word) > width >= cells(next_line):
            found.append(next_line)
        else:
            found[-1] += word
    return found


_FOLDERS = re.compile(
    r"""(=\s*["']?)(?:~|\.{1,2}|[A-Za-z]:)?[/\\](?:[^"'\[\],=]*[/\\])?(?=[^"'/\\\[\],]+["',\]])"""
)


def without_folders(row: str) -> str:
    """Leave out of a row's name the folders of files that its parameters name.

    Examples
    --------
    >>> without_folders('embedding[backbone=resnet18, weights="/home/ann/w.pth"]/svm')
    'embedding[backbone=resnet18, weights="w.pth"]/svm'
    """
    return _FOLDERS.sub(r"\1", row)


def _at_most(text: str, width: int) -> str:
    """Give the beginning of a text that takes so many cells at most."""
    taken = 0
    for number, character in enumerate(text):
        taken += _cells(character)
        if taken > width:
            return text[:number]
    return text


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _spelt(found: re.Match[str]) -> str:
    character = found.group()
    return character if character.isprintable() else repr(character)[1:-1]

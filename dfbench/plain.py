"""Text of anybody's, written so that it can be shown: in a line, in its order, with all of it seen.

Names of files, rows and classes come from others. Among their characters may be some that steer a
terminal, end a line, turn the direction of what follows, or are not seen at all.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(r"[^ -~]")


def in_line(text: str) -> str:
    r"""Spell the characters that are not printed; all others stay as they are.

    Examples
    --------
    >>> in_line("two\nlines/é.png")
    'two\\nlines/é.png'
    """
    return text if text.isprintable() else _UNSEEN.sub(_spelt, text)


def counted(n: int, one: str, several: str = "") -> str:
    """Word a number of things; ``several`` is the word for all numbers but one, with s by default.

    Examples
    --------
    >>> counted(1, "image"), counted(12500, "image")
    ('1 image', '12,500 images')
    """
    return f"{n:,} {one if n == 1 else several or f'{one}s'}"


def flowing(text: str) -> str:
    r"""Give a text of several lines as one: blanks and ends of lines are a blank, see `in_line`.

    Examples
    --------
    >>> flowing("  two\nlines\x1b ")
    'two lines\\x1b'
    """
    return in_line(" ".join(text.split()))


def _spelt(found: re.Match[str]) -> str:
    character = found.group()
    return character if character.isprintable() else repr(character)[1:-1]

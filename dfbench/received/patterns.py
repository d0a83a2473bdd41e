"""Regular expressions of others, matched within a time: some take longer than the world is old."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import regex

_SECONDS = 2.0
_EACH = 20e-6
"""Seconds of the processor for all of the texts, and more for each: ten times what is usual."""


_LONGEST = 4_096
"""Characters of a pattern: to compile it takes time, too, which nothing stops."""


class TooSlow(ValueError):
    """A pattern that takes too long."""


def groups(pattern: str) -> Mapping[str, int]:
    """Give the named groups of a pattern.

    Raises
    ------
    ValueError
        Where it is no regular expression; it says why.
    """
    if len(pattern) > _LONGEST:
        what = f"a regular expression of {len(pattern):,} characters, at most {_LONGEST:,} are read"
        raise ValueError(what)
    try:
        found = re.compile(pattern).groupindex
        regex.compile(pattern)
    except (re.error, regex.error) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    except (OverflowError, RecursionError, MemoryError):
        raise ValueError("not a regular expression: too large, or nested too deeply") from None
    return found


def full_matches(pattern: str, texts: Iterable[str]) -> Iterator[Any]:
    """Match each whole text, one after the other; None where it does not match.

    Parameters
    ----------
    pattern
        One of which `groups` raised nothing.
    texts
        Paths and the like.

    Raises
    ------
    TooSlow
        Where the texts take much longer than usual; it names the one that it came to.
    """
    return _each(regex.compile(pattern).fullmatch, pattern, texts)


def searched(pattern: str, texts: Iterable[str]) -> Iterator[Any]:
    """Find the pattern in each text; otherwise as `full_matches`."""
    return _each(regex.compile(pattern).search, pattern, texts)


def found_in(pattern: str, texts: Iterable[str]) -> Iterator[Any]:
    """Find the pattern in each text as often as it stands there; otherwise as `full_matches`."""

    def every(text: str, timeout: float) -> list[Any]:
        return list(search(text, timeout=timeout))

    search = regex.compile(pattern).finditer
    for found in _each(every, pattern, texts):
        yield from found


def _each(match: Any, pattern: str, texts: Iterable[str]) -> Iterator[Any]:
    # the clock of the process, as that of the limit: on a busy machine all is slow
    left = _SECONDS + time.process_time()
    for number, text in enumerate(texts):
        rest = left + number * _EACH - time.process_time()
        try:
            found = match(text, timeout=max(rest, 1e-3))
        except TimeoutError:
            what = f"the regular expression {pattern!r} takes too long on {text[-100:]!r}"
            raise TooSlow(what) from None
        yield found

"""What is taken of a video: which frames, and of each the whole or a face."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from dfbench.errors import ParameterError

MOST_FRAMES = 100_000
"""Of one video."""
_EVERY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|min)|(\d{1,9})")
_SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "min": Fraction(60)}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rule:
    """Which frames of a video are taken: one of these, the others are 0.

    Attributes
    ----------
    seconds
        The frames shown at the beginning and each time so many seconds have passed.
    step
        Every so many frames, from the first.
    count
        So many, equally spaced by time: those shown in the middle of as many equal parts.
    """

    seconds: Fraction = Fraction(0)
    step: int = 0
    count: int = 0


def parse_every(text: str) -> Rule:
    """Read what ``--every`` is given: ``1s``, ``500ms``, ``1min``, or a number of frames.

    Raises
    ------
    ParameterError
        Where it is none of these, or 0.

    Examples
    --------
    >>> parse_every("500ms").seconds, parse_every("10").step
    (Fraction(1, 2), 10)
    """
    found = _EVERY.fullmatch(text.strip())
    rule = Rule()
    if found and found[3]:
        rule = Rule(step=int(found[3]))
    elif found:
        rule = Rule(seconds=Fraction(found[1]) * _SECONDS[found[2]])
    if rule == Rule():
        raise ParameterError(
            f"not a time or a number of frames: {text!r}",
            where="--every",
            hint="such as 1s, 500ms, 1min; or 10 for every tenth frame",
        )
    return rule


def chosen(
    frames: Iterable[tuple[_T, Fraction, Fraction]], rule: Rule, end: Fraction | None = None
) -> Iterator[tuple[int, _T]]:
    """Choose among frames as they come.

    A frame is shown until the next one is, the last for its own length. Where several moments fall
    on one frame it is taken once.

    Parameters
    ----------
    frames
        Each with the second at which it is shown, counted from anywhere, and its length in
        seconds. A frame before which the next one is shown is shown at no time.
    rule
        Which are taken.
    end
        Second at which the last frame is shown no more; needed to count, where it is known before.

    Yields
    ------
    int, frame
        Its number, from 0, in the order in which frames are shown.
    """
    if rule.step:
        for number, (frame, _, _) in enumerate(frames):
            if number % rule.step == 0:
                yield number, frame
        return
    held: tuple[int, _T, Fraction, Fraction] | None = None
    start, taken = Fraction(0), 0
    for number, (frame, at, length) in enumerate(frames):
        if held is None:
            start = at
        else:
            passed = _moments(rule, at - start, end and end - start)
            if passed > taken:
                yield held[0], held[1]
                taken = passed
        held = number, frame, at, length
    if held is not None:
        number, frame, at, length = held
        # what is left to be counted falls on it: the end may lie before that which was told
        until = at + max(length, Fraction(1, 10**6)) - start
        passed = rule.count or _moments(rule, until, None)
        if passed > taken:
            yield number, frame


def _moments(rule: Rule, until: Fraction, whole: Fraction | None) -> int:
    """Count the moments before ``until``, in seconds from the start."""
    if until <= 0:
        return 0
    if rule.count:
        if not whole or whole <= 0:
            return 0
        # (k + 1/2) parts lie before it
        return max(0, min(rule.count, math.ceil(until * rule.count / whole - Fraction(1, 2))))
    return math.ceil(until / rule.seconds)

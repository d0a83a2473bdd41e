"""How names of metrics and numbers are put into words, the same in every form of the board."""

from __future__ import annotations

from collections.abc import Iterable

from dfbench.plain import shortened
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import ENTRIES

TITLES = {each.name: each.title for each in ENTRIES}
"""Metric to the heading of its column."""

GAP = "\N{EN DASH}"
"""Stands where there is no figure."""


def figure(value: float | None, *, digits: int = 3) -> str:
    """Word a metric: ``0.873``."""
    return GAP if value is None else f"{_told(value):z.{digits}f}"


def _told(value: float) -> float:
    """Leave out the digits that the order of adding decides: a half is rounded the same anywhere.

    Of 0.6425 a mean over seeds and one over groups may differ in the last bit, and so in what is
    shown.
    """
    return round(value, 12)


def interval(of: Estimate, *, form: str = "[{}, {}]") -> str:
    """Word an interval: ``[0.842, 0.901]``; empty where there is none."""
    if of.low is None or of.high is None:
        return ""
    return form.format(figure(of.low), figure(of.high))


def quantity(value: float | None) -> str:
    """Word seconds or images per second with about three digits: ``0.04``, ``12.3``, ``1,234``."""
    if value is None:
        return GAP
    if value < 9.995:
        return "<0.01" if 0 < value < 0.005 else f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def p_value(value: float) -> str:
    """Word a p-value behind its p: ``= 0.012``, ``< 0.001``."""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def signed(value: float | None) -> str:
    """Word a difference: ``+0.013``; one below 0 that rounds to nothing has no sign."""
    if value is None:
        return GAP
    said = f"{_told(value):+.3f}"
    return "0.000" if said == "-0.000" else said


def signed_interval(low: float | None, high: float | None) -> str:
    """Word the interval of a difference: ``[-0.016, +0.076]``; empty where there is none."""
    return "" if low is None or high is None else f"[{signed(low)}, {signed(high)}]"


def megabytes(value: int | None) -> str:
    """Word bytes as megabytes (10^6): ``0.04``, ``12.3``, ``1,234``."""
    return GAP if value is None else quantity(value / 1e6)


def spread(of: Estimate) -> str:
    """Word the standard deviation over seeds: ``\N{PLUS-MINUS SIGN}0.004``; empty with one."""
    return "" if of.spread is None else f"\N{PLUS-MINUS SIGN}{figure(of.spread)}"


def parameters(value: tuple[int, int] | None) -> str:
    """Word the number of parameters: ``24.6 M``."""
    if value is None:
        return GAP
    n = value[0]
    return f"{n:,}" if n < 100_000 else f"{n / 1e6:.{1 if n >= 1e7 else 2}f} M"


def not_drawn(every: Iterable[str], drawn: Iterable[str]) -> str:
    """Name the rows of a table that a picture of it leaves out, to stand behind its caption.

    Of many the first, of long names both ends: LaTeX takes no caption of several thousand letters.
    """
    shown = set(drawn)
    names = [name for name in dict.fromkeys(every) if name not in shown]
    said = [shortened(name, _LONGEST) for name in names[:_NAMED]]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f". Not drawn: {', '.join(said)}{more}" if names else ""


_NAMED = 20
_LONGEST = 60
"""Names that a caption has, and cells of each."""


def rank(value: int | None) -> str:
    """Word a rank."""
    return GAP if value is None else str(value)


def count(value: int | None) -> str:
    """Word a whole number: ``12,500``."""
    return GAP if value is None else f"{value:,}"

"""What a check is, and what comes of one: found in plain words, and why it matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from dfbench import errors
from dfbench.errors import DfbenchError, PluginError

Its = TypeVar("Its")

Status = Literal["passed", "note", "warning", "failed", "unknown"]
"""``note``: it does not apply here, and why; ``unknown``: the check could not be made."""


@dataclass(frozen=True)
class Check(Generic[Its]):
    """One promise of a part.

    Attributes
    ----------
    name
        A word for it.
    promise
        What a sound part does.
    why
        What happens in a run to one that does not.
    advice
        What to do then.
    run
        Raises `Broken`, `Doubtful` or `Beside`, or whatever the part raises.
    vital
        Whether no later check can be made of a part that fails this one.
    slow
        Whether it may take ten times as long as others.
    """

    name: str
    promise: str
    why: str
    advice: str
    run: Callable[[Its], None] = field(repr=False)
    vital: bool = False
    slow: bool = False


class Broken(Exception):
    """The promise is not kept.

    Parameters
    ----------
    found
        What was seen, as a sentence without its subject.
    advice
        What to do, in the place of the check's own.
    where
        File and line.
    """

    def __init__(self, found: str, *, advice: str = "", where: str = "") -> None:
        super().__init__(found)
        self.found, self.advice, self.where = found, advice, where


class Doubtful(Broken):
    """A run goes well all the same: a warning."""


class Beside(Exception):
    """The check does not apply; the reason is told."""


@dataclass(frozen=True)
class Outcome:
    """What came of one check.

    Attributes
    ----------
    check
        Its name.
    status
        See `Status`.
    promise, why, advice
        As of the check.
    found
        What was seen; empty where the promise is kept.
    where
        File and line, where they are known.
    """

    check: str
    status: Status
    promise: str
    found: str = ""
    where: str = ""
    why: str = ""
    advice: str = ""

    def __str__(self) -> str:
        at = f" ({self.where})" if self.where else ""
        why = f"\n    why: {self.why}" if self.why else ""
        advice = f"\n    do:  {self.advice}" if self.advice else ""
        return f"{self.check}: {self.found or self.promise}{at}{why}{advice}"


@dataclass(frozen=True)
class Report:
    """What the kit has to say of one part.

    Attributes
    ----------
    kind
        ``extractor``, ``model`` or ``network``.
    name, owner
        Of the part, and of who brings it.
    outcomes
        In the order of the checks.
    facts
        What was measured: ``ms`` and ``mb`` an image, ``hsv_ms``, ``hsv_mb``, ``decoding_ms``.
    seconds
        That it took.
    stopped
        Whether a check failed, or could not be made, without which no other can be.
    """

    kind: str
    name: str
    owner: str
    outcomes: Sequence[Outcome]
    facts: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: bool = False

    def among(self, *statuses: Status) -> list[Outcome]:
        """Give the outcomes of some statuses."""
        return [each for each in self.outcomes if each.status in statuses]

    @property
    def sound(self) -> bool:
        """Whether nothing failed, and every check could be made."""
        return not self.among("failed", "unknown")

    def __str__(self) -> str:
        told, left = self.among("failed", "warning"), self.among("unknown")
        failed = len(self.among("failed"))
        count = f"{failed} of {len(self.outcomes)} checks failed"
        if self.stopped and not failed:
            count = f"cannot be checked here: {self.reason}"
        lines = [f"{self.kind} {self.name!r}: {count}", *(f"  {each}" for each in told)]
        if left and not self.stopped:
            names = ", ".join(each.check for each in left)
            lines.append(f"  not made: {names}{self.reason and f' ({self.reason})'}")
        return "\n".join(lines)

    @property
    def reason(self) -> str:
        """Why checks could not be made; empty where all were, or a fault tells."""
        return next((each.found for each in self.among("unknown") if each.found), "")


def outcome_of(check: Check[Any], status: Status, **told: str) -> Outcome:
    """Give what came of a check; why it matters is told where it went wrong alone."""
    if status in ("failed", "warning"):
        told = {"why": check.why, **told, "advice": told.get("advice") or check.advice}
    return Outcome(check.name, status, check.promise, **told)


def worded(error: BaseException) -> str:
    """Say what was raised, without its place."""
    if isinstance(error, DfbenchError):
        return error.what if isinstance(error, PluginError) else str(error)
    return f"raises {errors.worded(error)}"

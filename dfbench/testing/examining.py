"""The conformance kit: all checks of a part, and a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dfbench.errors import PluginError
from dfbench.files import resolved
from dfbench.testing.apart import Death, Limits, called
from dfbench.testing.checks import Check, Outcome, Report, Status, outcome_of
from dfbench.testing.child import listed
from dfbench.testing.making import checks_of, make, patience
from dfbench.testing.subject import Subject
from dfbench.testing.watching import Seen, is_own

_DEATHS = 4
"""Processes of one part that may be lost before the rest is given up."""
_SEEN = {"file": "files", "network": "network", "program": "programs"}


def _nothing(_: Any) -> None: ...


def _around(limits: Limits, kind: str) -> tuple[Check[Any], ...]:
    """Give the promises that every check looks at."""
    return (
        Check(
            "files",
            "writes no files",
            "many workers do so at once, each for every image",
            "return what you found; where a file is needed, make a temporary one and remove it",
            _nothing,
        ),
        Check(
            "network",
            "asks nothing of the network",
            "a run must go without one, and would follow from what is there today",
            "load weights from a file that is named by a parameter",
            _nothing,
        ),
        Check(
            "programs",
            "starts no other process",
            "each of them takes its time, for every image in every worker",
            "use a library in this process",
            _nothing,
        ),
        Check(
            "process",
            "does not end its process",
            "in a run it would take other rows down with it",
            "raise an error instead of exiting; look for compiled code that is given the wrong"
            " shape or type",
            _nothing,
        ),
        Check(
            "time",
            f"comes back within {limits.seconds * patience(kind):g} seconds",
            "a run would wait for it without end",
            "look for loops that do not end, locks, and waits for something that is not there",
            _nothing,
        ),
        Check(
            "memory",
            f"takes less than {limits.n_bytes / (1 << 30):.3g} GiB",
            "several workers do so at once: the machine would run out of memory",
            "work on a smaller copy, or on one image at a time",
            _nothing,
        ),
    )


def find(target: str, files: Iterable[Path], limits: Limits) -> list[Subject]:
    """Say what is checked, of what a user typed; in a process of its own.

    Parameters
    ----------
    target, files
        As of `dfbench.testing.subject.subjects`.
    limits
        Of the process.

    Raises
    ------
    DfbenchError
        If nothing answers to it, or it dies of being loaded.
    """
    for word, value in called(listed, (target, tuple(files)), limits):
        if word == "returned":
            found: list[Subject] = value
            return found
        if word == "raised":
            raise value
        if word == "died":
            place = next((p for p in value.trace if p[0] == resolved(Path(target))), None)
            at = f" (line {place[1]})" if place else ""
            raise PluginError(f"{value.found}, when it is loaded{at}", where=target)
    raise AssertionError  # one of these words comes last


def examine(
    subject: Subject,
    limits: Limits | None = None,
    *,
    apart: bool = True,
    progress: Callable[[str], None] = _nothing,
) -> Report:
    """Make all checks of a part.

    Parameters
    ----------
    subject
        The part.
    limits
        What it may take.
    apart
        Whether this is done in a process of its own. In this process nothing protects it, and as
        little as can be is repeated.
    progress
        Told the check that is under way.
    """
    limits = limits or Limits()
    start = time.monotonic()
    if subject.broken or not subject.kind:
        check = checks_of(subject.kind or "extractor")[0]
        outcome = outcome_of(check, "failed", found=subject.broken)
        return Report(subject.kind or "part", subject.name, subject.owner, [outcome])
    state = _State(subject, limits)
    if apart:
        subject = subject.sent()
        while state.left and state.deaths < _DEATHS:
            for word, value in called(make, (subject, state.left, False), limits):
                state.take(word, value)
                if word == "begin":
                    progress(value[0])
    else:
        make(subject, state.left, True, state.take)
    return state.report(time.monotonic() - start)


class _State:
    """What is known of a part so far."""

    def __init__(self, subject: Subject, limits: Limits) -> None:
        self._subject = subject
        self._checks = checks_of(subject.kind)
        self._around = {check.name: check for check in _around(limits, subject.kind)}
        self._outcomes: dict[str, Outcome] = {}
        self._seen: dict[Seen, None] = {}
        self._facts: dict[str, float] = {}
        self._own = subject.plugin
        self._under_way, self._at = "", "loading it"
        self._over = False
        self.deaths = 0

    @property
    def left(self) -> list[str]:
        """Checks that are still to be made."""
        if self._over:
            return []
        return [check.name for check in self._checks if check.name not in self._outcomes]

    def take(self, word: str, value: Any) -> None:
        """Take up what the process tells."""
        if word == "begin":
            self._under_way = value[0]
        elif word == "own":
            self._own = value
        elif word == "at":
            self._at = value
        elif word == "seen":
            self._seen.setdefault(value)
        elif word == "facts":
            self._facts = value
        elif word == "end":
            self._outcomes[value.check] = value
            self._under_way = ""
            vital = next(c.vital for c in self._checks if c.name == value.check)
            self._over = self._over or (vital and value.status in ("failed", "unknown"))
        elif word == "raised":
            self._over = True
            first = next(check for check in self._checks if check.name == self.left_or_first)
            self._outcomes[first.name] = outcome_of(first, "failed", found=str(value))
        elif word == "died":
            self._bury(value)

    @property
    def left_or_first(self) -> str:
        """The check that was to be made."""
        return self._under_way or next(
            (c.name for c in self._checks if c.name not in self._outcomes), self._checks[0].name
        )

    def _bury(self, death: Death) -> None:
        self.deaths += 1
        name = self.left_or_first
        check = next(check for check in self._checks if check.name == name)
        where = next(
            (f"{p.name}, line {n}" for p, n in death.trace if self._own and is_own(p, self._own)),
            "",
        )
        blamed = self._around.get(death.check) or next(
            each for each in self._checks if each.name == death.check
        )
        found = f"{death.found}, on {self._at}" if self._under_way else f"{death.found}, loading it"
        found = found.replace(", on fitting", ", fitting").replace(", on scoring", ", scoring")
        self._outcomes.setdefault(
            blamed.name, outcome_of(blamed, "failed", found=found, where=where)
        )
        self._outcomes.setdefault(
            name, outcome_of(check, "unknown", found=f"not known: see {blamed.name}")
        )
        if check.vital:
            self._over = True

    def report(self, seconds: float) -> Report:
        """Give the report."""
        absent = self._over and not any(o.status == "failed" for o in self._outcomes.values())
        for seen in () if absent else self._seen:
            check = self._around[_SEEN[seen.kind]]
            self._outcomes.setdefault(
                check.name, outcome_of(check, "failed", found=seen.what, where=seen.where)
            )
        for check in self._checks:
            self._outcomes.setdefault(check.name, outcome_of(check, "unknown"))
        outcomes = [self._outcomes[check.name] for check in self._checks]
        for name, check in self._around.items():
            otherwise: Status = "unknown" if self._over else "passed"
            outcomes.append(self._outcomes.get(name) or outcome_of(check, otherwise))
        its = self._subject
        return Report(its.kind, its.name, its.owner, outcomes, self._facts, seconds, self._over)

"""Makes the checks of one part, one after the other, and words what comes of each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from dfbench.errors import UnavailableError, let_stop
from dfbench.testing.checks import Beside, Broken, Check, Doubtful, Outcome, outcome_of, worded
from dfbench.testing.subject import KINDS, Subject, own_file
from dfbench.testing.watching import Seen, place_of_error, taken

Send = Callable[[str, Any], None]
"""Takes a word and what belongs to it; see `make`."""
_SLOW = 10
"""Times as long as others a slow check may take."""
_NETWORK = 5
"""The same of a network, which is trained."""


def checks_of(kind: str) -> tuple[Check[Any], ...]:
    """Give the checks of a kind of part."""
    found: tuple[Check[Any], ...] = import_module(KINDS[kind]).CHECKS
    return found


def patience(kind: str) -> int:
    """Say how many times as long as others the checks of a kind may take."""
    return _NETWORK if kind == "network" else 1


def make(subject: Subject, names: Sequence[str], quick: bool, send: Send) -> None:
    """Load a part and make some checks of it.

    Parameters
    ----------
    subject
        The part.
    names
        Of the checks, in order.
    quick
        Whether as little as can be is repeated.
    send
        Told what happens: ``own`` with its file, ``begin`` with the name of a check and how many
        times as long as others it may take, ``at`` with what is under way, ``seen`` with a `Seen`,
        ``end`` with an `Outcome`, and ``facts`` with what was measured.
    """
    checks = {check.name: check for check in checks_of(subject.kind)}
    own = Path()
    try:
        target = subject.load()
        own = own_file(target)
        send("own", own)
        tried = import_module(KINDS[subject.kind]).Tried
        its = tried(target, subject.params, own, lambda text: send("at", text), quick=quick)
    except UnavailableError as error:
        send("end", outcome_of(checks[names[0]], "unknown", found=str(error)))
        return
    except BaseException as error:  # noqa: BLE001 - the code of others may raise anything
        let_stop(error)
        send("end", _raised(checks[names[0]], error, own, ", when it is made"))
        return
    for name in names:
        check = checks[name]
        send("begin", (name, patience(subject.kind) * (_SLOW if check.slow else 1)))
        outcome = _made(check, its, own)
        if check.vital and outcome.status == "passed" and not quick:
            for path in _appearing(its.once):
                send("seen", Seen("file", f"writes {path}"))
        for each in taken():
            send("seen", each)
        send("end", outcome)
        if check.vital and outcome.status in ("failed", "unknown"):
            return
    send("facts", its.facts)


def _made(check: Check[Any], its: Any, own: Path) -> Outcome:
    try:
        check.run(its)
    except Doubtful as fault:
        return outcome_of(check, "warning", found=fault.found, where=fault.where)
    except Broken as fault:
        told = {"found": fault.found, "where": fault.where, "advice": fault.advice}
        return outcome_of(check, "failed", **told)
    except Beside as reason:
        return outcome_of(check, "note", found=str(reason))
    except UnavailableError as error:
        return outcome_of(check, "unknown", found=str(error))
    except BaseException as error:  # noqa: BLE001 - the code of others may raise anything
        let_stop(error)
        return _raised(check, error, own)
    return outcome_of(check, "passed")


def _raised(check: Check[Any], error: BaseException, own: Path, when: str = "") -> Outcome:
    where = place_of_error(error, own)
    return outcome_of(check, "failed", found=f"{worded(error)}{when}", where=where)


def _appearing(work: Callable[[], Any]) -> list[str]:
    """Name the files that work leaves in the current folder: compiled code tells nobody."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it may look for a file where it was begun
            let_stop(error)
        finally:
            os.chdir(before)
        return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())

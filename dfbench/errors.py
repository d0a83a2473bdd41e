"""Errors that a user can mend.

Each says what is wrong, where (file, row, key) and what to do; the command line prints it in one
line, without a traceback. Anything else that escapes is a defect of dfbench.
"""

from __future__ import annotations

import difflib
import re
import signal
from collections.abc import Iterable, Mapping
from opcode import opmap
from typing import Any

from dfbench.plain import flowing
from dfbench.stopping import Stopped

_LONGEST = 300
"""Characters that are told of what code of others says."""
_STEERING = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)?")
"""What a terminal takes for orders: colours, titles and the like."""


class DfbenchError(Exception):
    """Base of all errors meant for the person at the terminal.

    Parameters
    ----------
    what
        What is wrong, as a sentence without a full stop.
    where
        File, row or key at fault, put in front.
    hint
        What to do about it, put at the end.
    """

    def __init__(self, what: str, *, where: object = None, hint: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.hint = hint
        super().__init__(what, self.where, hint)

    def __str__(self) -> str:
        text = self.what if self.where is None else f"{self.where}: {self.what}"
        return text if self.hint is None else f"{text} ({self.hint})"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip from a worker process."""
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(
    kind: type[DfbenchError], what: str, where: str | None, hint: str | None
) -> DfbenchError:
    return kind(what, where=where, hint=hint)


class CardError(DfbenchError):
    """A data set card or a suite file that does not say what it must."""


class DataError(DfbenchError):
    """Images or tables on disk that do not fit their card."""


class ImageError(DfbenchError):
    """A file that cannot be decoded as an image."""


class UnknownNameError(DfbenchError):
    """A name that nothing answers to; the nearest ones are suggested."""


class ParameterError(DfbenchError, ValueError):
    """A parameter or input of an extractor or a model that is not what it must be."""


class PluginError(DfbenchError):
    """An extractor written by a user that broke its contract."""


class UnavailableError(DfbenchError):
    """Something a row needs is absent here (weights, a package): the row is skipped."""


class OutputError(DfbenchError):
    """A place that results cannot be written to, or that holds none."""


class BusyError(OutputError):
    """A place that another process is at work in."""


class WorkerError(DfbenchError):
    """Workers elsewhere that cannot be reached, or cannot do the work."""


def unknown(
    kind: str, name: str, known: Iterable[str], *, where: object = None
) -> UnknownNameError:
    """Build the error for ``name``, with the nearest of ``known``."""
    names = sorted(set(known))
    lowered = {known.lower(): known for known in names}
    near = [lowered[n] for n in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    if near:
        hint = "did you mean " + " or ".join(repr(n) for n in near) + "?"
    elif names:
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        hint = f"known: {shown}"
    else:
        hint = "none is known"
    return UnknownNameError(shortened(f"unknown {kind} {name!r}"), where=where, hint=hint)


def one_line(text: str) -> str:
    """Make a line of what code of anybody's says: without its colours, and of a bounded length.

    Returns
    -------
    str
        At most 300 characters, see `dfbench.plain.flowing`.
    """
    text = flowing(_STEERING.sub("", text[: 20 * _LONGEST]))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def first_line(error: BaseException) -> str:
    """Give the first line of a library's complaint; the type of one that says nothing."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def shortened(text: str) -> str:
    """Leave out the middle of a text that is longer than anybody reads: of a value of anybody's."""
    return text if len(text) <= 4 * _LONGEST else f"{text[:_LONGEST]} ... {text[-_LONGEST:]}"


def legible(text: str) -> str:
    """Leave out the middle of words that are longer than anybody reads, as names and paths may be.

    Examples
    --------
    >>> legible("q" * 60_000 + ": no such file") == "q" * 200 + "…" + "q" * 99 + ": no such file"
    True
    """
    return _WORD.sub(lambda found: f"{found[0][:200]}…{found[0][-100:]}", text)


_WORD = re.compile(r"\S{601,}")


def worded(error: BaseException) -> str:
    """Say in a line what was raised: its type and what it says, as far as `one_line` lets it."""
    try:
        said = str(error)
    except BaseException as strange:  # noqa: BLE001 - it may be a class of anybody's
        let_stop(strange)
        said = ""
    return one_line(": ".join(filter(None, [type(error).__name__, said.strip()])))


def let_stop(error: BaseException) -> None:
    """Raise what came out of code of others again where it is the person's Ctrl-C.

    That comes between two instructions, whatever they are; where one of the code's own is a
    ``raise KeyboardInterrupt``, it is a fault like others. So too of a generator that is closed.
    """
    if isinstance(error, KeyboardInterrupt | GeneratorExit) and not _raised(error):
        raise error


def _raised(error: BaseException) -> bool:
    """Whether an instruction of the code raised it, and neither Python nor what handles signals."""
    if isinstance(error, Stopped):
        return False
    before = error.__context__
    if isinstance(before, type(error)) and not _raised(before):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    handler = getattr(signal.getsignal(signal.SIGINT), "__code__", None)
    return code is not handler and code.co_code[trace.tb_lasti] == opmap["RAISE_VARARGS"]


_WANTED = {
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "string": "text in quotes",
    "path": "a path in quotes",
    "list": "a list",
    "tuple": "a list",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "one of {expected}",
}
"""By the kind of an error of pydantic, or the type that it is about."""


def in_words(fault: Mapping[str, Any]) -> str:
    """Word one of the errors of pydantic: what is wanted of a value, and what it is."""
    kind, given = fault["type"], fault.get("input")
    context = fault.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "string_too_short":
        return "is empty"
    if kind in ("too_short", "too_long"):
        least = kind == "too_short"
        bound = f"at least {context['min_length']}" if least else f"at most {context['max_length']}"
        return f"{bound} in the list, not {context['actual_length']}"
    if kind in ("model_type", "dict_type", "mapping_type"):
        return "is no table: { ... }"
    wanted = _WANTED.get(kind) or _WANTED.get(kind.partition("_")[0])
    if wanted is None or kind == "value_error":
        return shortened(str(fault["msg"]).removeprefix("Value error, "))
    return f"{wanted.format(**context)} is wanted, not {one_line(repr(given))}"

"""Extractors as plain functions: the decorator, and loading the files that use it."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

from dfbench.errors import PluginError

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__dfbench_extractor__"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """What `extractor` notes on a function.

    Attributes
    ----------
    name
        The extractor's name.
    version
        Its version.
    threads
        Whether it may be called from several threads at once.
    defaults
        Default values of the parameters after the image.
    """

    name: str
    version: int = 1
    threads: bool = True
    defaults: dict[str, Any] = field(default_factory=dict)


@overload
def extractor(function: Function) -> Function: ...
@overload
def extractor(
    *, name: str | None = None, version: int = 1, threads: bool = True
) -> Callable[[Function], Function]: ...


def extractor(
    function: Function | None = None,
    *,
    name: str | None = None,
    version: int = 1,
    threads: bool = True,
) -> Function | Callable[[Function], Function]:
    """Declare a function to be an extractor.

    The function takes one RGB image, an array of shape (H, W, 3) and dtype uint8, and returns a
    one-dimensional vector of finite numbers, of the same length for each image. Further parameters
    must have defaults and can be set where the extractor is named: ``mine[bins=8]``. The function
    itself is returned unchanged.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        The extractor's name; the function's own by default.
    version
        To be raised when the output changes for a reason outside the function's file (an edit of
        that file is noticed by itself).
    threads
        Whether the function may be called from several threads at once, each call with its own
        copy of an image. Say no where it keeps anything between calls.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def mark(function: Function) -> Function:
        title = name or function.__name__
        where = f"extractor {title!r}"
        if not _NAME.fullmatch(title):
            raise PluginError(
                "a name is made of letters, digits, '_', '-' and '.', a letter first", where=where
            )
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            raise PluginError("the function must take the image", where=where)
        loose = [
            p.name
            for p in parameters[1:]
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        if loose:
            raise PluginError(
                f"parameters after the image need defaults: {', '.join(loose)}", where=where
            )
        defaults = {p.name: p.default for p in parameters[1:] if p.default is not p.empty}
        try:
            json.dumps(defaults)
        except (TypeError, ValueError):
            raise PluginError(
                "defaults must be numbers, text, true or false, or lists of them", where=where
            ) from None
        setattr(function, _MARK, FunctionInfo(title, version, threads, defaults))
        return function

    return mark if function is None else mark(function)


def info(thing: Any) -> FunctionInfo | None:
    """Give what `extractor` noted on ``thing``, if it did."""
    found = getattr(thing, _MARK, None)
    return found if isinstance(found, FunctionInfo) else None


def source_digest(thing: Any) -> str:
    """Hash the file of the module that defines ``thing``, so that an edit makes results stale.

    Raises
    ------
    PluginError
        If there is no such file to be read.
    """
    # by the module, not by the code: a decorated or compiled function's code lies elsewhere
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    path = getattr(module, "__file__", None)
    try:
        content = Path(path).read_bytes() if path else None
    except OSError:
        content = None
    if content is None:
        raise PluginError(f"the file that defines {thing!r} cannot be read")
    return hashlib.sha256(content).hexdigest()[:16]


def load_file(path: Path, *, known_as: Path | None = None) -> dict[str, Callable[..., Any]]:
    """Run a Python file and give the extractors that it declares, by name.

    Parameters
    ----------
    path
        Of the file.
    known_as
        Of the file that it is a copy of: functions of that one, pickled elsewhere, are found here.

    Raises
    ------
    PluginError
        If the file is absent, breaks while it is run, or declares no extractor.
    """
    path = path.resolve()
    if not path.is_file():
        raise PluginError("no such file", where=path, hint="--plugin takes a Python file")
    digest = hashlib.sha256(str(known_as or path).encode()).hexdigest()[:12]
    module_name = f"dfbench_plugin_{digest}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise PluginError("not a Python file", where=path, hint="--plugin takes a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except PluginError as error:
        raise PluginError(error.what, where=f"{path}, {error.where}") from None
    except (Exception, SystemExit) as error:
        line = _line_in(path, error)
        raise PluginError(
            f"breaks when it is loaded: {type(error).__name__}: {error}",
            where=f"{path}{line}",
        ) from error
    found: dict[str, Callable[..., Any]] = {}
    for value in vars(module).values():
        mark = info(value)
        if mark is None or getattr(value, "__module__", None) != module_name:
            continue
        if mark.name in found and found[mark.name] is not value:
            raise PluginError(f"two extractors are named {mark.name!r}", where=path)
        found[mark.name] = value
    if not found:
        raise PluginError(
            "declares no extractor", where=path, hint="put @dfbench.extractor above a function"
        )
    return found


def _line_in(path: Path, error: BaseException) -> str:
    """Give ``, line N`` of the place in ``path`` that raised, as far as it can be told."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f", line {error.lineno}"
    line = None
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f", line {line}"

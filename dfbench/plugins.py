"""Parts as plain functions: the decorators, and loading the files that use them."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar, overload

from dfbench.errors import PluginError

Function = TypeVar("Function", bound=Callable[..., Any])
Kind = Literal["extractor", "model"]

_MARK = "__dfbench_part__"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_FILE = re.compile(r"dfbench_plugin_[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """What a decorator notes on a function.

    Attributes
    ----------
    name
        Of the part.
    kind
        What it is.
    version
        Its version.
    threads
        Whether it may be called from several threads at once.
    defaults
        Default values of the parameters, of an extractor those after the image.
    suggest
        Of a model: draws parameters by an Optuna trial; None where type hints tell the space.
    """

    name: str
    kind: Kind = "extractor"
    version: int = 1
    threads: bool = True
    defaults: dict[str, Any] = field(default_factory=dict)
    suggest: Callable[[Any], dict[str, Any]] | None = None


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
        To be raised when the output changes for a reason outside the plugin's files (an edit of
        these is noticed by itself).
    threads
        Whether the function may be called from several threads at once, each call with its own
        copy of an image. Say no where it keeps anything between calls.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def mark(function: Function) -> Function:
        title = _titled(function, name, "extractor")
        if not inspect.signature(function).parameters:
            raise PluginError("the function must take the image", where=f"extractor {title!r}")
        defaults = _defaults(function, f"extractor {title!r}", after=1)
        told = FunctionInfo(title, version=version, threads=threads, defaults=defaults)
        setattr(function, _MARK, told)
        return function

    return mark if function is None else mark(function)


@overload
def model(function: Function) -> Function: ...
@overload
def model(
    *,
    name: str | None = None,
    version: int = 1,
    suggest: Callable[[Any], dict[str, Any]] | None = None,
) -> Callable[[Function], Function]: ...


def model(
    function: Function | None = None,
    *,
    name: str | None = None,
    version: int = 1,
    suggest: Callable[[Any], dict[str, Any]] | None = None,
) -> Function | Callable[[Function], Function]:
    """Declare a function to be a model: it returns an estimator of scikit-learn's interface.

    The estimator is unfitted, and may be a pipeline. Parameters of the function must have
    defaults; a suite can set them. Those whose type hints tell a range are tuned:
    ``Annotated[int, (2, 12)]``, ``Annotated[float, (0.01, 10, "log")]``, ``Literal["l1", "l2"]``.
    The function itself is returned unchanged.

    A subclass of `dfbench.models.base.Model` may stand in the place of the function.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        The model's name; the function's own by default.
    version
        To be raised when scores change for a reason outside the plugin's files.
    suggest
        Draws parameters by an Optuna trial, instead of type hints.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def mark(function: Function) -> Function:
        if isinstance(function, type):
            title = _titled(function, name or getattr(function, "name", None), "model")
            defaults: dict[str, Any] = {}
        else:
            title = _titled(function, name, "model")
            defaults = _defaults(function, f"model {title!r}")
        told = FunctionInfo(title, "model", version, defaults=defaults, suggest=suggest)
        setattr(function, _MARK, told)
        return function

    return mark if function is None else mark(function)


def _titled(function: Any, name: str | None, kind: Kind) -> str:
    title = name or str(function.__name__)
    if not _NAME.fullmatch(title):
        raise PluginError(
            "a name is made of letters, digits, '_', '-' and '.', a letter first",
            where=f"{kind} {title!r}",
        )
    return title


def _defaults(function: Any, where: str, after: int = 0) -> dict[str, Any]:
    """Give the defaults of a function's parameters, but for the first ``after``."""
    parameters = list(inspect.signature(function).parameters.values())[after:]
    loose = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if loose:
        those = "parameters after the image need" if after else "parameters need"
        raise PluginError(f"{those} defaults: {', '.join(loose)}", where=where)
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    try:
        json.dumps(defaults)
    except (TypeError, ValueError):
        raise PluginError(
            "defaults must be numbers, text, true or false, or lists of them", where=where
        ) from None
    return defaults


def info(thing: Any) -> FunctionInfo | None:
    """Give what a decorator noted on ``thing``, if one did."""
    # a subclass is not declared by what its base says
    found = vars(thing).get(_MARK) if isinstance(thing, type) else getattr(thing, _MARK, None)
    return found if isinstance(found, FunctionInfo) else None


def source_digest(thing: Any) -> str:
    """Hash the files that define ``thing``, so that an edit makes results stale.

    These are the file of its module and, of a plugin, those beside it that it imports.

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
        if content is not None and module is not None and _FILE.match(module.__name__):
            beside = [each.read_bytes() for each in _beside(Path(str(path))).values()]
            content += b"".join(hashlib.sha256(each).digest() for each in beside)
    except OSError:
        content = None
    if content is None:
        raise PluginError(f"the file that defines {thing!r} cannot be read")
    return hashlib.sha256(content).hexdigest()[:16]


def load_file(path: Path, *, known_as: Path | None = None) -> list[Callable[..., Any]]:
    """Run a Python file, or the ``__init__.py`` of a folder, and give the parts that it declares.

    What it imports is looked for in its folder too.

    Parameters
    ----------
    path
        Of the file or the folder.
    known_as
        Of the file that it is a copy of: functions of that one, pickled elsewhere, are found here.

    Raises
    ------
    PluginError
        If the file is absent, breaks while it is run, or declares nothing.
    """
    return _declared(load_module(path, known_as=known_as), path.resolve())


def load_module(path: Path, *, known_as: Path | None = None) -> ModuleType:
    """Run a Python file, or the ``__init__.py`` of a folder, as `load_file` does.

    Raises
    ------
    PluginError
        If the file is absent, or breaks while it is run.
    """
    path = path.resolve()
    name = _module_name(known_as or path)
    if not path.exists() and name in sys.modules:
        return sys.modules[name]  # a copy of it was loaded
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        what = "no such file" if file == path else "a folder without __init__.py"
        raise PluginError(what, where=path, hint="--plugin takes a Python file, or a package")
    try:
        state = _state(file)
    except OSError as error:
        raise PluginError(f"cannot be read: {error.strerror}", where=path) from None
    if name in sys.modules and _LOADED.get(name) == state:
        # its functions stay the same objects: they are pickled by their names
        return sys.modules[name]
    _forget(name, file)
    module = _run(name, path, file)
    _LOADED[name] = state
    return module


_LOADED: dict[str, str] = {}
"""Hash of the files of each plugin that was loaded, by the name of its module."""


def _state(file: Path) -> str:
    files = [file, *_beside(file).values()]
    return "".join(hashlib.sha256(each.read_bytes()).hexdigest() for each in files)


def _forget(name: str, file: Path) -> None:
    """Drop a plugin that has changed, with what lies beside it."""
    if name not in _LOADED:
        return
    package = file.name == "__init__.py"
    own = {its.resolve() for its in _beside(file).values()}
    for other, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None)
        within = package and other.startswith(f"{name}.")
        if within or (place is not None and Path(place).resolve() in own):
            del sys.modules[other]


def _run(name: str, path: Path, file: Path) -> ModuleType:
    places = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    if spec is None or spec.loader is None:
        raise PluginError("not a Python file", where=path, hint="--plugin takes a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _check_beside(file)
    folder = str(path.parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except PluginError as error:
        raise PluginError(error.what, where=f"{path}, {error.where}") from None
    except (Exception, SystemExit) as error:
        line = _line_in(file, error)
        raise PluginError(
            f"breaks when it is loaded: {type(error).__name__}: {error}",
            where=f"{path}{line}",
        ) from error
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)  # for imports inside functions
    return module


def _module_name(path: Path) -> str:
    return f"dfbench_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"


def _declared(module: ModuleType, path: Path) -> list[Callable[..., Any]]:
    found: dict[tuple[str, str], Callable[..., Any]] = {}
    for value in vars(module).values():
        mark = info(value)
        own = str(getattr(value, "__module__", None))
        if mark is None or own.partition(".")[0] != module.__name__:
            continue
        key = mark.kind, mark.name
        if key in found and found[key] is not value:
            raise PluginError(f"two {mark.kind}s are named {mark.name!r}", where=path)
        found[key] = value
    if not found:
        raise PluginError(
            "declares no extractor and no model",
            where=path,
            hint="put @dfbench.extractor or @dfbench.model above a function",
        )
    return list(found.values())


def _beside(file: Path) -> dict[str, Path]:
    """Give the files beside a plugin that it imports, and these again, by the name of the module.

    They are read, not run: an import inside a function counts too.
    """
    found: dict[str, Path] = {}
    package = file.name == "__init__.py"
    folder = file.parent
    if package:
        return {
            ".".join(its.relative_to(folder).with_suffix("").parts): its
            for its in sorted(folder.rglob("*.py"))
            if its != file
        }
    waiting = [file]
    while waiting:
        for name in _imports(waiting.pop()):
            for its in _files_of(folder, name):
                if its != file and its not in found.values():
                    found[name] = its
                    waiting.append(its)
    return dict(sorted(found.items()))


def _imports(file: Path) -> Iterator[str]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return  # it says so when it is run
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _files_of(folder: Path, name: str) -> list[Path]:
    """Give the files of a module below a folder, with those of the packages that it is in."""
    found: list[Path] = []
    parts = name.split(".")
    for n in range(1, len(parts) + 1):
        at = folder.joinpath(*parts[:n])
        found += [its for its in (at.with_suffix(".py"), at / "__init__.py") if its.is_file()]
    return found


def _check_beside(file: Path) -> None:
    """Raise where a module that lies beside a plugin was loaded from elsewhere."""
    if file.name == "__init__.py":
        return
    for name, path in _beside(file).items():
        known = sys.modules.get(name)
        place = getattr(known, "__file__", None)
        if known is not None and place is not None and Path(place).resolve() != path.resolve():
            raise PluginError(
                f"imports {name}, and another module of that name is loaded: {place}",
                where=file,
                hint="rename one of them",
            )


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

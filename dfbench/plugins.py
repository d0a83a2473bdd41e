"""Parts as plain functions: what is noted on one, and loading the files that have them."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NoReturn

from dfbench.errors import PluginError, let_stop, one_line, worded
from dfbench.files import resolved
from dfbench.overdue import within
from dfbench.received.files import read_bytes, why
from dfbench.untouched import untouched

Kind = Literal["extractor", "model", "network", "metric", "column", "layout", "augmentation"]

_MARK = "__dfbench_part__"
_LARGEST = 16 << 20
"""Bytes of a file of a plugin."""
_FILE = re.compile(r"dfbench_plugin_[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
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
        Default values of the parameters, without what dfbench gives: of an extractor the image.
    suggest
        Of a model or network: draws parameters by an Optuna trial; None where type hints tell the
        space.
    """

    name: str
    kind: Kind
    version: int = 1
    threads: bool = True
    defaults: dict[str, Any] = field(default_factory=dict)
    suggest: Callable[[Any], dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInfo(FunctionInfo):
    """What ``@dfbench.network`` notes.

    Attributes
    ----------
    image_size
        Side of the images, in pixels.
    recipe
        Fields of `dfbench.models.training.recipe.Recipe` that differ from its defaults.
    cam_layer
        Name of the layer that Grad-CAM looks at; empty: the last convolution.
    takes
        Which of ``n_classes`` and ``image_size`` the function is given.
    """

    image_size: int
    recipe: Mapping[str, Any]
    cam_layer: str
    takes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo(FunctionInfo):
    """What ``@dfbench.metric`` notes.

    Attributes
    ----------
    title
        Heading of its column.
    higher_is_better
        Which way is better.
    binary
        Whether it is for two classes only.
    resamples
        How many its interval is of; None: by the number of images.
    takes
        What it is given by name, beside labels and scores.
    """

    title: str
    higher_is_better: bool
    binary: bool
    resamples: int | None
    takes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnInfo(FunctionInfo):
    """What ``@dfbench.column`` notes: the ``title`` is the heading."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationInfo(FunctionInfo):
    """What ``@dfbench.augmentation`` notes.

    Attributes
    ----------
    batch
        Whether it is given a batch of torch, not an image.
    takes
        Whether it is given ``rng``.
    """

    batch: bool
    takes: tuple[str, ...]


def mark(thing: Any, told: FunctionInfo) -> None:
    """Note on ``thing`` what it is.

    Raises
    ------
    PluginError
        If nothing can be noted on it.
    """
    try:
        setattr(thing, _MARK, told)
    except (AttributeError, TypeError):
        raise PluginError(
            f"nothing can be noted on a {type(thing).__name__}",
            where=f"{told.kind} {told.name!r}",
            hint="put it into a function of your own",
        ) from None
    module = str(getattr(thing, "__module__", ""))
    if _FILE.match(module):
        _MARKED.setdefault(module, []).append((str(getattr(thing, "__qualname__", "")), told))


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
        own = module is not None and _FILE.match(module.__name__)
        content = read_bytes(path, most=_LARGEST if own else None) if path else None
        if content is not None and own:
            beside = [read_bytes(each, most=_LARGEST) for each in _beside(Path(str(path))).values()]
            content += b"".join(hashlib.sha256(each).digest() for each in beside)
    except OSError:
        content = None
    if content is None:
        raise PluginError(f"the file that defines {thing!r} cannot be read")
    return hashlib.sha256(content).hexdigest()[:16]


def place_of(thing: Any) -> tuple[str, str] | None:
    """Give the plugin file that defines ``thing`` and the one that it is a copy of, if one does."""
    return _PLACES.get(str(getattr(thing, "__module__", "")).partition(".")[0])


def part_of(module: str, kind: Kind, name: str) -> Callable[..., Any] | None:
    """Give the function that a module declares to be the part of that name, if one is."""
    for value in vars(importlib.import_module(module)).values():
        mark = info(value)
        if mark is not None and (mark.kind, mark.name) == (kind, name):
            return value  # type: ignore[no-any-return]
    return None


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
    return _declared(load_module(path, known_as=known_as), resolved(path))


def is_loaded(path: Path) -> bool:
    """Whether a file, or a folder, has been loaded as it is now."""
    name = _module_name(resolved(path))
    return name in sys.modules and _LOADED.get(name) == state_of(path)


def any_loaded() -> bool:
    """Whether any plugin file has been run in this process."""
    return bool(_LOADED)


def state_of(path: Path) -> str:
    """Give a hash of a plugin's files as they are now; "" of what cannot be read."""
    path = resolved(path)
    try:
        return _state(path / "__init__.py" if path.is_dir() else path)
    except OSError:
        return ""


def load_module(path: Path, *, known_as: Path | None = None) -> ModuleType:
    """Run a Python file, or the ``__init__.py`` of a folder, as `load_file` does.

    Raises
    ------
    PluginError
        If the file is absent, or breaks while it is run.
    """
    path = resolved(path)
    name = _module_name(known_as or path)
    _PLACES[name] = str(path), str(known_as or path)
    if not path.exists() and name in sys.modules:
        return sys.modules[name]  # a copy of it was loaded
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        what = "no plain file" if file.exists() else "no such file"
        if file != path:
            what = "a folder without __init__.py"
        raise PluginError(what, where=path, hint="--plugin takes a Python file, or a package")
    try:
        state = _state(file)
    except OSError as error:
        raise PluginError(why(error), where=path) from None
    if name in sys.modules and _LOADED.get(name) == state:
        # its functions stay the same objects: they are pickled by their names
        return sys.modules[name]
    _forget(name, file)
    module = _run(name, path, file)
    _LOADED[name] = state
    return module


_MARKED: dict[str, list[tuple[str, FunctionInfo]]] = {}
"""What was declared while a module of a plugin was run, by what it is called there."""
_PLACES: dict[str, tuple[str, str]] = {}
"""Where the file of each plugin lies, and the one that it is a copy of, by the same."""
_LOADED: dict[str, str] = {}
"""Hash of the files of each plugin that was loaded, by the name of its module."""


def _state(file: Path) -> str:
    files = [file, *_beside(file).values()]
    return "".join(hashlib.sha256(read_bytes(each, most=_LARGEST)).hexdigest() for each in files)


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
    _MARKED.pop(name, None)
    _check_beside(file)
    _place_beside(file, path)
    folder = str(path.parent)
    sys.path.insert(0, folder)
    try:
        with staying(LOADING):
            spec.loader.exec_module(module)
    except PluginError as error:
        what = one_line(error.what)
        raise PluginError(what, where=f"{path}, {error.where}", hint=error.hint) from None
    except BaseException as error:
        let_stop(error)
        line = _line_in(file, error)
        raise PluginError(
            f"breaks when it is loaded: {worded(error)}",
            where=f"{path}{line}",
        ) from error
    finally:
        sys.path.remove(folder)
    return module


LOADING, CALLING = 300.0, 30.0
"""Seconds that a file may take to be loaded, or a folder to be listed; and a call for a figure."""


class _Held(threading.local):
    """The process that code of others, which this thread runs, must not end; 0: it runs none."""

    process = 0


_HELD = _Held()
_END = os._exit


def _end(status: int) -> NoReturn:
    if _HELD.process == os.getpid():  # one that the code has begun may end
        raise SystemExit(f"os._exit({status!r:.20}) would end all in silence")
    _END(status)


@contextmanager
def staying(seconds: float) -> Iterator[None]:
    """Have code of others, which runs in this thread, neither end the process nor go on for ever.

    ``os._exit`` raises `SystemExit`: the process would end without a word, and with the exit status
    of success. After ``seconds`` an exception that no ``except Exception`` holds up is raised
    between two of its instructions; inside a library that is written in C it waits for its end.
    What it took away of the process is put back, see `dfbench.untouched`, and a copy that it made
    of the process ends.
    """
    os._exit = _end  # for good: threads do this at once
    own = os.getpid()
    before, _HELD.process = _HELD.process, own
    try:
        with untouched(), within(seconds):
            yield
    finally:
        if os.getpid() != own:
            _END(0)  # a copy that the code made of this process: one is enough
        _HELD.process = before


class _Finder(MetaPathFinder):
    """Finds what plugins import beside them, inside their functions too.

    The folder itself is not left on the path: what else lies there is nobody's business.

    Attributes
    ----------
    folders
        Where modules lie, by name.
    """

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Find a module beside a plugin; a part of one is found by where that is."""
        folder = self.folders.get(fullname)
        return None if folder is None else PathFinder.find_spec(fullname, [str(folder)])


_FINDER = _Finder()


def _place_beside(file: Path, path: Path) -> None:
    """Have modules found that lie beside a plugin; raise where two plugins have one of a name."""
    names = (
        [path.name]
        if file.name == "__init__.py"
        else {name.partition(".")[0] for name in _beside(file)}
    )
    for name in names:
        other = _FINDER.folders.setdefault(name, path.parent)
        if other != path.parent:
            raise PluginError(
                f"imports {name}, and another plugin has a module of that name beside it: {other}",
                where=file,
                hint="rename one of them",
            )
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def _module_name(path: Path) -> str:
    return f"dfbench_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"


def _declared(module: ModuleType, path: Path) -> list[Callable[..., Any]]:
    found: dict[tuple[str, str], Callable[..., Any]] = {}
    for value in vars(module).values():
        told = info(value)
        own = str(getattr(value, "__module__", None))
        if told is None or own.partition(".")[0] != module.__name__:
            continue
        key = told.kind, told.name
        if key in found and found[key] is not value:
            raise PluginError(f"two {told.kind}s are named {told.name!r}", where=path)
        found[key] = value
    for called, told in _MARKED.get(module.__name__, []):
        # what another decorator made of it has its mark
        if called in vars(module) and not any(info(its) is told for its in vars(module).values()):
            raise PluginError(
                f"the {told.kind} {told.name!r} is lost: what comes later in the file is called"
                f" {called}, too",
                where=path,
                hint="rename one of them",
            )
    if not found:
        raise PluginError(
            "declares nothing",
            where=path,
            hint="put @dfbench.extractor, @dfbench.model or the like above a function",
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
        tree = ast.parse(read_bytes(file, most=_LARGEST))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
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
                f"imports {name}, and another module of that name is loaded: {place}, where"
                f" {path.name} lies beside it",
                where=file,
                hint=f"rename {path}",
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

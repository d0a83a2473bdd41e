"""Which part is checked, as data that a process of its own can be given."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from dfbench.errors import (
    DfbenchError,
    PluginError,
    UnknownNameError,
    let_stop,
    one_line,
    unknown,
    worded,
)
from dfbench.features.base import Extractor
from dfbench.features.expression import parse
from dfbench.files import resolved
from dfbench.models.base import Model
from dfbench.plugins import info, load_file
from dfbench.registry import EXTRACTORS, MODELS, Part, Registry

KINDS = {
    "extractor": "dfbench.testing.extractors",
    "model": "dfbench.testing.models",
    "network": "dfbench.testing.networks",
}
"""Module of the checks of each kind, loaded when they are asked for: networks load torch."""


@dataclass(frozen=True)
class Subject:
    """A part that is checked.

    Attributes
    ----------
    kind
        A key of `KINDS`; empty where it could not be loaded.
    name, owner
        Of the part, and of who brings it.
    group
        Of the registry that it is found in; empty where it was given itself.
    files
        Plugins that the registry looks into.
    plugin
        The file or folder that declares it, where that was named.
    params
        Parameters that are not the defaults.
    given
        The part itself, where it was given itself; or its place, ``module:name``.
    module
        Name and file of its module, where it was given itself.
    broken
        Why it could not be loaded.
    """

    kind: str
    name: str
    owner: str
    group: str = ""
    files: tuple[Path, ...] = ()
    plugin: Path | None = None
    params: dict[str, Any] = field(default_factory=dict)
    given: Any = None
    module: tuple[str, str] = ("", "")
    broken: str = ""

    def load(self) -> Any:
        """Give the class, function or object; of a model, the model that dfbench makes of it.

        Raises
        ------
        DfbenchError
            If it cannot be loaded.
        """
        if self.broken:
            raise PluginError(self.broken)
        if self.group:
            return Registry(self.group, self.files).get(self.name).load()
        if self.plugin is not None:
            # not by the registry: the same may be installed
            found = {_key(each): each for each in load_file(self.plugin)}
            return part_of(found[self.kind == "extractor", self.name])
        if isinstance(self.given, str):
            return part_of(_at(self.given))
        if isinstance(self.given, bytes):
            _import(*self.module)
            return part_of(pickle.loads(self.given))  # noqa: S301 - pickled above
        return part_of(self.given)

    def sent(self) -> Subject:
        """Give what another process can be sent.

        Raises
        ------
        PluginError
            If it could not find the part.
        """
        if self.given is None or self.plugin is not None or isinstance(self.given, str):
            return self
        try:
            content = pickle.dumps(self.given)
        except Exception as error:  # noqa: BLE001 - the code of others may raise anything
            content, problem = b"", one_line(str(error))
        else:
            problem = "it is in the script that runs" if self.module[0] == "__main__" else ""
        if problem:
            raise PluginError(
                f"another process could not find it: {problem}",
                where=self.name,
                hint="put it into a module of its own, or check it here: apart=False",
            )
        return replace(self, given=content)


def own_file(thing: Any) -> Path:
    """Give the file that a part is defined in; the folder of dfbench where nothing tells."""
    mark = getattr(thing, "mark", None)
    thing = getattr(thing, "function", thing) if mark is not None else thing
    thing = type(thing) if isinstance(thing, Extractor) else thing
    module = sys.modules.get(getattr(thing, "__module__", ""))
    path = getattr(module, "__file__", None)
    return Path(path) if path else Path("/nowhere")


def kind_of(thing: Any) -> str:
    """Say of which kind a part is; empty where it is none."""
    mark = info(thing)
    if isinstance(thing, type) and issubclass(thing, Model):
        return "network" if hasattr(thing, "build") and thing.inputs != "features" else "model"
    if isinstance(thing, Extractor) or (isinstance(thing, type) and issubclass(thing, Extractor)):
        return "extractor"
    return "extractor" if mark is not None and mark.kind == "extractor" else ""


def part_of(thing: Any) -> Any:
    """Make a part of what stands under a decorator, or of a class of scikit-learn's interface.

    Raises
    ------
    PluginError
        If it is none, or a class without a name.
    """
    mark = info(thing)
    if mark is not None and mark.kind != "extractor":
        return Part(mark.name, "", "", lambda: thing, "dfbench.models.base:Model").load()
    if kind_of(thing):
        if mark is None and not isinstance(getattr(thing, "name", None), str):
            called = getattr(thing, "__name__", type(thing).__name__)
            raise PluginError("has no name", where=called, hint='write name = "..." in the class')
        return thing
    if isinstance(thing, type) and hasattr(thing, "fit"):
        path = f"{thing.__module__}:{thing.__qualname__}"
        return Registry(MODELS).get(path).load()
    raise PluginError(
        f"{getattr(thing, '__name__', type(thing).__name__)} is no part",
        hint="a function under a decorator of dfbench, a subclass of Extractor or Model, or a"
        " class with scikit-learn's interface",
    )


def subject_of(thing: Any, params: dict[str, Any]) -> Subject:
    """Say what is checked, of a name or a part itself.

    Raises
    ------
    DfbenchError
        If there is no such part.
    """
    if isinstance(thing, str):
        found = subjects(thing)
        if len(found) > 1:
            raise UnknownNameError(f"{thing!r} names {len(found)} parts", hint="name one of them")
        [only] = found
        return replace(only, params={**only.params, **params})
    part = part_of(thing)
    defined = getattr(thing, "__module__", "") or ""
    file = str(getattr(sys.modules.get(defined), "__file__", "") or "")
    name = getattr(part, "name", None)
    mark = info(thing)
    title = mark.name if mark else name if isinstance(name, str) else type(thing).__name__
    owner = Path(file).name or defined
    return Subject(kind_of(part), title, owner, params=params, given=thing, module=(defined, file))


def subjects(target: str, files: Iterable[Path] = ()) -> list[Subject]:
    """Say what is checked, of what a user typed.

    Parameters
    ----------
    target
        A plugin (``mine.py``, or a folder), the name of a part (an extractor's with parameters,
        if any), an import path ``module:name``, or the package that brings parts.
    files
        Further plugins to look into.

    Raises
    ------
    UnknownNameError
        If nothing answers to it, with the nearest names.
    """
    plugins = tuple(Path(file) for file in files)
    path = Path(target)
    package = path.is_dir() and (path / "__init__.py").exists()
    if "[" not in target and (package or path.suffix == ".py" or os.sep in target):
        return _declared(path)
    head = target.partition(":")[0]
    if ":" in target and (_importable(head) or head not in _names(plugins)):
        return [_imported(target)]
    found = _named(target, plugins) or _brought(plugins, lambda part: part.owner == target)
    if not found and (path / "pyproject.toml").is_file():
        raise UnknownNameError(
            "a package that is not installed", where=target, hint=f"pip install -e {target}"
        )
    if not found:
        known = [part.name for group in (EXTRACTORS, MODELS) for part in Registry(group, plugins)]
        raise unknown("part", target, known)
    return found


def _names(plugins: tuple[Path, ...]) -> set[str]:
    return {part.name for group in (EXTRACTORS, MODELS) for part in Registry(group, plugins)}


def _key(declared: Any) -> tuple[bool, str]:
    mark = info(declared)
    assert mark is not None  # that is how it was found
    return mark.kind == "extractor", mark.name


def _declared(path: Path) -> list[Subject]:
    found = []
    for each in load_file(path):
        mark = info(each)
        if mark is None or mark.kind not in KINDS:
            continue
        name, kind, broken = mark.name, "", ""
        try:
            kind = kind_of(part_of(each))
        except DfbenchError as error:
            broken = _said(error)
        if kind or broken:
            found.append(Subject(kind, name, path.name, plugin=resolved(path), broken=broken))
    if not found:
        raise PluginError("declares no part that the kit checks", where=path)
    return found


def _said(error: DfbenchError) -> str:
    return f"{error.what} ({error.hint})" if error.hint else error.what


def _importable(module: str) -> bool:
    package = module.partition(".")[0]
    return package.isidentifier() and importlib.util.find_spec(package) is not None


def _imported(target: str) -> Subject:
    owner = target.partition(":")[0].partition(".")[0]
    thing = _at(target)
    if isinstance(thing, type) and not kind_of(thing) and info(thing) is None:
        Registry(MODELS).get(target).load()  # an estimator's class
        return Subject("model", target, owner, group=MODELS)
    part, mark = part_of(thing), info(thing)
    name = mark.name if mark is not None else getattr(part, "name", None)
    return Subject(kind_of(part), str(name or target), owner, given=target)


def _named(target: str, plugins: tuple[Path, ...]) -> list[Subject]:
    name, params = target, {}
    if "[" in target:
        [term] = parse(target)
        name, params = term.name, term.params
    found = []
    for group in (EXTRACTORS, MODELS):
        registry = Registry(group, plugins)
        if name in registry:
            found.append(_subject(registry.get(name), group, plugins, params))
    return found


def _brought(plugins: tuple[Path, ...], wanted: Any) -> list[Subject]:
    return [
        _subject(part, group, plugins, {})
        for group in (EXTRACTORS, MODELS)
        for part in Registry(group, plugins)
        if wanted(part)
    ]


def _subject(part: Part, group: str, plugins: tuple[Path, ...], params: dict[str, Any]) -> Subject:
    owner = Path(part.owner).name if Path(part.owner).is_absolute() else part.owner
    kind, broken = "", ""
    try:
        kind = kind_of(part.load())
        if not kind:
            broken = "is neither a function under a decorator nor a subclass of Extractor or Model"
    except DfbenchError as error:
        broken = _said(error)
    return Subject(kind, part.name, owner, group=group, files=plugins, params=params, broken=broken)


def _at(place: str) -> Any:
    """Import what a path names; of an estimator's class, dfbench's model of it."""
    module, _, name = place.partition(":")
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UnknownNameError(f"there is no module {error.name}", where=place) from None
    except BaseException as error:
        let_stop(error)
        raise PluginError(f"breaks when it is imported: {worded(error)}", where=place) from error
    finally:
        sys.path.remove("")
    for each in name.split("."):
        if not hasattr(found, each):
            raise unknown("part", each, dir(found), where=module)
        found = getattr(found, each)
    return found


def _import(name: str, file: str) -> None:
    """Import a module by its name, or from its file where it is not on the path."""
    if not name or name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except ImportError:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            return
        module: ModuleType = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)

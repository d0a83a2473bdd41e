"""What a fitted model holds, as bytes and plain values: written to a file, and read again.

Objects of scikit-learn go through skops, which unpickles nothing and makes no object of a type
that is not listed.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from zipfile import ZipFile, ZipInfo

from dfbench.errors import DfbenchError
from dfbench.received.texts import from_json
from dfbench.received.zips import stored

_PLAIN = frozenset(
    {
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "str", "tuple")),
        *(f"builtins.{name}" for name in ("NoneType", "set", "slice")),
        "numpy.ndarray",
        *(f"numpy.{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        *("numpy.bool", "numpy.bool_", "numpy.float32", "numpy.float64", "numpy.dtype"),
        *("numpy.random.mtrand.RandomState", "numpy.random._mt19937.MT19937"),
    }
)
"""Types that any file may hold."""
_LOADERS = frozenset(
    f"{kind}Node"
    for kind in (
        *("Dict", "Json", "List", "NdArray", "Object", "RandomState", "RandomGenerator", "Set"),
        *("Slice", "Tree", "Tuple", "Type"),
    )
)
"""Ways of skops to make an object; to others belong functions, and what compiled code follows."""
_CLUSTER = ModuleType("sklearn.cluster")
_CLUSTER.Birch = type("Birch", (), {})  # type: ignore[attr-defined]
_INSTEAD = {
    "sklearn.ensemble._hist_gradient_boosting.binning": None,
    "sklearn.cluster": _CLUSTER,
}
"""What skops imports beside all estimators, 0.4 s with what comes along: for its list, and to
refuse one kind of cluster by name, which is refused here as any type that is not trusted."""
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Time of all files of an archive."""
_LOCK = threading.Lock()
_loaded: list[Any] = []
"""skops, once it has been imported."""


class KeptError(DfbenchError):
    """What was kept of a model cannot be used here: damaged, foreign, or of another version."""


@dataclass(frozen=True)
class Kept:
    """What a fitted model holds.

    Attributes
    ----------
    files
        Content by name.
    plain
        The rest, JSON-able.
    """

    files: dict[str, bytes]
    plain: dict[str, Any] = field(default_factory=dict)

    def file(self, name: str) -> bytes:
        """Give the content of a file.

        Raises
        ------
        KeptError
            If there is none.
        """
        if name not in self.files:
            raise KeptError(f"holds no {name}")
        return self.files[name]


def dumps(held: dict[str, Any]) -> bytes:
    """Write values by name: numbers, texts, arrays, and objects of scikit-learn.

    Raises
    ------
    KeptError
        If a value is something that cannot be written without pickling it.
    """
    try:
        content: bytes = _skops().dumps(held)
    except Exception as error:
        raise KeptError(f"cannot be written: {type(error).__name__}: {error}") from error
    return content


def loads(
    content: bytes, trusted: Sequence[str], estimators: Sequence[str] | None = None
) -> dict[str, Any]:
    """Read what `dumps` wrote.

    Parameters
    ----------
    content
        Of the file.
    trusted
        Names of types that it may hold beside numbers, texts, containers, arrays and estimators
        of scikit-learn.
    estimators
        Names of those of scikit-learn that it may hold; None: any.

    Raises
    ------
    KeptError
        If it holds another type, which is then not made, or cannot be read.
    """
    skops = _skops()
    try:
        known = {*_PLAIN, *trusted}
        others = sorted(name for name in _types(content) if name not in known)
        allowed = set(others) if estimators is None else set(estimators)
        strange = [name for name in others if name not in allowed or not _estimator(name)]
        if not strange:
            held = skops.loads(content, trusted=[*trusted, *others])
    except KeptError:
        raise
    except Exception as error:
        raise KeptError(f"cannot be read: {type(error).__name__}: {error}") from error
    if strange:
        raise KeptError(
            f"holds types that are not trusted: {', '.join(strange)}; nothing of it was loaded"
        )
    if not isinstance(held, dict):
        raise KeptError("cannot be read: holds no values by name")
    return held


def _types(content: bytes) -> set[str]:
    """Give the names of all types that a file of skops asks for.

    All of them, as skops trusts more by itself: sparse matrices, for one, whose indices compiled
    code follows wherever they lead.
    """
    schema = "schema.json"
    waiting: list[Any] = [from_json(stored(content, [schema])[schema])]
    found = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__class__" in node:
                found.add(f"{node.get('__module__')}.{node['__class__']}")
            if "__loader__" in node and node["__loader__"] not in _LOADERS:
                found.add(str(node["__loader__"]))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found


def _estimator(name: str) -> bool:
    """Whether a type is one of scikit-learn's own estimators, which skops trusts by itself."""
    from sklearn.base import BaseEstimator

    module, _, own = name.rpartition(".")
    if not module.startswith("sklearn.") or "externals" in module or "tests" in module:
        return False
    try:
        found = getattr(importlib.import_module(module), own)
    except (ImportError, AttributeError):
        return False
    return isinstance(found, type) and issubclass(found, BaseEstimator)


def _skops() -> Any:
    """Import skops without the list of all estimators, which takes 2 s and imports torch.

    Which types are trusted is said by `loads`. The copy that is so made is kept here: whoever
    imports skops for himself gets it whole.
    """
    with _LOCK:
        if not _loaded:
            _loaded.append(_imported())
            # it asks the clock, which may show what no archive can hold: a model would be lost
            _loaded[0].dumps.__globals__["ZipFile"] = _Dated
        return _loaded[0]


class _Dated(ZipFile):
    """An archive whose files all have one time, whatever the clock shows."""

    def writestr(
        self,
        zinfo_or_arcname: str | ZipInfo,
        data: Any,
        compress_type: int | None = None,
        compresslevel: int | None = None,
    ) -> None:
        if isinstance(zinfo_or_arcname, str):
            zinfo_or_arcname = ZipInfo(zinfo_or_arcname, _WHEN)
            zinfo_or_arcname.compress_type = self.compression
        super().writestr(zinfo_or_arcname, data, compress_type, compresslevel)


def _imported() -> Any:
    if "skops.io" in sys.modules:
        return sys.modules["skops.io"]
    import sklearn.utils

    every = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = lambda *_, **__: []
    # what stands for None cannot be imported, which skops takes for absent
    absent = {name: its for name, its in _INSTEAD.items() if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        return importlib.import_module("skops.io")
    finally:
        sklearn.utils.all_estimators = every
        for name, its in absent.items():
            if sys.modules.get(name) is its:
                del sys.modules[name]
        for name in [each for each in sys.modules if each.split(".")[0] == "skops"]:
            del sys.modules[name]

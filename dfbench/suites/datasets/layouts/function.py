"""The layout ``function``: a function of a plugin lists the images."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, field_validator

from dfbench.contained.process import EndedError
from dfbench.errors import DataError, DfbenchError, PluginError, UnknownNameError, let_stop, worded
from dfbench.hosted import called
from dfbench.plugins import LOADING, staying
from dfbench.received.containers.places import is_file
from dfbench.registry import LAYOUTS, Registry
from dfbench.suites.datasets.layouts.base import Declared, Layout, label_of
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED, Listed, Listing, SplitName

_KEYS = ("path", "label", "split", "group", "kind")


class FunctionLayout(Layout):
    """A function under ``@dfbench.layout`` lists the images with their labels."""

    comments: ClassVar[dict[str, str]] = {
        "name": "Of the function; its file is given by --plugin, or by a suite.",
        "splits": "The splits that it tells; left out where images are to be divided.",
        "groups": "Whether it tells which images share a source.",
        "kinds": "Whether it tells the kind of a fake.",
    }

    kind: Literal["function"]
    name: str
    splits: list[SplitName] = Field(default_factory=list)
    groups: bool = False
    kinds: bool = False
    _plugins: tuple[Path, ...] = PrivateAttr(default=())

    @field_validator("splits")
    @classmethod
    def _in_order(cls, value: list[SplitName]) -> list[SplitName]:
        return [name for name in SPLITS if name in value]

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Say nothing: names of files do not tell what a function would read."""
        return ""

    def with_plugins(self, files: Collection[Path]) -> Self:
        """Look the function up in these files too."""
        found = self.model_copy()
        found._plugins = tuple(files)
        return found

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Nothing is known of what the function looks for."""
        return []

    def reads_beside(self, inner: Path, root: Path, classes: Sequence[str]) -> bool:
        """Whether the root is the folder that is meant: always."""
        return True

    @property
    def split_names(self) -> list[str]:
        """The splits that the function tells."""
        return list(self.splits)

    @property
    def gives_groups(self) -> bool:
        """Whether the function tells which images share a source."""
        return self.groups

    @property
    def gives_kinds(self) -> bool:
        """Whether the function tells which kind of fake an image is."""
        return self.kinds

    def scan(self, card: Declared, root: Path) -> Listing:
        """Call the function, and check each of its entries.

        Raises
        ------
        UnknownNameError
            If there is no function of that name.
        PluginError
            If it breaks, or gives what is no entry.
        DataError
            If an entry contradicts the card, or names no file.
        """
        known = Registry(LAYOUTS, self._plugins)
        if self.name not in [part.name for part in known if not part.built_in]:
            raise UnknownNameError(
                f"no plugin here has the layout {self.name!r}",
                where=f"data set {card.name!r}",
                hint="give the file that declares it: --plugin FILE",
            )
        function = known.get(self.name).load()
        where = f"layout {self.name!r}"
        try:
            entries = called(function, LOADING, "to list the folder", _told, function, root, where)
        except EndedError as error:
            raise PluginError(error.why, where=where) from None
        return Listing([self._listed(card, root, n, each) for n, each in enumerate(entries, 1)])

    def _listed(self, card: Declared, root: Path, n: int, told: Mapping[str, Any]) -> Listed:
        where = f"layout {self.name!r}, entry {n}"
        place = Path(told["path"])
        if place.is_absolute() and place.is_relative_to(root):
            place = place.relative_to(root)
        path = posixpath.normpath(place.as_posix())
        if place.is_absolute() or path.startswith("..") or not is_file(root / path):
            raise DataError(f"no file of the data set: {path}", where=where, hint=f"below {root}")
        for key, known in (("split", self.splits), ("group", self.groups), ("kind", self.kinds)):
            if told[key] and not known:
                raise DataError(
                    f"tells a {key}, and the card does not say so",
                    where=where,
                    hint=f"{key}s = {'[...]' if key == 'split' else 'true'} in its layout",
                )
        if self.splits and told["split"] not in self.splits:
            raise DataError(
                f"tells the split {told['split']!r}, not one of {', '.join(self.splits)}",
                where=where,
            )
        label = UNLABELLED
        if told["label"] is not None:
            label = label_of(card, {}, told["label"], where=f"{where}, {path}")
        return Listed(path, label, told["split"], told["group"], kind=told["kind"])


def _told(function: Callable[[Path], Any], root: Path, where: str) -> list[dict[str, Any]]:
    """Call a function, and give what it tells of each image, by the names of it."""
    try:
        with staying(LOADING):
            given = function(root)
            entries = list(given) if isinstance(given, Iterable) else given
    except DfbenchError:
        raise
    except BaseException as error:
        let_stop(error)
        raise PluginError(f"raises {worded(error)}", where=where) from error
    if not isinstance(entries, list):
        raise PluginError(f"gives {type(given).__name__}, no entries", where=where)
    return [_entry(each, f"{where}, entry {n}") for n, each in enumerate(entries, 1)]


def _entry(entry: Any, where: str) -> dict[str, Any]:
    if isinstance(entry, tuple | list) and 2 <= len(entry) <= 4:
        entry = dict(zip(_KEYS, entry, strict=False))
    if not isinstance(entry, Mapping) or not {"path", "label"} <= entry.keys() <= {*_KEYS}:
        raise PluginError(
            f"gives {entry!r:.80}",
            where=where,
            hint="(path, label), (path, label, split), (path, label, split, group), or a"
            f" dictionary of {', '.join(_KEYS)}",
        )
    if not isinstance(entry["path"], str | PurePath):
        raise PluginError(f"gives the path {entry['path']!r:.80}", where=where)
    label = entry["label"]
    more = {key: str(entry.get(key) or "") for key in _KEYS[2:]}
    return {"path": str(entry["path"]), "label": None if label is None else str(label), **more}

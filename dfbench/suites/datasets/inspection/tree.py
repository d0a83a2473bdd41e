"""How a data set was read, as a small tree of its folders with counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dfbench.files import resolved
from dfbench.suites.datasets.image_files import walk
from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.words import natural

MOST = 8
"""More folders in one are drawn as the first few and the number of others."""
FEW = 3
"""That are drawn then."""
DEPTH = 8
NO_LABEL = "no label"


class Branch(NamedTuple):
    """A line of the tree.

    Attributes
    ----------
    depth
        0 for the root.
    name
        Of the folder, or how many others there are.
    images
        In it and below.
    told
        What is read of it: split, class, kind, source.
    """

    depth: int
    name: str
    images: int
    told: str


@dataclass(slots=True)
class _Node:
    images: int = 0
    facts: dict[str, Counter[str]] = field(default_factory=dict)
    inner: dict[str, _Node] = field(default_factory=dict)

    def add(self, facts: dict[str, str]) -> None:
        self.images += 1
        for name, value in facts.items():
            self.facts.setdefault(name, Counter())[value] += 1

    def place(self, path: str, facts: dict[str, str]) -> None:
        """Count an image here and in each folder on the way to it."""
        self.add(facts)
        node = self
        for part in path.split("/")[:-1]:
            node = node.inner.setdefault(part, _Node())
            node.add(facts)

    def single(self) -> str | None:
        """Give the only folder, where it tells no more and holds all images; else None."""
        if len(self.inner) != 1:
            return None
        [(name, inner)] = self.inner.items()
        return name if inner.images == self.images else None

    def only(self, name: str) -> str:
        """Give the one value that all images have; empty where they have several."""
        values: Counter[str] = self.facts.get(name, Counter())
        return next(iter(values)) if len(values) == 1 else ""


def tree(dataset: Dataset) -> list[Branch]:
    """Draw the folders of a data set, with what is read of each.

    Parameters
    ----------
    dataset
        As loaded.

    Returns
    -------
    list of Branch
        From the root on, folders in natural order.
    """
    root = _Node()
    given = dataset.card.split.policy == "given"
    kinds = kinds_of(dataset) if dataset.positive_index is not None else None
    manifest = dataset.manifest
    columns: Any = zip(
        manifest["path"].tolist(),
        manifest["label"].tolist(),
        manifest["split"].tolist(),
        manifest["group"].tolist(),
        kinds if kinds is not None else [""] * len(manifest),
        strict=True,
    )
    for path, label, split, group, kind in columns:
        name = NO_LABEL if label == UNLABELLED else dataset.classes[label]
        # a kind is of fakes: real images beside them say nothing of it
        facts = {"class": name, "split": split if given else "", "source": group}
        if kind:
            facts["kind"] = kind
        root.place(path, facts)
    return _drawn(dataset.root, root)


def bare_tree(folder: Path) -> list[Branch]:
    """Draw a folder of which it is not clear how it is read: numbers of images alone.

    Raises
    ------
    DataError
        Where a folder cannot be read.
    """
    root = _Node()
    for path in walk(folder).images:
        root.place(path, {})
    return _drawn(folder, root)


def _drawn(folder: Path, root: _Node) -> list[Branch]:
    name, node = _whole_chain(resolved(folder).name, root)
    lines = [Branch(0, f"{name}/", node.images, _told(node, None))]
    _draw(node, 1, lines)
    return lines


def _whole_chain(name: str, node: _Node) -> tuple[str, _Node]:
    """Go down as long as a folder holds nothing but another: they are one line."""
    while (only := node.single()) is not None:
        name, node = f"{name}/{only}", node.inner[only]
    return name, node


def _draw(node: _Node, depth: int, lines: list[Branch]) -> None:
    names = natural(node.inner)
    shown = names if len(names) <= MOST else names[:FEW]
    for own in shown:
        name, inner = _whole_chain(own, node.inner[own])
        lines.append(Branch(depth, f"{name}/", inner.images, _told(inner, node)))
        if depth < DEPTH:
            _draw(inner, depth + 1, lines)
    if len(shown) < len(names):
        rest = [node.inner[name] for name in names[FEW:]]
        images = sum(each.images for each in rest)
        lines.append(Branch(depth, f"{len(rest):,} more folders", images, _shared(rest, node)))


def _told(node: _Node, above: _Node | None) -> str:
    """Say what this folder tells and the one above does not."""
    said = []
    for name in ("split", "class", "kind", "source"):
        value = node.only(name)
        if value and (above is None or above.only(name) != value):
            said.append(value if value == NO_LABEL else f"{name} {value}")
    if node.facts and not node.only("class") and not node.inner:
        said.append(", ".join(f"{n:,} {name}" for name, n in node.facts["class"].most_common()))
    return ", ".join(said)


def _shared(rest: list[_Node], above: _Node) -> str:
    sources = {node.only("source") for node in rest}
    if sources != {""}:
        return f"{len(sources):,} sources"
    classes = {node.only("class") for node in rest}
    return f"{len(classes):,} classes" if not above.only("class") and "" not in classes else ""

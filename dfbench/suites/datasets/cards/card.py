"""The data set card: what the data are, where they lie, how labels are read and splits made."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from dfbench.suites.datasets.cards.about import About
from dfbench.suites.datasets.cards.normalise import Normalise
from dfbench.suites.datasets.cards.rules import GroupRule, KindRule, SplitRule
from dfbench.suites.datasets.layouts.all import AnyLayout
from dfbench.suites.datasets.layouts.base import Layout
from dfbench.suites.datasets.section import Section, fault
from dfbench.suites.datasets.words import guess_positive, guess_real
from dfbench.suites.repeat import Repeat


class Card(Section):
    """A data set, as its TOML file declares it. See the guide for each key."""

    comments: ClassVar[dict[str, str]] = {
        "name": "What the data set is called in leaderboards.",
        "source": "Where the data can be had, and under which licence.",
        "root": "Folder of the data, relative to this file.",
        "root_env": "Environment variable that gives the folder, before root.",
        "classes": "The label of a class is its place in this list, from 0.",
        "positive": "The class to detect.",
        "real": "The class of real images; the others are kinds of fakes.",
        "normalise": "What all images are made into before anything sees them.",
        "split": (
            "given: by the layout; stratified: each class divided alike;\n"
            "grouped: the same, with no group in two splits."
        ),
        "repeat": "splits = N: divided N times at random; folds = N: N-fold cross-validation.",
        "group": "Images with the same text in the named group share a source (person, video).",
        "kind": "Which kind of fake (generator, manipulation) an image is.",
        "about": "What its owners say of it.",
    }

    name: str
    description: str = ""
    source: str = ""
    """Where the data can be had: a text or an address."""
    licence: str = ""
    root: str = ""
    """Folder of the data, relative to the card's own; empty: the card's folder, or that of
    ``root_env``."""
    root_env: str = ""
    """Environment variable that gives the root, before ``root``."""
    classes: list[str] = Field(min_length=1)
    """The label of an image is the place of its class in this list, from 0."""
    positive: str = ""
    """Of two classes, the one that detectors are to detect."""
    real: str = ""
    """Of more than two classes, the one of real images; the others are kinds of fakes."""
    normalise: Normalise | None = None
    """What all images are made into first; they are seen as they are where it is left out."""
    layout: AnyLayout
    split: SplitRule
    repeat: Repeat | None = None
    """How often the images are divided, each time anew."""
    group: GroupRule | None = None
    kind: KindRule | None = None
    about: About | None = None
    """What its owners say of it: how much there is, who may have it, how it is cited."""

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not re.fullmatch(r"[\w][\w.+-]{0,99}", value):
            raise ValueError(f"{value!r} may hold letters, digits and . _ - + only (1 to 100)")
        return value

    @field_validator("classes")
    @classmethod
    def _check_classes(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value) or "" in value:
            raise ValueError("the names of the classes must differ and not be empty")
        return value

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """Derive what was left out: the positive or the real class, the split policy."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if "resize" in data:
            fault("resize", f"write a section [normalise] with size = {data['resize']!r} instead")
        classes, split, layout = data.get("classes"), data.get("split", {}), data.get("layout")
        if not data.get("positive") and isinstance(classes, list) and len(classes) == 2:
            # where names do not tell, the order does: it is the author's
            data["positive"] = guess_positive([str(c) for c in classes]) or str(classes[-1])
        if not data.get("real") and isinstance(classes, list) and len(classes) > 2:
            data["real"] = guess_real([str(c) for c in classes])
        told = isinstance(layout, dict | Layout)
        if told and isinstance(split, dict) and "policy" not in split:
            data["split"] = {"policy": _derive_policy(layout, bool(data.get("group"))), **split}
        return data

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        known = ", ".join(self.classes)
        if self.positive and len(self.classes) > 2:
            fault("positive", f"is for two classes; there are {len(self.classes)}")
        if self.positive and self.positive not in self.classes:
            fault("positive", f"{self.positive!r} is none of the classes ({known})")
        if self.real and len(self.classes) == 2:
            fault("real", "is for more than two classes; of two it is the one not positive")
        if self.real and self.real not in self.classes:
            fault("real", f"{self.real!r} is none of the classes ({known})")
        if len(self.classes) > 2 and self.has_kind_rule:
            fault("kind", "is for two classes; of more than two the classes are the kinds")
        self.layout.check(self.classes)
        if self.about is not None:
            self.about.check(self.classes)
        if self.split.policy == "given":
            self._check_given()
            if self.repeat is not None:
                fault(
                    "repeat",
                    "is for splits that are drawn: choose split.policy stratified or grouped, or"
                    f" dfbench run --repeat {self.repeat.given}",
                )
        if self.split.policy == "grouped" and not self.has_group_rule:
            fault("split.policy", "grouped needs a group rule: a [group] section with a pattern")
        return self

    def _check_given(self) -> None:
        splits = self.layout.split_names
        if not splits:
            fault("split.policy", "given needs layout.splits; else choose stratified or grouped")
        if "all" in splits:
            fault("split.policy", "the table 'all' is divided by stratified or grouped, not given")
        if "train" not in splits:
            fault("layout.splits", "there is no train")
        if len(splits) < 2:
            fault("layout.splits", "there is neither validation nor test beside train")

    def with_plugins(self, files: Collection[Path]) -> Card:
        """Give it with files in which functions that its layout names may be."""
        return self.model_copy(update={"layout": self.layout.with_plugins(files)})

    @property
    def has_group_rule(self) -> bool:
        """Whether the card says which images share a source."""
        return self.layout.gives_groups or (self.group is not None and self.group.tells)

    @property
    def has_kind_rule(self) -> bool:
        """Whether the card says which kind of fake an image is."""
        return self.kind is not None or self.layout.gives_kinds

    @property
    def split_names(self) -> list[str]:
        """The splits that the data set is to have."""
        if self.split.policy == "given":
            return self.layout.split_names
        return [str(name) for name in self.split.fractions]

    @property
    def positive_index(self) -> int | None:
        """Label of the positive class; None unless there are two classes."""
        return self.classes.index(self.positive) if len(self.classes) == 2 else None

    @property
    def real_index(self) -> int | None:
        """Label of the class of real images; None where more than two classes do not tell."""
        if self.positive_index is not None:
            return 1 - self.positive_index
        return self.classes.index(self.real) if self.real else None


def _derive_policy(layout: Any, grouped: bool) -> str:
    """Say how images are divided where the card does not; ``layout`` may be anything still."""
    try:
        told = TypeAdapter[Layout](AnyLayout).validate_python(layout)
    except ValidationError:
        return "stratified"  # the card is not valid, whatever its policy
    if set(told.split_names) - {"test", "all"} and "all" not in told.split_names:
        return "given"
    return "grouped" if grouped or told.gives_groups else "stratified"

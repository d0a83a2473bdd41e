"""A row: what it stands for, and whether it can run here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from dfbench.backbones.names import SHORT
from dfbench.benchmark.planning.augmenting import Augmentation, augmentation
from dfbench.benchmark.planning.detector import detector_row, is_detector
from dfbench.contained.process import EndedError
from dfbench.errors import (
    CardError,
    DfbenchError,
    ParameterError,
    PluginError,
    UnavailableError,
    UnknownNameError,
    let_stop,
    unknown,
    worded,
)
from dfbench.features.base import Extractor
from dfbench.features.expression import build, parse
from dfbench.features.internal.square import Square
from dfbench.features.internal.squares import square
from dfbench.hosted import called
from dfbench.models.base import Model
from dfbench.models.selection.calibration import parse_rule
from dfbench.models.selection.space import Drawn, Range, Space
from dfbench.plugins import LOADING, info, place_of, source_digest
from dfbench.registry import AUGMENTATIONS, Part, Registry, model_of
from dfbench.results.records.records import Control, Elsewhere, Kind, Status
from dfbench.suites.suite import ROBUST, Block, Derived, Reported, Suite, System, load_suite
from dfbench.suites.suite import names as suite_names

_PACKAGES = frozenset({"lightgbm", "xgboost"})
"""Packages that models have the name of."""


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard: features and a model, a network, or a combination of others.

    Attributes
    ----------
    name
        ``<features>/<model>``, the network's name, or the one that the suite gives.
    extractors
        Whose vectors, joined in this order, the model is given; for a network the images, as
        squares, come first.
    model
        Class of the model; None where it cannot be loaded, or the row is derived.
    space
        What is open of its parameters.
    source
        Hash of the file that holds the model, where it is a plugin's, and of those that hold
        augmentations that its parameters name.
    derived
        How it is made of other rows; None where it is not.
    shuffled
        Whether it is fitted on labels in another order.
    augment
        Changed copies of images that it is fitted on too; None where there are none.
    reported
        Figures that its source published.
    elsewhere
        What is told of its detector, where that was not fitted here.
    status, reason
        ``"ok"`` unless it is known already that the row cannot run here, and why, see `standing`.
    checked
        Whether `standing` also looks if what the row needs (weights, packages) is here.
    """

    name: str
    model_name: str = ""
    extractors: list[Extractor] = field(default_factory=list)
    model: type[Model] | None = None
    space: Space = field(default_factory=Space)
    source: str = ""
    derived: Derived | None = None
    shuffled: bool = False
    augment: Augmentation | None = None
    reported: Reported | None = None
    elsewhere: Elsewhere | None = None
    status: Status = "ok"
    reason: str = ""
    checked: bool = False

    @cached_property
    def standing(self) -> tuple[Status, str]:
        """``"ok"`` where the row can run here, and else why not; to look may take seconds."""
        if self.status != "ok" or self.model is None or not self.checked:
            return self.status, self.reason
        return _available(self.extractors, self.model, self.space)

    @cached_property
    def holds_out_sources(self) -> bool:
        """Whether its probabilities heed sources, see `Model.holds_out_sources`."""
        if self.model is None or self.status != "ok":
            return False
        own = _own(self.model)
        if own is None:
            return self.model.holds_out_sources(self.space.defaults(self.model))
        try:
            return called(own, LOADING, "to be made", _holds_out_sources, own, self.space)
        except EndedError:
            return False  # its cells say why

    @property
    def backbones(self) -> list[tuple[str, str]]:
        """Backbones that it takes with weights that somebody trained: ``imagenet``, or a file."""
        taken = [each.get_params() for each in self.extractors]
        if self.model is not None:
            with suppress(UnavailableError):  # of a package that is absent, and has no backbones
                taken.append(self.space.defaults(self.model))
        return [
            (str(params["backbone"]), str(params["weights"]))
            for params in taken
            if "backbone" in params and params.get("weights") not in (None, "random")
        ]

    @property
    def views(self) -> tuple[str, ...]:
        """Of its copies."""
        return () if self.augment is None else self.augment.views

    @property
    def brought(self) -> bool:
        """Whether its detector is from elsewhere, also where it cannot run here."""
        return self.elsewhere is not None or is_detector(self.model_name)

    @property
    def kind(self) -> Kind:
        """What it is; empty where its model cannot be loaded."""
        if self.derived is not None:
            return "derived"
        if self.brought:
            return "detector"
        if not self.extractors:
            return ""
        # a network's images come first among what it is given
        return "network" if isinstance(self.extractors[0], Square) else "features"

    @property
    def control(self) -> Control:
        """What is kept from it, if anything."""
        if self.shuffled:
            return "shuffled labels"
        names = {extractor.name for extractor in self.extractors}
        return "no pixels" if names == {"metadata"} else ""


@dataclass(frozen=True)
class Finder:
    """What the names in a row are looked up in.

    Attributes
    ----------
    suite
        Has names for features.
    extractors, models
        The parts that there are.
    device
        Given to extractors that take one and were not told otherwise.
    check
        Whether rows that are asked look if what they need (weights, packages) is here.
    """

    suite: Suite
    extractors: Registry
    models: Registry
    device: str
    check: bool

    @property
    def where(self) -> str:
        """How errors name the suite."""
        return self.suite.where


def make_row(row: System | Derived, finder: Finder, where: str = "") -> Row:
    """Look up what a row consists of.

    Parameters
    ----------
    row
        As it was written.
    finder
        Where the names are looked up.
    where
        How errors name it; by default as a row of the suite.

    Raises
    ------
    UnknownNameError
        For a name that nothing answers to.
    CardError
        For features that are no expression, or have an extractor twice.
    ParameterError
        For parameters that the model or an extractor does not take.
    """
    place = where or f"{finder.where}, row {row.name!r}"
    if isinstance(row, Derived):
        if row.threshold:
            parse_rule(row.threshold)
        return Row(row.name, derived=row, reported=row.reported)
    try:
        copies = _copies(row, finder)
        if is_detector(row.model):
            if copies is not None:
                raise ParameterError("nothing is fitted of a detector", where="key 'augment'")
            return _of_detector(row, finder)
        part, given = _part(row.model, finder.models)
        model: type[Model] = part.load()
        space = Space({**given, **row.params}, row.choices, row.tune, _ranges(row))
        _check(space, model, part)
        if copies is not None and model.inputs != "features":
            raise ParameterError(
                "a network changes its training images itself",
                where="key 'augment'",
                hint=f"[systems.params], see dfbench list networks {part.name}",
            )
        chosen = _extractors(row, model, space, finder, key="" if where else "features")
        augmented = _augmentations(model, space, finder)
    except PluginError as error:
        return Row(row.name, row.model, status="failed", reason=str(error))
    except UnavailableError as error:
        return Row(row.name, row.model, status="skipped", reason=str(error))
    except (UnknownNameError, CardError, ParameterError) as error:
        place = place if error.where is None else f"{place}, {error.where}"
        raise type(error)(error.what, where=place, hint=error.hint) from None
    source = "-".join([*([] if part.built_in else [source_digest(model)]), *augmented])
    return Row(
        name=row.name,
        model_name=part.name,
        extractors=chosen,
        model=model,
        space=space,
        source=source,
        shuffled=row.shuffle_labels,
        augment=copies,
        reported=row.reported,
        checked=finder.check,
    )


def variant(row: System, said: Block | System | Suite) -> System:
    """Give the robust variant of a row; ``said`` names its views."""
    own = {"robust": False, "augment": said.views, "copies": said.copies}
    return row.model_copy(update={"name": row.name + ROBUST, "reported": None, **own})


def takes_copies(row: System, finder: Finder) -> bool:
    """Whether a row is fitted here on vectors of images, so that copies can join them.

    A control has no variant: what it shows is shown without.
    """
    if not row.features or row.shuffle_labels or is_detector(row.model):
        return False
    try:
        part, _ = _part(row.model, finder.models)
        names = {term.name for term in parse(row.features, finder.suite.features)}
        return part.load().inputs == "features" and names != {"metadata"}
    except DfbenchError:
        return False  # what is wrong with it is told of the row itself


def _copies(row: System, finder: Finder) -> Augmentation | None:
    if row.augment is None or row.robust:
        return None
    suite = finder.suite
    views = suite.views if row.augment == "default" else row.augment
    return augmentation(views, row.copies, suite.copies)


def _check(space: Space, model: type[Model], part: Part) -> None:
    """Check the parameters; of a plugin file in a process of its own, for its code is called."""
    own = _own(model)
    if own is None:
        space.check(model)
        return
    try:
        called(own, LOADING, "to be made", _checked, own, space)
    except EndedError as error:
        raise PluginError(f"cannot be made: it {error.why}", where=part.where) from None


def _own(model: type[Model]) -> Any:
    """Give what a plugin file has a model made of; None where no file does."""
    its = getattr(model, "function", model)
    return None if place_of(its) is None else its


def _checked(own: Any, space: Space) -> None:
    """Call all of a plugin's that planning calls."""
    model: type[Model] = model_of(own)
    space.check(model)
    for params in space.settings(model):
        model.augmentations({**model.defaults(), **params})
    if model.inputs != "features":
        model.image_side(space.defaults(model))


def _of_detector(row: System, finder: Finder) -> Row:
    made = detector_row(row, finder.device)
    return Row(
        name=row.name,
        model_name=made.kind,
        extractors=[made.extractor],
        model=made.model,
        space=Space(made.params, search=False),
        reported=row.reported,
        elsewhere=made.told,
        checked=finder.check,
    )


def _ranges(row: System) -> dict[str, Drawn]:
    found: dict[str, Drawn] = {}
    # what is drawn hangs on the order, which does not tell cells apart
    for name, its in sorted(row.search.items()):
        if its.choices is not None:
            found[name] = its.choices
        elif its.int is not None:
            found[name] = Range("int", *its.int, log=its.log)
        elif its.float is not None:
            found[name] = Range("float", *its.float, log=its.log)
    return found


def _part(name: str, models: Registry) -> tuple[Part, dict[str, Any]]:
    """Find a model; ``finetune:resnet18`` is ``finetune`` with that backbone."""
    base, colon, backbone = name.partition(":")
    if colon and name not in models and base in models:
        part = models.get(base)
        if "backbone" in part.load().defaults():
            return part, {"backbone": backbone}
        # else it is an import path
        if base not in _PACKAGES and find_spec(base) is None:
            raise unknown("model", name, models.names())
    return models.get(name), {}


def _unknown(name: str, known: Sequence[str]) -> UnknownNameError:
    """Build the error for an extractor, which may be a backbone's name or another suite's."""
    if name in SHORT:
        hint = f"it is a backbone: 'embedding[backbone={name}]'"
        return UnknownNameError(f"unknown extractor {name!r}", hint=hint)
    suites = [each for each in suite_names() if name in load_suite(each).features]
    if suites:
        hint = f"of the suite {' or '.join(suites)}: --suite {suites[0]}"
        return UnknownNameError(f"unknown extractor {name!r}", hint=hint)
    return unknown("extractor", name, known)


def _extractors(
    row: System, model: type[Model], space: Space, finder: Finder, *, key: str
) -> list[Extractor]:
    """Make what the model is given; ``key`` is that of the suite, for errors."""
    if model.inputs == "features" and not row.features:
        raise UnknownNameError(f"{row.model!r} takes features, and the row names none")
    if model.inputs == "images" and row.features:
        raise UnknownNameError(f"{row.model!r} sees images, and the row names features")
    chosen: list[Extractor] = []
    if model.inputs != "features":
        chosen.append(square(model.square, model.image_side(space.defaults(model))))
    expression = row.features or (model.companion if model.inputs == "both" else "")
    if expression:
        try:
            terms = parse(expression, finder.suite.features)
            for term in terms:
                if term.name not in finder.extractors:
                    # a name of the suite's, which stands for no other of its names
                    names = {*finder.suite.features} - {term.name}
                    raise _unknown(term.name, [*finder.extractors.names(), *names])
            found = build(terms, finder.extractors)
        except (UnknownNameError, CardError, ParameterError) as error:
            places = [f"key {key!r}" if key else None, error.where]
            place = ", ".join(filter(None, places)) or None
            raise type(error)(error.what, where=place, hint=error.hint) from None
        for extractor in found:
            if extractor.get_params().get("device") == "auto":
                extractor.set_params(device=finder.device)
        chosen += found
    return chosen


def _augmentations(model: type[Model], space: Space, finder: Finder) -> list[str]:
    """Look up the augmentations that parameters name; give a hash of the file of each."""
    named: dict[str, dict[str, Any]] = {}
    for params in space.settings(model):
        named |= model.augmentations({**model.defaults(), **params})
    found = []
    known = Registry(AUGMENTATIONS, finder.models.files) if named else None
    for name, given in named.items():
        assert known is not None
        part = known.get(name)
        if part.built_in:
            raise ParameterError(f"{name!r} is an augmentation of ours: it stands beside own")
        function = part.load()
        told = info(function)
        assert told is not None  # that is how it was found
        for key in given:
            if key not in told.defaults:
                raise unknown("parameter", key, told.defaults, where=f"augmentation {name!r}")
        found.append(source_digest(function))
    return sorted(set(found))


def _available(
    extractors: Sequence[Extractor], model: type[Model], space: Space
) -> tuple[Status, str]:
    own = _own(model)
    try:
        if own is None:
            model.check_available(space.defaults(model))
        else:
            called(own, LOADING, "to look what it needs", _check_available, own, space)
        for extractor in extractors:
            extractor.check_available()
    except UnavailableError as error:
        return "skipped", str(error)
    except DfbenchError as error:
        return "failed", str(error)
    except EndedError as error:
        return "failed", f"{model.name}: {error.why}"
    except BaseException as error:  # noqa: BLE001 - a plugin's check may raise anything
        let_stop(error)
        return "failed", worded(error)
    return "ok", ""


def _check_available(own: Any, space: Space) -> None:
    model: type[Model] = model_of(own)
    model.check_available(space.defaults(model))


def _holds_out_sources(own: Any, space: Space) -> bool:
    model: type[Model] = model_of(own)
    return model.holds_out_sources(space.defaults(model))

"""Rows whose detector is from elsewhere: what a suite tells of it, apart for who asks and reads."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfbench.errors import CardError, ParameterError, unknown
from dfbench.features.elsewhere.base import FromElsewhere
from dfbench.features.elsewhere.preprocessing import Preprocessing, preprocessing
from dfbench.models.base import Model
from dfbench.registry import ELSEWHERE, MODELS, Registry, detector_of
from dfbench.results.records.records import Elsewhere
from dfbench.suites.suite import System

_OF_INPUT = frozenset(Preprocessing.__slots__)
_SET = frozenset({"input", "numbers", "bounded"})
"""What follows from other parameters."""


@dataclass(frozen=True)
class DetectorRow:
    """What a row of ``KIND:TARGET`` consists of.

    Attributes
    ----------
    kind
        Of `dfbench.registry.ELSEWHERE`.
    extractor
        Asks the detector.
    model
        Reads its scores.
    params
        Of the model.
    told
        What a leaderboard says of it.
    """

    kind: str
    extractor: FromElsewhere
    model: type[Model]
    params: dict[str, Any]
    told: Elsewhere


def is_detector(name: str) -> bool:
    """Whether a model is named as a detector from elsewhere."""
    kind, colon, _ = name.partition(":")
    return bool(colon) and kind in ELSEWHERE


def detector_row(row: System, device: str) -> DetectorRow:
    """Make what asks the detector of a row and what reads its scores.

    Raises
    ------
    UnavailableError
        If its file or package is absent.
    PluginError
        If what its name leads to is no detector.
    ParameterError, CardError, UnknownNameError
        If what the suite tells is not enough, or is not what it must be.
    """
    kind, _, target = row.model.partition(":")
    if not target:
        raise CardError(f"names no detector: {row.model!r}", hint=f"{kind}:TARGET")
    if row.features:
        raise CardError(f"{row.model!r} sees images, and the row names features")
    if row.choices or row.search:
        raise CardError(f"{row.model!r} is trained already: there is nothing to choose or search")
    model: type[Model] = Registry(MODELS).get(kind).load()
    asks: type[FromElsewhere] = detector_of(kind)
    own = _own(asks)
    given = dict(row.params)
    if kind == "detectzoo":
        # as its documentation says of every detector's score
        given = {"outputs": ["fake"], **given}
    params = {name: given.pop(name) for name in model.defaults() if name in given}
    takes_input = "input" in own
    known = {*own, *(_OF_INPUT if takes_input else ())} - _SET
    for name in given:
        if name not in known:
            raise unknown("parameter", name, {*known, *model.defaults()}, where=row.model)
    try:
        model.check_params(params)
    except ParameterError as error:
        raise ParameterError(error.what, where=row.model, hint=error.hint) from None
    outputs = list(params["outputs"])
    bounded = params.get("activation", "none") == "none"
    settings: dict[str, Any] = {
        own[0]: target,
        "numbers": len(outputs),
        "bounded": bounded,
        **{name: value for name, value in given.items() if name in own},
    }
    if takes_input:
        told = {name: value for name, value in given.items() if name in _OF_INPUT}
        settings["input"] = preprocessing(row.model, told)
    if "options" in given:
        settings["options"] = _pairs(row.model, given["options"])
    if "device" in own and settings.get("device", "auto") == "auto":
        settings["device"] = device
    if not isinstance(settings.get("batch", False), bool):
        raise ParameterError(f"batch={settings['batch']!r} is not true or false", where=row.model)
    extractor = asks(**settings)
    extractor.identity()  # where it cannot be told which detector it is, that is said now
    speaks_for = outputs[0] if len(outputs) == 1 else ""
    source = extractor.source
    elsewhere = Elsewhere(source=source, trained_on=params["trained_on"], speaks_for=speaks_for)
    return DetectorRow(kind, extractor, model, params, elsewhere)


def _own(asks: type[FromElsewhere]) -> list[str]:
    """Name its parameters; what it asks is the first."""
    return list(inspect.signature(asks).parameters)


def _pairs(where: str, options: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(options, Mapping):
        raise ParameterError(f"options={options!r} is no table of names and values", where=where)
    plain = (bool, int, float, str)
    for name, value in options.items():
        if not isinstance(value, plain):
            raise ParameterError(
                f"options: {name}={value!r} is no number, text, true or false", where=where
            )
    return tuple(sorted(options.items()))

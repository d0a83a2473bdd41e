"""The rows of a suite: names, what they stand for, and whether they can run here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.errors import (
    CardError,
    DfbenchError,
    PluginError,
    UnavailableError,
    UnknownNameError,
    unknown,
)
from dfbench.features.base import Extractor
from dfbench.features.expression import build, parse
from dfbench.features.resized import Resized
from dfbench.models.base import Model
from dfbench.plugins import source_digest
from dfbench.registry import Registry
from dfbench.results.records import Status
from dfbench.suites.suite import Suite


@dataclass(frozen=True)
class Row:
    """A line of the leaderboard: features and a model, or a network that sees images.

    Attributes
    ----------
    name
        ``<features>/<model>``, or the network's name.
    extractors
        Whose vectors, joined in this order, the model is given; for a network the resized images.
    model
        Class of the model; None where it cannot be loaded.
    source
        Hash of the file that holds the model, where it is a plugin's.
    status, reason
        ``"ok"`` where the row can run here; else why not.
    """

    name: str
    model_name: str
    extractors: list[Extractor] = field(default_factory=list)
    model: type[Model] | None = None
    source: str = ""
    status: Status = "ok"
    reason: str = ""


def rows(
    suite: Suite,
    extractors: Registry,
    models: Registry,
    only: Sequence[str] = (),
    device: str = "auto",
    check: bool = True,
) -> list[Row]:
    """Give the rows of a suite in its order.

    Parameters
    ----------
    suite
        Its blocks name features, models and networks.
    extractors, models
        Where the names are looked up.
    only
        Names of rows to keep; all where empty.
    device
        Given to extractors that take one and were not told otherwise.
    check
        Whether to look if what a row needs (weights, packages) is here, which may take seconds.

    Raises
    ------
    CardError
        If a name that the suite gives to an expression is an extractor's.
    UnknownNameError
        For a name in the suite, or in ``only``, that nothing answers to.
    """
    for alias in suite.features:
        if alias in extractors:
            raise CardError(
                f"[features] gives the name {alias!r} to an expression, but an extractor of "
                f"{extractors.get(alias).owner} has it",
                where=f"suite {suite.name!r}",
                hint="choose another name",
            )
    wanted: dict[str, tuple[str | None, str]] = {}
    plugins = [part.name for part in extractors if not part.built_in]
    for block in suite.rows:
        for features in [*block.features, *(plugins if block.plugins else [])]:
            for model in block.models:
                wanted.setdefault(f"{features}/{model}", (features, model))
        for network in block.networks:
            wanted.setdefault(network, (None, network))
    for name in only:
        if name not in wanted:
            raise unknown("row", name, wanted, where=f"suite {suite.name!r}")
    return [
        _row(name, features, model, suite, extractors, models, device, check)
        for name, (features, model) in wanted.items()
        if not only or name in only
    ]


def _row(
    name: str,
    features: str | None,
    model_name: str,
    suite: Suite,
    extractors: Registry,
    models: Registry,
    device: str,
    check: bool,
) -> Row:
    try:
        part = models.get(model_name)
        model: type[Model] = part.load()
        if not (isinstance(model, type) and issubclass(model, Model)):
            raise PluginError("no subclass of Model", where=f"{part.name!r} of {part.owner}")
        if (features is None) != (model.inputs == "images"):
            kind = "sees images" if features is None else "takes features"
            other = "takes features" if features is None else "sees images"
            raise UnknownNameError(
                f"{model_name!r} {other}, the row {name!r} needs a model that {kind}",
                where=f"suite {suite.name!r}",
            )
        if features is None:
            chosen: list[Extractor] = [Resized(model.image_size)]
        else:
            chosen = build(parse(features, suite.features), extractors)
            for extractor in chosen:
                if extractor.get_params().get("device") == "auto":
                    extractor.set_params(device=device)
    except PluginError as error:
        return Row(name, model_name, status="failed", reason=str(error))
    except UnavailableError as error:
        return Row(name, model_name, status="skipped", reason=str(error))
    except UnknownNameError as error:
        if error.where is None:
            error = UnknownNameError(error.what, where=f"suite {suite.name!r}", hint=error.hint)
        raise error from None
    status, reason = _available(chosen, model) if check else ("ok", "")
    source = "" if part.built_in else source_digest(model)
    return Row(name, model_name, chosen, model, source, status, reason)


def _available(extractors: Sequence[Extractor], model: type[Model]) -> tuple[Status, str]:
    try:
        model.check_available()
        for extractor in extractors:
            extractor.check_available()
    except UnavailableError as error:
        return "skipped", str(error)
    except DfbenchError as error:
        return "failed", str(error)
    except Exception as error:  # noqa: BLE001 - a plugin's check may raise anything
        return "failed", f"{type(error).__name__}: {error}"
    return "ok", ""

"""Estimators by their import path, such as ``sklearn.ensemble:RandomForestClassifier``."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, ClassVar

from dfbench.errors import PluginError, UnavailableError, let_stop, worded
from dfbench.models.brought import manners
from dfbench.models.brought.estimator import Brought, defaults_of, lacking


class Imported(Brought):
    """The class that `path` names.

    Attributes
    ----------
    path
        ``module:class``.
    """

    path: ClassVar[str] = ""
    given: ClassVar[Mapping[str, Any]] = {}
    """Defaults of ours in the place of its own."""

    @classmethod
    def target(cls) -> Any:
        """Import the class.

        Raises
        ------
        UnavailableError
            If its package is not installed.
        PluginError
            If it is no class of this kind.
        """
        return _target(cls.path)

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where the package is absent."""
        cls.target()

    @classmethod
    def make(cls, params: Mapping[str, Any]) -> Any:
        """Make the estimator."""
        return cls.target()(**params)

    @classmethod
    def own_defaults(cls) -> dict[str, Any]:
        """Give its parameters with their defaults."""
        return {**_signature(cls.path)[0], **cls.given}

    @classmethod
    def constraints(cls) -> Mapping[str, Any]:
        """Give the constraints that the class declares; see `Brought.constraints`."""
        found = getattr(cls.target(), "_parameter_constraints", {})
        return found if isinstance(found, dict) else {}

    @classmethod
    def further(cls) -> Collection[str] | None:
        """Name what it takes beside; see `Brought.further`."""
        return manners.further(cls.path) if _signature(cls.path)[1] else ()


@cache
def imported(path: str) -> type[Imported]:
    """Make the model of an import path.

    Raises
    ------
    UnavailableError
        If its package is not installed.
    PluginError
        If there is no such class, or it has not the interface.
    """
    target = _target(path)
    loose = [
        its.name
        for its in inspect.signature(target).parameters.values()
        if its.default is its.empty and its.kind not in (its.VAR_POSITIONAL, its.VAR_KEYWORD)
    ]
    if loose:
        raise PluginError(
            f"is not made without {', '.join(loose)}",
            where=path,
            hint="put @dfbench.model above a function that gives one",
        )
    # its file is looked at for changes under the name of its module
    return type(
        target.__name__, (Imported,), {"name": path, "path": path, "__module__": target.__module__}
    )


@cache
def _target(path: str) -> Any:
    from sklearn import base

    module, _, name = path.partition(":")
    package = module.partition(".")[0]
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == package:
            raise UnavailableError(
                f"the package {package} is not installed", hint=f"pip install {package}"
            ) from None
        raise PluginError(f"cannot be imported: {error}", where=path) from error
    except BaseException as error:
        let_stop(error)
        raise PluginError(f"cannot be imported: {worded(error)}", where=path) from error
    target = getattr(found, name, None)
    if target is None:
        near = difflib.get_close_matches(name, dir(found), n=1)
        hint = f"did you mean {near[0]!r}?" if near else None
        raise PluginError(f"the module {module} has no {name}", where=path, hint=hint)
    if not isinstance(target, type):
        raise PluginError(
            "is no class", where=path, hint="put @dfbench.model above a function that gives one"
        )
    if absent := lacking(target):
        raise PluginError(f"is no estimator: it has no {absent}", where=path)
    for other in (base.RegressorMixin, base.ClusterMixin, base.OutlierMixin):
        if issubclass(target, other):
            kind = other.__name__.removesuffix("Mixin").lower()
            raise PluginError(f"is no classifier (of the kind {kind})", where=path)
    if not (hasattr(target, "predict_proba") or hasattr(target, "decision_function")):
        raise PluginError(
            "is no classifier: it has neither predict_proba nor decision_function", where=path
        )
    return target


@cache
def _signature(path: str) -> tuple[dict[str, Any], bool]:
    return defaults_of(_target(path).__init__)

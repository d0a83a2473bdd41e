"""Estimators by their import path, such as ``sklearn.ensemble:RandomForestClassifier``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from dfbench.errors import PluginError, UnavailableError
from dfbench.models.brought.estimator import Brought, defaults_of


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
    def takes_any(cls) -> bool:
        """Whether it takes parameters by any name."""
        return _signature(cls.path)[1]


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
    except (Exception, SystemExit) as error:
        raise PluginError(f"cannot be imported: {error}", where=path) from error
    target = getattr(found, name, None)
    if target is None:
        raise PluginError(f"the module {module} has no {name}", where=path)
    if not isinstance(target, type):
        raise PluginError(
            "is no class", where=path, hint="put @dfbench.model above a function that gives one"
        )
    lacking = [each for each in ("fit", "get_params", "set_params") if not hasattr(target, each)]
    if lacking:
        raise PluginError(f"is no estimator: it has no {', '.join(lacking)}", where=path)
    for other in (base.RegressorMixin, base.ClusterMixin, base.OutlierMixin):
        if issubclass(target, other):
            kind = other.__name__.removesuffix("Mixin").lower()
            raise PluginError(f"is no classifier (of the kind {kind})", where=path)
    return target


@cache
def _signature(path: str) -> tuple[dict[str, Any], bool]:
    return defaults_of(_target(path).__init__)

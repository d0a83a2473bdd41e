"""Functions under ``@dfbench.network`` as networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, ParameterError, PluginError, let_stop, worded
from dfbench.models.base import Inputs, Labels, Task
from dfbench.models.kept import Kept, KeptError
from dfbench.models.networks.network import Network
from dfbench.models.selection.hints import ranges_of
from dfbench.models.selection.space import Drawn, drawn_of
from dfbench.models.training.recipe import Recipe, recipe_of
from dfbench.plugins import LOADING, NetworkInfo, info, staying

if TYPE_CHECKING:
    from torch import nn


class Declared(Network):
    """The module that a function gives, trained by the engine."""

    allowed: ClassVar = {"image_size": Network.allowed["image_size"]}
    libraries = (*Network.libraries, "dfbench.models.networks.torch_modules.declared")

    function: ClassVar[Callable[..., Any]]
    told: ClassVar[NetworkInfo]
    ranges: ClassVar[dict[str, Drawn]] = {}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the image size, the function's parameters and the recipe's fields."""
        recipe = recipe_of(dict(cls.told.recipe), cls.name).model_dump(mode="json")
        return {"image_size": cls.told.image_size, **cls.told.defaults, **recipe}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw by ``suggest``; else the rate, the weight decay if any, and what hints tell."""
        if cls.told.suggest is not None:
            return dict(cls.told.suggest(trial))
        own = cls.defaults()
        low, high = cls.rates
        rate = trial.suggest_float("lr", min(low, own["lr"]), max(high, own["lr"]), log=True)
        found = {"lr": rate, **drawn_of(cls.ranges, trial)}
        if (decay := own["weight_decay"]) > 0:
            ends = min(1e-6, decay), max(1e-1, decay)
            found["weight_decay"] = trial.suggest_float("weight_decay", *ends, log=True)
        return found

    def build(self, n_features: int) -> nn.Module:
        """Call the function, and try what it gives on two images.

        Raises
        ------
        PluginError
            If it breaks, or gives no module that could be trained.
        """
        from dfbench.models.networks.torch_modules.declared import tried

        side = self.input_side(self.params)
        given = {"n_classes": self.n_classes, "image_size": side}
        own = {name: self.params[name] for name in self.told.defaults}
        where = f"network {self.name!r}"
        try:
            with staying(LOADING):
                made = type(self).function(**own, **{name: given[name] for name in self.told.takes})
        except DfbenchError:
            raise
        except BaseException as error:
            let_stop(error)
            raise PluginError(f"cannot be made: {worded(error)}", where=where) from error
        return tried(
            made, self.recipe(), side=side, n_classes=self.n_classes,
            cam_layer=self.told.cam_layer, where=where,
        )  # fmt: skip

    def restore(self, kept: Kept) -> Self:
        """Make the module and put the weights into it; see `Model.restore`."""
        try:
            return super().restore(kept)
        except PluginError as error:
            raise KeptError(str(error)) from error

    def cam_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer that Grad-CAM looks at."""
        found: nn.Module = module.get_submodule(str(module.looked_at))
        return found

    def head_layer(self, module: nn.Module) -> nn.Module:
        """Give the last linear layer."""
        found: nn.Module = module.get_submodule(str(module.head))
        return found

    def cams(self, X: Inputs, classes: Labels) -> NDArray[np.float32] | None:
        """Grad-CAM; None where no layer of it gives maps."""
        return super().cams(X, classes) if self.module.looked_at else None

    def embed(self, X: Inputs) -> NDArray[np.float32] | None:  # type: ignore[override]
        """Give what the last linear layer is given; None where there is none."""
        return super().embed(X) if self.module.head else None


@cache
def declared(function: Callable[..., Any]) -> type[Declared]:
    """Make the network of a function.

    Raises
    ------
    PluginError
        If the recipe or a type hint is not what it must be.
    """
    told = info(function)
    assert isinstance(told, NetworkInfo)  # that is how it was found
    where = f"network {told.name!r}"
    if twice := sorted(told.defaults.keys() & Recipe.model_fields.keys()):
        raise PluginError(
            f"the parameter {twice[0]!r} has the name of one of the recipe",
            where=where,
            hint="call it otherwise",
        )
    found: type[Declared] = type(
        told.name,
        (Declared,),
        {
            "name": told.name,
            "version": told.version,
            "function": staticmethod(function),
            "told": told,
            "ranges": {} if told.suggest is not None else ranges_of(function, told),
            "__module__": function.__module__,
            "__doc__": function.__doc__,
        },
    )
    unknown = told.recipe.keys() - Recipe.model_fields.keys()
    try:
        recipe_of({**dict(told.recipe)}, where)
        for name in sorted(unknown):
            found.check_params({name: told.recipe[name]})
        found.check_params({"image_size": told.image_size})
    except ParameterError as error:
        raise PluginError(f"recipe: {error.what}", where=where, hint=error.hint) from None
    return found

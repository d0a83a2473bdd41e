"""Base of the networks, trained end to end. torch is imported when one is fitted, not before."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.errors import DataError, ParameterError, first_line
from dfbench.models.base import Inputs, Kind, Labels, Model, Probabilities, Task, apart
from dfbench.models.devices import require
from dfbench.models.held import most_held
from dfbench.models.kept import Kept, KeptError
from dfbench.models.training.recipe import MOST_SIDE, Recipe, recipe_of, schema_of
from dfbench.parameters import in_words
from dfbench.received.tensors import tensors_of
from dfbench.registry import AUGMENTATIONS, Registry

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dfbench.models.training.augmentation.change import Change
    from dfbench.models.training.epoch import Epoch

_WEIGHTS = "weights.safetensors"
_TORCH = 500 << 20
"""Bytes that torch takes with what it imports."""
_MADE = 256 << 20
"""Bytes of augmented copies in memory, see `dfbench.models.training.laid`."""
_ONE_VALUE = "Expected more than 1 value per channel when training"
"""What torch says of a step that gives batch normalisation nothing to learn."""
_SCORED = 16
"""Images that are scored at a time."""


class Network(Model):
    """A torch module and the recipe it is trained by, see `dfbench.models.training.engine`.

    A network's parameters are those of its architecture and all fields of `Recipe`, in one flat
    dictionary. A table given in the parameters (``augment``, say) takes the place of the default's.

    Parameters
    ----------
    image_size
        Side of the square that images become, in pixels: they are resized to it, unless the
        network says otherwise.
    dropout
        Share of a layer's inputs that is dropped in training.

    Attributes
    ----------
    rates
        Least and greatest learning rate of the search space.
    per_pixel
        About how many values a step of training holds for each pixel of a batch.
    module
        The module, after `fit`.
    history
        What each epoch came to, after `fit`.
    """

    inputs: ClassVar[Kind] = "images"
    allowed: ClassVar[Mapping[str, Any]] = {
        "image_size": Annotated[int, Field(ge=8, le=MOST_SIDE)],
        "dropout": Annotated[float, Field(ge=0, lt=1)],
    }
    of_recipe: ClassVar[frozenset[str]] = frozenset(Recipe.model_fields)
    by_block: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("dfbench.models.training.engine",)
    rates: ClassVar[tuple[float, float]] = (1e-4, 3e-3)
    per_pixel: ClassVar[int] = 256

    module: nn.Module
    history: list[Epoch]
    _n_features: int

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw rate, dropout and, where the defaults have any, weight decay."""
        low, high = cls.rates
        found = {
            "lr": trial.suggest_float("lr", low, high, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.7),
        }
        if cls.defaults()["weight_decay"] > 0:
            found["weight_decay"] = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
        return found

    @abstractmethod
    def build(self, n_features: int) -> nn.Module:
        """Make the module with fresh weights; torch's random numbers are seeded.

        Parameters
        ----------
        n_features
            Width of the features beside the images; 0 where it takes images alone.
        """

    def bare(self, n_features: int) -> nn.Module:
        """Make the module for weights that are put into it afterwards; see `build`."""
        return self.build(n_features)

    def prepare(self, module: nn.Module, X: Inputs) -> None:
        """Set what a fresh module takes from the training inputs before it is trained."""

    def cam_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer that Grad-CAM looks at: by default the last convolution."""
        from torch import nn

        return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)][-1]

    def head_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer whose input is the network's own features: by default the last linear."""
        from torch import nn

        return [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]

    def recipe(self) -> Recipe:
        """Say how it is trained."""
        return recipe_of(self.params, self.name)

    @property
    def probability(self) -> str:  # type: ignore[override]
        """Of what the logits are made into."""
        return "sigmoid" if self.outputs == 1 else "softmax"

    @property
    def outputs(self) -> int:
        """Number of logits: 1 for two classes, otherwise one a class."""
        return 1 if self.n_classes == 2 else self.n_classes

    @classmethod
    def input_side(cls, params: Mapping[str, Any]) -> int:
        """Side of the square that the module sees, in pixels: the recipe may crop the image."""
        return int(params.get("crop_size") or params["image_size"])

    @classmethod
    def least_values(cls, params: Mapping[str, Any]) -> int:
        """Fewest values of a channel that batch normalisation is given of one image in training.

        Of a step that gives it one value alone nothing can be learnt. 0 where there is no such
        layer, or nobody knows.

        Parameters
        ----------
        params
            All parameters of the row, defaults included.
        """
        return 0

    @classmethod
    def augmentations(cls, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Give those of the recipe, and of the copies that it has made."""
        recipe = recipe_of(dict(params), cls.name)
        own = {} if recipe.offline is None else recipe.offline.augment.own
        return {**own, **recipe.augment.own}

    @classmethod
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate torch itself and a step of training; see `Model.memory`."""
        recipe = recipe_of(dict(params), cls.name)
        pixels = max(recipe.batch_size, _SCORED) * cls.input_side(params) ** 2
        made = min(_MADE, most_held()) if recipe.offline is not None else 0
        return _TORCH + made + 4 * cls.per_pixel * pixels

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where torch is absent."""
        require("torch")

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise `ParameterError` or `UnknownNameError`; see `Model.check_params`."""
        super().check_params(params)
        given = {**cls.defaults(), **params}
        recipe = recipe_of(given, cls.name)
        if recipe.crop_size is not None and recipe.crop_size > given["image_size"]:
            raise ParameterError(
                f"crop_size {recipe.crop_size} is more than image_size {given['image_size']}",
                where=cls.name,
            )
        if recipe.batch_size == 1 and cls.least_values(given) == 1:
            raise _one_value(cls.name)

    @classmethod
    def check_value(cls, name: str, value: Any) -> None:
        """Raise as `check_params` does, on one parameter; those of the recipe by `Recipe`."""
        if name in Recipe.model_fields:
            recipe_of({name: value}, cls.name)
        else:
            super().check_value(name, value)

    @classmethod
    def allowed_words(cls, name: str) -> str:
        """Say what a parameter may be; see `Model.allowed_words`."""
        fields = schema_of(Recipe)
        return in_words(fields[name]) if name in fields else super().allowed_words(name)

    def fit(self, X: Inputs, y: Labels, X_val: Inputs, y_val: Labels) -> Self:
        """Train, with early stopping on validation; see `Model.fit`."""
        return self._trained(X, y, X_val, y_val)

    def refit(self, chosen: Self, X: Inputs, y: Labels) -> Self:
        """Train on both parts as before, up to the epoch that was best; see `Model.refit`.

        The schedule is held: rates fall in the same epochs. What only loads weights does so again.
        """
        if not chosen.history:
            return self.fit(X, y, X, y)
        best = max(epoch.epoch for epoch in chosen.history if epoch.best)
        return self._trained(X, y, X, y, tuple(chosen.history[: best + 1]))

    def _trained(
        self, X: Inputs, y: Labels, X_val: Inputs, y_val: Labels, follows: tuple[Epoch, ...] = ()
    ) -> Self:
        from dfbench.models.training.engine import train
        from dfbench.models.training.session import session
        from dfbench.models.training.setting import Setting

        if len(np.unique(y)) < 2:
            raise DataError(f"{self.name} needs two classes in the training part, it has one")
        self._check(X)
        self._check(X_val)
        with session(self.device, self.n_threads, self.seed):
            _, features = apart(X)
            self._n_features = 0 if features is None else features.shape[1]
            self.module = self.build(self._n_features)
            self.prepare(self.module, X)
            recipe = self.recipe()
            copied = {} if recipe.offline is None else recipe.offline.augment.own
            setting = Setting(
                self.module,
                X,
                y,
                X_val,
                y_val,
                recipe,
                n_classes=self.n_classes,
                device=self.device,
                seed=self.seed,
                own=self._changes(recipe.augment.own),
                own_offline=self._changes(copied),
                follows=follows,
            )
            start = time.perf_counter()
            try:
                self.history = train(setting, checkpoint=self.checkpoint, progress=self.progress)
            except ValueError as error:
                if _ONE_VALUE not in str(error):
                    raise
                # of a backbone or a declared module nobody knew; or memory ran out, see `Epoch`
                raise _one_value(self.name) from error
            # what epochs took that were not run just now
            epochs = sum(epoch.seconds for epoch in self.history)
            self.earlier = max(0.0, epochs - (time.perf_counter() - start))
        return self

    def _changes(self, named: Mapping[str, Mapping[str, Any]]) -> tuple[Change, ...]:
        """Make what the recipe names of the functions of plugins."""
        if not named:
            return ()
        from dfbench.models.training.augmentation.own import change_of, check_repeatable

        known = Registry(AUGMENTATIONS, self.plugins)
        found = []
        for name, params in named.items():
            change = change_of(known.get(name).load(), params)
            check_repeatable(change, self.input_side(self.params), f"augmentation {name!r}")
            found.append(change)
        return tuple(found)

    def predict_proba(self, X: Inputs) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        from dfbench.models.training.inference import predict
        from dfbench.models.training.session import session

        self._check(X)
        with session(self.device, self.n_threads, self.seed):
            return predict(
                self.module, X, self.recipe(), n_classes=self.n_classes, device=self.device
            )

    def keep(self) -> Kept:
        """Give the weights, and the statistics of batch normalisation; see `Model.keep`."""
        from safetensors.torch import save

        # cloned: two names may stand for one tensor, which the format refuses
        tensors = {
            name: value.detach().cpu().contiguous().clone()
            for name, value in self.module.state_dict().items()
        }
        return Kept({_WEIGHTS: save(tensors)}, {"n_features": self._n_features})

    def restore(self, kept: Kept) -> Self:
        """Make the module and put the weights into it; see `Model.restore`."""
        from dfbench.models.training.session import session
        from dfbench.models.training.setting import memory_format

        self._n_features = int(kept.plain["n_features"])
        with session(self.device, self.n_threads, self.seed):
            module = self.bare(self._n_features)
            try:
                tensors = tensors_of(kept.file(_WEIGHTS))
                for name in tensors:
                    _make_room(module, name, tensors[name])
                module.load_state_dict(tensors)
            except (ValueError, RuntimeError, KeyError) as error:
                what = f"the weights do not fit {self.name}: {first_line(error)}"
                raise KeptError(what) from error
            # as it was trained: sums are taken in the order of the layout
            module.to(self.device, memory_format=memory_format(module))  # type: ignore[call-overload]
        self.module, self.history = module.eval(), []
        return self

    def parameters(self) -> tuple[int, int]:
        """Count the values of the fitted module: all of them, and those that training changes.

        As in Keras, the moving statistics of batch normalisation count among all.
        """
        weights = list(self.module.parameters())
        trainable = sum(weight.numel() for weight in weights if weight.requires_grad)
        statistics = sum(b.numel() for b in self.module.buffers() if b.is_floating_point())
        return sum(weight.numel() for weight in weights) + statistics, trainable

    def cams(self, X: Inputs, classes: Labels) -> NDArray[np.float32] | None:
        """Grad-CAM, see `dfbench.models.networks.grad_cam.grad_cam`.

        Raises
        ------
        DataError
            If ``classes`` do not fit ``X``, or name a class that the network does not know.
        """
        from dfbench.models.networks.grad_cam import grad_cam
        from dfbench.models.training.session import session

        self._check(X)
        classes = np.asarray(classes)
        if classes.shape != (len(X),):
            raise DataError(
                f"{len(X)} images, but classes of shape {classes.shape}", where=self.name
            )
        if classes.size and not (classes.min() >= 0 and classes.max() < self.n_classes):
            raise DataError(f"a class outside 0..{self.n_classes - 1}", where=self.name)
        layer = self.cam_layer(self.module)
        with session(self.device, self.n_threads, self.seed):
            return grad_cam(self.module, layer, X, classes, self.recipe(), device=self.device)

    def embed(self, X: Inputs) -> NDArray[np.float32]:
        """Give what the last linear layer is given, see `dfbench.models.networks.embeddings`."""
        from dfbench.models.networks.embeddings import embeddings
        from dfbench.models.training.session import session

        self._check(X)
        layer = self.head_layer(self.module)
        with session(self.device, self.n_threads, self.seed):
            return embeddings(self.module, layer, X, self.recipe(), device=self.device)

    def n_bytes(self) -> int:
        """Size of the weights and of batch normalisation's statistics, in bytes."""
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def report(self) -> dict[str, Any]:
        """Give parameter counts and what each epoch came to."""
        from dataclasses import asdict

        return {
            "n_parameters": self.parameters(),
            "history": [asdict(epoch) for epoch in self.history],
        }

    def _check(self, X: Inputs) -> None:
        images, features = apart(X)
        if (features is not None) != (self.inputs == "both"):
            wanted = "images and features" if self.inputs == "both" else "images alone"
            raise DataError(f"{self.name} takes {wanted}")
        side = self.image_side(self.params)
        if images.shape[1:] != (side, side, 3):
            raise DataError(
                f"{self.name} needs images of {side}x{side} pixels, got an array of {images.shape}"
            )


def _one_value(name: str) -> ParameterError:
    return ParameterError(
        "batch normalisation cannot learn of steps of one image: its maps come down to one place,"
        " and of one value there is no deviation",
        where=f"{name}, batch_size",
        hint="batch_size 2 or more",
    )


def _make_room(module: nn.Module, name: str, value: torch.Tensor) -> None:
    """Give a buffer that is None in a fresh module a tensor, for the weights to be put into."""
    owner, _, own = name.rpartition(".")
    part = module.get_submodule(owner)
    if own in part._buffers and part._buffers[own] is None:
        part._buffers[own] = value.clone()


def recipe_defaults(**changes: Any) -> dict[str, Any]:
    """All fields of `Recipe` as JSON-able values, with some of them changed."""
    return Recipe(**changes).model_dump(mode="json")

"""How a network is trained, as validated data: a piece of a suite's TOML can change any of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from dfbench.errors import ParameterError, unknown
from dfbench.errors import in_words as fault_in_words
from dfbench.parameters import NotNegative, Positive, Share, refused
from dfbench.received.sections import Written

T = TypeVar("T")

MOST_SIDE = 10_000
"""Pixels along the side of a square that a network is given."""

Degrees = Annotated[float, Field(ge=0, le=360)]
Epochs = Annotated[int, Field(ge=1, le=1_000_000)]


def _by_channel(value: Any) -> Any:
    """Repeat one number for each of the three channels."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (value,) * 3 if number else value


Channels = Annotated[tuple[T, ...], Field(min_length=3, max_length=3), BeforeValidator(_by_channel)]


def _by_name(value: Any) -> Any:
    """Give names that stand alone no parameters."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return {each: {} for each in value}
    return value


class _Part(Written):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Augment(_Part):
    """What is done to each image of a batch at random, anew each time; nothing by default.

    How, is told by the entry of each in `dfbench.models.training.augmentation`.
    """

    flip: bool = False
    """Mirrored left to right with probability 1/2."""
    flip_vertical: bool = False
    """Mirrored top to bottom, likewise."""
    crop: tuple[float, float] | None = None
    """Random resized crop: share of the area, least and most (aspect 3/4 to 4/3)."""
    rotation: Degrees = 0.0
    """Degrees, at most, either way."""
    shift: Share = 0.0
    """Share of the side, at most, either way, along each axis."""
    shear: Degrees = 0.0
    """Degrees, at most, either way."""
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Scale between 1 - zoom and 1 + zoom."""
    jitter: Share = 0.0
    """Brightness, contrast and saturation each within 1 +- jitter; hue within jitter / 4 turns."""
    blur: Share = 0.0
    """Probability of Gaussian blur, sigma 0.1 to 2 pixels."""
    jpeg: Share = 0.0
    """Probability of JPEG compression, quality 30 to 95."""
    auto_augment: bool = False
    """The ImageNet policy of AutoAugment (Cubuk et al., CVPR 2019)."""
    mixup: NotNegative = 0.0
    """Alpha of mixup (Zhang et al., ICLR 2018); 0 is off."""
    cutmix: NotNegative = 0.0
    """Alpha of CutMix (Yun et al., ICCV 2019); 0 is off. With both, one is drawn a batch."""
    own: Annotated[dict[str, dict[str, Any]], BeforeValidator(_by_name)] = Field(
        default_factory=dict
    )
    """Augmentations of plugins by name, with their parameters; before mixing, in this order."""

    @model_validator(mode="after")
    def _range(self) -> Augment:
        if self.crop is not None and not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError("crop is [least, most] share of the area, 0 < least <= most <= 1")
        return self


@dataclass(frozen=True, slots=True)
class Known:
    """An augmentation of `Augment`, for lists: ``title`` says what it does."""

    name: str
    title: str


AUGMENTATIONS = tuple(
    Known(name, str(field.description).partition("\n")[0].removesuffix("."))
    for name, field in Augment.model_fields.items()
    if name != "own"
)
"""Those that need no plugin."""


class Offline(_Part):
    """Augmented copies of the training images, made once before training."""

    copies: Annotated[int, Field(ge=1, le=50)]
    """Copies of each image, beside the image itself."""
    augment: Augment
    """What is done to each copy at random."""


class HardExamples(_Part):
    """Training images that the network gets most wrong are shown more often."""

    after: Epochs = 1
    """Epochs before the training part is first scored; it is scored again after each epoch."""
    fraction: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the training part that counts as hard: the highest losses."""
    repeat: Annotated[int, Field(ge=1, le=20)] = 1
    """How many more times an epoch each hard image is shown."""


class Recipe(_Part):
    """How a network is trained: binary or categorical cross-entropy, in mini-batches."""

    epochs: Epochs = 10
    """At most so many passes over the training part."""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 32
    """Images of a step."""
    gpus: Annotated[int, Field(ge=1, le=1_024)] = 1
    """GPUs that share each batch, where there are as many; all there are where there are fewer."""
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    """What makes steps of gradients."""
    lr: Positive = 1e-3
    """Highest learning rate of the schedule."""
    weight_decay: NotNegative = 0.0
    """Decoupled for adamw (Loshchilov and Hutter, ICLR 2019), an L2 penalty otherwise."""
    momentum: Share = 0.9
    """Of sgd (Nesterov's)."""
    schedule: Literal["constant", "cosine", "cosine-restarts", "plateau", "one-cycle", "steps"] = (
        "constant"
    )
    """How the rate changes in the course of the epochs."""
    period: Epochs | None = None
    """Epochs of a cosine (T_max), until the first restart, or of a step; by default `epochs`."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """By which a plateau, or the end of a step, lowers the rate."""
    plateau: Annotated[int, Field(ge=0, le=1_000_000)] = 4
    """Epochs without a better `monitor` before it is lowered."""
    monitor: Literal["loss", "accuracy", "roc_auc"] = "loss"
    """What decides, on validation, which epoch's weights are kept, and about plateaus."""
    patience: Epochs | None = 3
    """Training stops after so many epochs without a better `monitor`; None: never early."""
    precision: Literal["auto", "32", "bf16", "fp16"] = "auto"
    """Of the arithmetic. ``auto``: bf16 where the hardware is faster with it, else 32."""
    clip: Positive | None = None
    """Largest norm of the gradient."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a label that is given to all classes alike."""
    class_weights: Literal["none", "balanced"] = "none"
    """``balanced``: the loss of an image weighs n / (K n_class)."""
    mean: Channels[float] = (0.0, 0.0, 0.0)
    """Taken off each channel of pixels in [0, 1], see `std`."""
    std: Channels[Positive] = (1.0, 1.0, 1.0)
    """The network sees (pixel / 255 - mean) / std; one number is that of all channels."""
    crop_size: Annotated[int, Field(ge=8, le=MOST_SIDE)] | None = None
    """Side of the square that the network sees, cut from the middle in evaluation (in training too,
    unless `augment` crops at random); by default the whole image."""
    augment: Augment = Augment()
    """What is done to each image at random, anew each time."""
    offline: Offline | None = None
    """Augmented copies of the training images, made once before training."""
    hard_examples: HardExamples | None = None
    """Training images that the network gets most wrong are shown more often."""
    epoch_confusion: bool = False
    """Whether the history keeps the confusion matrix on validation after each epoch."""
    checkpoint_seconds: Positive = 30.0
    """Time between two writes of the state that an interrupted training goes on from."""


_LEFT_OPEN = ("mean", "std")


def recipe_of(params: dict[str, Any], where: str) -> Recipe:
    """Take the recipe out of a network's parameters.

    Parameters
    ----------
    params
        Fields of `Recipe`; other keys are passed over, and so are mean and std where they are
        None: left to the network.
    where
        The network's name, for errors.

    Raises
    ------
    ParameterError
        Naming the key at fault.
    """
    try:
        return Recipe(
            **{
                key: params[key]
                for key in Recipe.model_fields
                if key in params and not (key in _LEFT_OPEN and params[key] is None)
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            table = next((str(x) for x in reversed(first["loc"][:-1]) if x in PARTS), "")
            near = unknown("key", key.rpartition(".")[2], PARTS.get(table, Recipe).model_fields)
            raise ParameterError(f"unknown key {key!r}", where=where, hint=near.hint) from None
        raise _refused(first, where) from None


def _refused(fault: Any, where: str) -> ParameterError:
    """Say what is wrong with a field: what it may be, whole, and what it is."""
    names = [part for part in fault["loc"] if isinstance(part, str)]
    key = ".".join(names)
    if not names or fault["type"] in ("missing", "value_error"):
        said = fault_in_words(fault)
        return ParameterError(f"{key}: {said}" if key else said, where=where)
    owner: type[BaseModel] = Recipe
    for name in names[:-1]:
        owner = PARTS.get(name, owner)
    fields = schema_of(owner)
    # inside of what anybody may write, such as the parameters of an augmentation of theirs
    name = next(each for each in reversed(names) if each in fields)
    return refused(key, fields[name], fault["input"], where)


@cache
def schema_of(owner: type[BaseModel]) -> dict[str, Any]:
    """Give the JSON schema of each field of the recipe, or of one of its tables."""
    found: dict[str, Any] = owner.model_json_schema()["properties"]
    return found


PARTS: dict[str, type[BaseModel]] = {
    "augment": Augment,
    "offline": Offline,
    "hard_examples": HardExamples,
}
"""Tables of a recipe by the key that they stand at."""

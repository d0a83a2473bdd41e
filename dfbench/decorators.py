"""Decorators that declare a function to be a part: an extractor, a model, a metric, and so on."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, overload

from dfbench.errors import PluginError
from dfbench.plugins import (
    AugmentationInfo,
    ColumnInfo,
    FunctionInfo,
    Kind,
    MetricInfo,
    NetworkInfo,
    mark,
)

Function = TypeVar("Function", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SIDE = 128
"""Of the images of a network that tells none, in pixels."""
_TO_NETWORKS = ("n_classes", "image_size")
"""What a network's function is given by name, where it asks for it."""
_TO_METRICS = ("weights", "decisions")


@overload
def extractor(function: Function) -> Function: ...
@overload
def extractor(
    *, name: str | None = None, version: int = 1, threads: bool = True
) -> Callable[[Function], Function]: ...


def extractor(
    function: Function | None = None,
    *,
    name: str | None = None,
    version: int = 1,
    threads: bool = True,
) -> Function | Callable[[Function], Function]:
    """Declare a function to be an extractor.

    The function takes one RGB image, an array of shape (H, W, 3) and dtype uint8, and returns a
    one-dimensional vector of finite numbers, of the same length for each image. Further parameters
    must have defaults and can be set where the extractor is named: ``mine[bins=8]``. The function
    itself is returned unchanged.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        The extractor's name; the function's own by default.
    version
        To be raised when the output changes for a reason outside the plugin's files (an edit of
        these is noticed by itself).
    threads
        Whether several may be at work at once: in a run in processes of their own, each of which
        loads what the function loads; elsewhere in threads. Say no where one fills the machine.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def declare(function: Function) -> Function:
        title = _titled(function, name, "extractor", version)
        if not inspect.signature(function).parameters:
            raise PluginError("the function must take the image", where=f"extractor {title!r}")
        defaults = _defaults(function, f"extractor {title!r}", 1, "the image")
        told = FunctionInfo(
            name=title, kind="extractor", version=version, threads=threads, defaults=defaults
        )
        mark(function, told)
        return function

    return declare if function is None else declare(function)


@overload
def model(function: Function) -> Function: ...
@overload
def model(
    *,
    name: str | None = None,
    version: int = 1,
    suggest: Callable[[Any], dict[str, Any]] | None = None,
) -> Callable[[Function], Function]: ...


def model(
    function: Function | None = None,
    *,
    name: str | None = None,
    version: int = 1,
    suggest: Callable[[Any], dict[str, Any]] | None = None,
) -> Function | Callable[[Function], Function]:
    """Declare a function to be a model: it returns an estimator of scikit-learn's interface.

    The estimator is unfitted, and may be a pipeline. Parameters of the function must have
    defaults; a suite can set them. Those whose type hints tell a range are tuned:
    ``Annotated[int, (2, 12)]``, ``Annotated[float, (0.01, 10, "log")]``, ``Literal["l1", "l2"]``.
    The function itself is returned unchanged.

    A subclass of `dfbench.models.base.Model` may stand in the place of the function.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        The model's name; the function's own by default.
    version
        To be raised when scores change for a reason outside the plugin's files.
    suggest
        Draws parameters by an Optuna trial, instead of type hints.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def declare(function: Function) -> Function:
        if isinstance(function, type):
            title = _titled(function, name or getattr(function, "name", None), "model", version)
            defaults: dict[str, Any] = {}
        else:
            title = _titled(function, name, "model", version)
            defaults = _defaults(function, f"model {title!r}")
        told = FunctionInfo(
            name=title, kind="model", version=version, defaults=defaults, suggest=suggest
        )
        mark(function, told)
        return function

    return declare if function is None else declare(function)


@overload
def network(function: Function) -> Function: ...
@overload
def network(
    *,
    name: str | None = None,
    version: int = 1,
    image_size: int | None = None,
    recipe: Mapping[str, Any] | None = None,
    cam_layer: str = "",
    suggest: Callable[[Any], dict[str, Any]] | None = None,
) -> Callable[[Function], Function]: ...


def network(
    function: Function | None = None,
    *,
    name: str | None = None,
    version: int = 1,
    image_size: int | None = None,
    recipe: Mapping[str, Any] | None = None,
    cam_layer: str = "",
    suggest: Callable[[Any], dict[str, Any]] | None = None,
) -> Function | Callable[[Function], Function]:
    """Declare a function to be a network: it returns a ``torch.nn.Module`` with fresh weights.

    The module maps images of shape (n, 3, S, S), RGB in [0, 1] unless the recipe has ``mean`` and
    ``std``, to logits of shape (n, K); of two classes also (n, 1), of class 1. It is trained by the
    engine, as our own networks are. The function is given ``n_classes`` and ``image_size`` where it
    has parameters of these names. All others need defaults, and are told and tuned as those of
    `model` are. The function itself, or a class of modules, is returned unchanged.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        The network's name; the function's own by default.
    version
        To be raised when scores change for a reason outside the plugin's files.
    image_size
        Side S of the images, in pixels; 128 by default.
    recipe
        How it is trained: fields of `dfbench.models.training.recipe.Recipe`, such as ``epochs``.
    cam_layer
        Name of the layer that Grad-CAM looks at, as ``named_modules`` gives it; by default the last
        convolution that an image goes through.
    suggest
        Draws parameters, those of the recipe too, by an Optuna trial, instead of type hints and the
        learning rate.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def declare(function: Function) -> Function:
        title = _titled(function, name, "network", version)
        where = f"network {title!r}"
        known = inspect.signature(function).parameters
        side = image_size
        if (
            "image_size" in known
            and (own := known["image_size"].default) is not inspect.Parameter.empty
        ):
            if side not in (None, own):
                raise PluginError(
                    f"image_size is {side} in the decorator and {own} in the function", where=where
                )
            side = own
        told = NetworkInfo(
            name=title,
            kind="network",
            version=version,
            defaults=_defaults(function, where, given=_TO_NETWORKS),
            suggest=suggest,
            image_size=_SIDE if side is None else side,
            recipe=dict(recipe or {}),
            cam_layer=cam_layer,
            takes=tuple(each for each in _TO_NETWORKS if each in known),
        )
        mark(function, told)
        return function

    return declare if function is None else declare(function)


def metric(
    function: Function | None = None,
    *,
    higher_is_better: bool | None = None,
    name: str | None = None,
    title: str | None = None,
    binary: bool = False,
    resamples: int | None = None,
    version: int = 1,
) -> Callable[[Function], Function]:
    """Declare a function of labels and scores to be a metric.

    Of two classes it is given, for n images: ``labels``, shape (n,), int64, 1 for the positive
    class and else 0, and ``scores``, shape (n,), float64, the probability of the positive class. Of
    K > 2 classes: ``labels`` 0..K-1 and ``scores`` of shape (n, K). It returns one number; NaN
    where it is not defined. The arrays cannot be written to.

    The figure of a row is the function of all labels and scores. For the interval the function is
    called again on each resample, in which images stand several times or not at all. One that has a
    parameter ``weights`` is given each image once, and there how often it counts (shape (n,),
    float64); one that has a parameter ``decisions`` what the row decided, coded as labels are, by
    its threshold where it has one.

    Parameters
    ----------
    function
        Not given: the decorator has brackets, as it needs to know which way is better.
    higher_is_better
        Whether more is better.
    name
        Key in stored files, of letters, digits and ``_``; the function's own by default.
    title
        Heading of its column; by default the name with spaces.
    binary
        Whether it is for two classes only; other data sets then have a gap.
    resamples
        Of the interval, from 200 to 1,000. By default 1,000, and fewer for more than 5,000 images.
    version
        To be raised when values change for a reason outside the plugin's files.

    Raises
    ------
    PluginError
        If the signature, the name or an option does not fit.
    """
    if function is not None or not isinstance(higher_is_better, bool):
        at = f"metric {getattr(function, '__name__', name)!r}" if function or name else "a metric"
        raise PluginError(
            "does not say which way is better",
            where=at,
            hint="@dfbench.metric(higher_is_better=True), or False",
        )
    higher = higher_is_better

    def declare(function: Function) -> Function:
        key = _titled(function, name, "metric", version, _FIELD, title)
        where = f"metric {key!r}"
        if resamples is not None and (type(resamples) is not int or not 200 <= resamples <= 1000):
            raise PluginError("resamples is a whole number from 200 to 1000", where=where)
        parameters = list(inspect.signature(function).parameters.values())
        first = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if len(first) < 2 or {p.name for p in first[:2]} & {*_TO_METRICS}:
            raise PluginError("the function must take labels and scores, first", where=where)
        _defaults(function, where, 2, "labels and scores", given=_TO_METRICS)
        told = MetricInfo(
            name=key,
            kind="metric",
            version=version,
            title=title or key.replace("_", " "),
            higher_is_better=higher,
            binary=binary,
            resamples=resamples,
            takes=tuple(p.name for p in parameters[2:] if p.name in _TO_METRICS),
        )
        mark(function, told)
        return function

    return declare


@overload
def column(function: Function) -> Function: ...
@overload
def column(
    *, name: str | None = None, title: str | None = None, version: int = 1
) -> Callable[[Function], Function]: ...


def column(
    function: Function | None = None,
    *,
    name: str | None = None,
    title: str | None = None,
    version: int = 1,
) -> Function | Callable[[Function], Function]:
    """Declare a function of a line of the leaderboard to be a column.

    It is given a dictionary: the line as ``leaderboard.json`` has it (``row``, ``dataset``,
    ``metrics``, ``fit_seconds``, ``model_bytes`` and so on), and under ``records`` what was stored
    of each seed (``params``, ``history``, ``seconds`` and so on). It returns a number, a text,
    true or false, or None for a gap.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        Key in stored files, of letters, digits and ``_``; the function's own by default.
    title
        Heading; by default the name with spaces.
    version
        To be raised when values change for a reason outside the plugin's files.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def declare(function: Function) -> Function:
        key = _titled(function, name, "column", version, _FIELD, title)
        if not inspect.signature(function).parameters:
            raise PluginError("the function must take the facts of a line", where=f"column {key!r}")
        _defaults(function, f"column {key!r}", 1, "the facts")
        told = ColumnInfo(
            name=key, kind="column", version=version, title=title or key.replace("_", " ")
        )
        mark(function, told)
        return function

    return declare if function is None else declare(function)


@overload
def augmentation(function: Function) -> Function: ...
@overload
def augmentation(
    *, name: str | None = None, batch: bool = False, version: int = 1
) -> Callable[[Function], Function]: ...


def augmentation(
    function: Function | None = None,
    *,
    name: str | None = None,
    batch: bool = False,
    version: int = 1,
) -> Function | Callable[[Function], Function]:
    """Declare a function to be an augmentation: a random change of training images.

    It is given one RGB image, an array of shape (S, S, 3) and dtype uint8, and gives one of the
    same shape and dtype. With ``batch`` it is given a torch tensor of shape (n, 3, S, S), float32
    in about [0, 1], on the device of the training, and gives such a tensor. One that has a
    parameter ``rng`` is given a `numpy.random.Generator`: all that is random is to be drawn from
    it (or, of a batch, from torch's own numbers). Other parameters need defaults. A recipe names
    it: ``augment = { own = ["moire"] }``, or ``own = { moire = { strength = 0.2 } }``.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        Its name; the function's own by default.
    batch
        Whether it changes a whole batch.
    version
        To be raised when it does something else for a reason outside the plugin's files.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def declare(function: Function) -> Function:
        title = _titled(function, name, "augmentation", version)
        where = f"augmentation {title!r}"
        known = inspect.signature(function).parameters
        if not known or next(iter(known)) == "rng":
            raise PluginError("the function must take the image first", where=where)
        told = AugmentationInfo(
            name=title,
            kind="augmentation",
            version=version,
            defaults=_defaults(function, where, 1, "the image", given=("rng",)),
            batch=batch,
            takes=("rng",) if "rng" in known else (),
        )
        mark(function, told)
        return function

    return declare if function is None else declare(function)


@overload
def layout(function: Function) -> Function: ...
@overload
def layout(*, name: str | None = None) -> Callable[[Function], Function]: ...


def layout(
    function: Function | None = None, *, name: str | None = None
) -> Function | Callable[[Function], Function]:
    """Declare a function to be a layout: it lists the images of a folder with their labels.

    It is given the folder, a `pathlib.Path`, and gives an entry for each image: ``(path, label)``,
    ``(path, label, split)`` or ``(path, label, split, group)``, or a dictionary of these and
    ``kind``. Paths are relative to the folder; the label is the name of a class of the card, or
    None where it is not known; the split is ``train``, ``validation`` or ``test``. A card names it:
    ``layout = { kind = "function", name = "..." }``, with ``splits = [...]`` and ``groups = true``
    where it tells them.

    Parameters
    ----------
    function
        The function, where the decorator is used without brackets.
    name
        Its name; the function's own by default.

    Raises
    ------
    PluginError
        If the signature or the name does not fit.
    """

    def declare(function: Function) -> Function:
        title = _titled(function, name, "layout")
        if not inspect.signature(function).parameters:
            raise PluginError("the function must take the folder", where=f"layout {title!r}")
        _defaults(function, f"layout {title!r}", 1, "the folder")
        mark(function, FunctionInfo(name=title, kind="layout"))
        return function

    return declare if function is None else declare(function)


def _titled(
    function: Any,
    name: str | None,
    kind: Kind,
    version: int = 1,
    form: re.Pattern[str] = _NAME,
    title: str | None = None,
) -> str:
    """Give the name of a part; raise where what stands under the decorator, or in it, is odd."""
    own = name if name is not None else getattr(function, "__name__", None)
    where = f"{kind} {own!r}" if isinstance(own, str) else f"@dfbench.{kind}"
    if not callable(function):
        raise PluginError(
            f"stands above no function, but is given {function!r:.80}",
            where=f"@dfbench.{kind}",
            hint=f"@dfbench.{kind}, or @dfbench.{kind}(name=...), above a function",
        )
    if not isinstance(own, str):
        raise PluginError("has no name that is a text", where=where, hint='name="..."')
    if not form.fullmatch(own):
        signs = "'_', '-' and '.'" if form is _NAME else "'_'"
        raise PluginError(
            f"a name is made of letters, digits, {signs}, a letter first", where=where
        )
    if type(version) is not int:
        raise PluginError(f"version is {version!r:.80}, not a whole number", where=where)
    if title is not None and not (isinstance(title, str) and title.strip() and title.isprintable()):
        raise PluginError(f"title is {title!r:.80}, not a line of text", where=where)
    waits = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if waits or (kind != "layout" and inspect.isgeneratorfunction(function)):
        what, way = ("async def", "def") if waits else ("a generator", "return")
        raise PluginError(
            f"is {what}, which gives nothing when it is called", where=where, hint=f"use {way}"
        )
    try:
        inspect.signature(function)
    except (TypeError, ValueError):
        raise PluginError(
            "its parameters cannot be told", where=where, hint="put it into a function of your own"
        ) from None
    return own


def _defaults(
    function: Any, where: str, skip: int = 0, skipped: str = "", given: Collection[str] = ()
) -> dict[str, Any]:
    """Give the defaults of a function's parameters, but for the first, and those given by name."""
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    parameters = [p for p in parameters if p.name not in given]
    loose = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if loose:
        after = f" after {skipped}" if skipped else ""
        raise PluginError(f"parameters{after} need defaults: {', '.join(loose)}", where=where)
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    try:
        json.dumps(defaults)
    except (TypeError, ValueError):
        raise PluginError(
            "defaults must be numbers, text, true or false, or lists of them", where=where
        ) from None
    return defaults

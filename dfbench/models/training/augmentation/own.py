"""Augmentations of plugins: functions as changes of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from dfbench.errors import PluginError, let_stop, worded
from dfbench.models.training.augmentation.change import Change, bytes_of
from dfbench.plugins import AugmentationInfo, info


def change_of(function: Callable[..., Any], params: Mapping[str, Any]) -> Change:
    """Make a change of a batch of a function under ``@dfbench.augmentation``.

    What it draws follows from torch's numbers, so that a batch is changed alike where these are
    seeded alike.
    """
    told = info(function)
    assert isinstance(told, AugmentationInfo)  # the registry lets no other through
    where = f"augmentation {told.name!r}"

    def called(given: Any) -> Any:
        rng: dict[str, Any] = {}
        if told.takes:
            seed = int(torch.randint(1 << 62, ()))
            rng = {"rng": np.random.default_rng(seed)}
        try:
            return function(given, **params, **rng)
        except BaseException as error:
            let_stop(error)
            raise PluginError(f"raises {worded(error)}", where=where) from error

    def whole(images: torch.Tensor) -> torch.Tensor:
        found = called(images.clone())
        _check(found, torch.Tensor, images.shape, where)
        if not found.is_floating_point() or not bool(torch.isfinite(found).all()):
            raise PluginError("gives numbers that are not finite", where=where)
        return found.to(images)  # type: ignore[no-any-return]

    def each(images: torch.Tensor) -> torch.Tensor:
        pixels = bytes_of(images).cpu().permute(0, 2, 3, 1).contiguous().numpy()
        changed = np.empty_like(pixels)
        for image, place in zip(pixels, changed, strict=True):
            found = called(image.copy())
            _check(found, np.ndarray, image.shape, where)
            if found.dtype != np.uint8:
                raise PluginError(f"gives {found.dtype}, not uint8", where=where)
            place[:] = found
        return (torch.from_numpy(changed).permute(0, 3, 1, 2).float() / 255.0).to(images.device)

    return whole if told.batch else each


def _check(found: Any, kind: type[Any], shape: Any, where: str) -> None:
    if not isinstance(found, kind):
        raise PluginError(f"gives {type(found).__name__}, no {kind.__name__}", where=where)
    if tuple(found.shape) != tuple(shape):
        raise PluginError(f"gives shape {tuple(found.shape)}, not {tuple(shape)}", where=where)


def check_repeatable(change: Change, side: int, where: str) -> None:
    """Raise where a change draws random numbers that no seed decides: a run would not repeat.

    Raises
    ------
    PluginError
        Then, and where it breaks.
    """
    ramp = torch.linspace(0, 1, 3 * side * side).reshape(1, 3, side, side)
    images = ramp.repeat(4, 1, 1, 1)
    found = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            found.append(change(images))
    if not torch.equal(*found):
        raise PluginError(
            "changes an image otherwise the second time, from the same random numbers",
            where=where,
            hint="draw from its parameter rng",
        )

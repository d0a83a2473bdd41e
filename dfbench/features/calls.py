"""What a decorated function gives of images, held to its contract. Light to import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import PluginError, let_stop, worded
from dfbench.plugins import FunctionInfo, info, part_of


class Calls:
    """A function from one image to one vector, and values of its parameters.

    Parameters
    ----------
    function
        Marked by `dfbench.extractor`.
    params
        Values for the function's parameters after the image.
    """

    def __init__(self, function: Callable[..., Any], params: dict[str, Any] | None = None) -> None:
        self.function, self.params = function, params

    @property
    def info(self) -> FunctionInfo:
        """What the decorator noted."""
        found = info(self.function)
        if found is None:
            raise PluginError(f"{self.function!r} is not marked by @dfbench.extractor")
        return found

    def __reduce__(self) -> Any:
        """Go by the part's name: what another decorator made of a function has none of its own."""
        module, name = self.function.__module__, self.info.name
        if part_of(module, "extractor", name) is self.function:
            return _again, (module, name, self.params)
        return Calls, (self.function, self.params)

    def transform(self, images: Sequence[Any]) -> NDArray[np.float32]:
        """Call the function on each image.

        Raises
        ------
        PluginError
            If it raises, or does not return a one-dimensional vector of finite numbers, equally
            long for all images.
        """
        rows = [self._one(image) for image in images]
        lengths = {row.size for row in rows}
        if len(lengths) > 1:
            raise PluginError(
                f"returns vectors of different lengths: {', '.join(map(str, sorted(lengths)))}",
                where=f"extractor {self.info.name!r}",
                hint="return as many numbers for each image",
            )
        if not rows:
            return np.empty((0, 0), np.float32)
        return np.stack(rows)

    def _one(self, image: Any) -> NDArray[np.float32]:
        where = f"extractor {self.info.name!r}"
        try:
            # a copy: a function that writes into its argument must not change what others see
            value = self.function(np.array(image), **(self.params or {}))
        except BaseException as error:
            let_stop(error)
            raise PluginError(f"raises {worded(error)}", where=where) from error
        try:
            # a copy: a function may fill and return the same array each time
            row = np.array(_numbers(value), dtype=np.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            said = f" of {error}" if isinstance(error, _NoNumbers) else ""
            raise PluginError(
                f"returns {type(value).__name__}{said}, not numbers", where=where
            ) from None
        if row.ndim != 1 or row.size == 0:
            raise PluginError(
                f"returns shape {row.shape}, expected (d,) with d > 0",
                where=where,
                hint="return one flat vector, e.g. array.ravel()",
            )
        if not np.isfinite(row).all():
            bad = int(np.flatnonzero(~np.isfinite(row))[0])
            raise PluginError(f"returns {row[bad]} at position {bad}", where=where)
        return row


_KINDS = {
    "c": "complex numbers",
    "M": "dates",
    "m": "spans of time",
    "S": "bytes",
    "U": "text",
    "V": "records",
}
"""What arrays hold that are none of numbers, by the kind of their dtype."""


class _NoNumbers(TypeError):
    """Values are what it says."""


def _numbers(value: Any) -> Any:
    """Give values as they are; raise `TypeError` where they would be made numbers of."""
    if np.ma.is_masked(value):
        raise _NoNumbers("values of which some are hidden")
    array = np.asarray(value)
    odd = _KINDS.get(array.dtype.kind)
    if array.dtype.kind == "O":
        odd = next(
            (type(its).__name__ for its in array.flat if not isinstance(its, Real | Decimal)), None
        )
    if odd is None:
        return array
    raise _NoNumbers(odd) if array.ndim else TypeError


def _again(module: str, name: str, params: dict[str, Any] | None) -> Calls:
    """Make it anew in another process."""
    function = part_of(module, "extractor", name)
    if function is None:
        raise PluginError(f"declares no extractor {name!r}", where=module)
    return Calls(function, params)

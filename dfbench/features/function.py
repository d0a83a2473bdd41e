"""Turns a decorated function into an extractor, and holds it to its contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import PluginError
from dfbench.features.base import Extractor, Vectors
from dfbench.images import Image
from dfbench.plugins import FunctionInfo, info, part_of, source_digest


class FunctionExtractor(Extractor):
    """An extractor made of a function from one image to one vector.

    Parameters
    ----------
    function
        Marked by `dfbench.extractor`.
    params
        Values for the function's parameters after the image.

    """

    def __init__(self, function: Callable[..., Any], params: dict[str, Any] | None = None) -> None:
        self.function = function
        self.params = params

    def __reduce__(self) -> Any:
        """Go by the part's name: what another decorator made of a function has none of its own."""
        module = self.function.__module__
        if part_of(module, "extractor", self.name) is self.function:
            return _again, (module, self.name, self.params)
        return super().__reduce__()

    @property
    def brought(self) -> bool:
        """Whether the function is of others: always."""
        return True

    @property
    def _info(self) -> FunctionInfo:
        found = info(self.function)
        if found is None:
            raise PluginError(f"{self.function!r} is not marked by @dfbench.extractor")
        return found

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name given by the decorator."""
        return self._info.name

    @property
    def version(self) -> int:  # type: ignore[override]
        """The version given by the decorator."""
        return self._info.version

    @property
    def threads(self) -> bool:  # type: ignore[override]
        """Whether the decorator allows calls from several threads at once."""
        return self._info.threads

    def identity(self) -> dict[str, Any]:
        """Name, version, parameters, and the content of the file that holds the function."""
        return {
            "extractor": self.name,
            "version": self.version,
            "params": {**self._info.defaults, **(self.params or {})},
            "source": source_digest(self.function),
        }

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Vectors:
        """Call the function on each image.

        Raises
        ------
        PluginError
            If it raises, or does not return a one-dimensional vector of finite numbers, equally
            long for all images.
        """
        rows = [self._one(image) for image in X]
        lengths = {row.size for row in rows}
        if len(lengths) > 1:
            raise PluginError(
                f"returns vectors of different lengths: {', '.join(map(str, sorted(lengths)))}",
                where=f"extractor {self.name!r}",
                hint="return as many numbers for each image",
            )
        if not rows:
            return np.empty((0, 0), np.float32)
        return np.stack(rows)

    def _one(self, image: Any) -> NDArray[np.float32]:
        where = f"extractor {self.name!r}"
        try:
            # a copy: a function that writes into its argument must not change what others see
            value = self.function(np.array(image), **(self.params or {}))
        except (Exception, SystemExit) as error:
            raise PluginError(f"raises {type(error).__name__}: {error}", where=where) from error
        try:
            if np.iscomplexobj(value):
                raise TypeError
            # a copy: a function may fill and return the same array each time
            row = np.array(value, dtype=np.float32)
        except (TypeError, ValueError):
            raise PluginError(f"returns {type(value).__name__}, not numbers", where=where) from None
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

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Not known before the first image: `dfbench` then numbers the features."""
        return np.empty(0, dtype=object)


def _again(module: str, name: str, params: dict[str, Any] | None) -> FunctionExtractor:
    """Make an extractor anew in another process."""
    function = part_of(module, "extractor", name)
    if function is None:
        raise PluginError(f"declares no extractor {name!r}", where=module)
    return FunctionExtractor(function, params)

"""Turns a decorated function into an extractor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.features.base import Extractor, Vectors
from dfbench.features.calls import Calls
from dfbench.images import Image
from dfbench.plugins import source_digest


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

    @property
    def elsewhere(self) -> Calls:
        """What gives the same in a process of its own."""
        return Calls(self.function, self.params)

    def __reduce__(self) -> Any:
        return _of, (self.elsewhere,)

    @property
    def brought(self) -> bool:
        """Whether the function is of others: always."""
        return True

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name given by the decorator."""
        return self.elsewhere.info.name

    @property
    def version(self) -> int:  # type: ignore[override]
        """The version given by the decorator."""
        return self.elsewhere.info.version

    @property
    def threads(self) -> bool:  # type: ignore[override]
        """Whether the decorator allows calls from several threads at once."""
        return self.elsewhere.info.threads

    def identity(self) -> dict[str, Any]:
        """Name, version, parameters, and the content of the file that holds the function."""
        told = self.elsewhere.info
        return {
            "extractor": told.name,
            "version": told.version,
            "params": {**told.defaults, **(self.params or {})},
            "source": source_digest(self.function),
        }

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Vectors:
        """Call the function on each image; see `dfbench.features.calls.Calls.transform`."""
        return self.elsewhere.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Not known before the first image: `dfbench` then numbers the features."""
        return np.empty(0, dtype=object)


def _of(calls: Calls) -> FunctionExtractor:
    return FunctionExtractor(calls.function, calls.params)

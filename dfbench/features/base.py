"""The contract of an extractor: a stateless scikit-learn transformer from images to vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from dfbench.errors import ParameterError
from dfbench.images import Image
from dfbench.parameters import of_signature

Vectors = NDArray[np.float32]
"""Features, shape (n, d), dtype float32."""


class Extractor(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of all extractors.

    A subclass stores its parameters in ``__init__`` untouched (scikit-learn's rule), where the type
    hint of each tells what it may be, as of pydantic: ``Annotated[int, Field(ge=1)]``. It names its
    features, and turns a batch of images into one row of numbers each. A row depends on its own
    image, the parameters and the version, on nothing else: neither on the other images of the
    batch nor on their order. So a row can be stored and found again by those alone.

    Attributes
    ----------
    name
        What users type; unique among the extractors.
    version
        Raised whenever the output changes for equal input and parameters: stored features of
        another version are not used.
    reads
        ``"pixels"``: `transform` gets RGB arrays. ``"file"``: it gets the files' bytes, and never
        sees pixels.
    threads
        Whether several batches may be transformed at once in threads of one process. Extractors
        that bring a pool of threads of their own (torch) say no.
    dtype
        Of the stored rows.
    references
        Publications that it is from: keys of ``dfbench/references.bib``, or entries of BibTeX.
    """

    name: ClassVar[str]
    references: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1
    reads: ClassVar[Literal["pixels", "file"]] = "pixels"
    threads: ClassVar[bool] = True
    dtype: ClassVar[str] = "float32"

    @property
    def brought(self) -> bool:
        """Whether it is code of others, for which a run has processes of their own."""
        return not type(self).__module__.startswith("dfbench.")

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"extractor {self.name!r}"

    @property
    def title(self) -> str:
        """What explanations call the family of its features."""
        return self.name

    @property
    def elsewhere(self) -> Any:
        """What is sent to such a process in its place, to `transform` there."""
        return self

    def check_params(self) -> None:
        """Raise `ParameterError` where a parameter is not what its type hint tells.

        Called before anything is run, and to be called by `transform`. A subclass adds what one
        parameter asks of another.
        """
        own: Any = type(self)
        for name, allowed in of_signature(own).items():
            allowed.check(name, getattr(self, name, None), self.name)

    def check_available(self) -> None:
        """Raise `UnavailableError` where something that is needed is absent (weights, a package).

        Called before anything is run, so it should be quick; the rows concerned are skipped.
        """

    def held(self) -> bytes:
        """Give what is loaded from elsewhere (weights), for `hold`; nothing by default.

        Raises
        ------
        UnavailableError
            If it is absent.
        """
        return b""

    def hold(self, content: bytes) -> None:
        """Take up what `held` gave, instead of loading it from elsewhere."""
        raise ParameterError("loads nothing from elsewhere", where=self.name)

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Do nothing: there is no state. Present for scikit-learn pipelines."""
        return self

    @abstractmethod
    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Vectors:
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size (an array of shape
            (n, H, W, 3) will do); or the files' bytes where ``reads`` is ``"file"``.

        Returns
        -------
        ndarray of shape (n, d), dtype float32
            Finite.
        """

    @abstractmethod
    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the d features, in the order of the columns, without the extractor's name."""

    def identity(self) -> dict[str, Any]:
        """Everything besides the image that determines the output, as JSON-able values."""
        return {
            "extractor": self.name,
            "version": self.version,
            "params": {key: _plain(value) for key, value in self.get_params(deep=False).items()},
        }

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value

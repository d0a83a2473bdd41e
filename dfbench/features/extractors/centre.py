"""The middle of the image, described by other extractors: the face without its setting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.errors import DfbenchError, ParameterError, one_line
from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.expression import build, parse
from dfbench.images import Image
from dfbench.registry import EXTRACTORS, Registry


class Centre(Extractor):
    """Features of the middle of the image alone, by extractors that are named.

    Of an image of H x W pixels the ``round(share * H)`` x ``round(share * W)`` in its middle (at
    least one; of an odd rest one more lies right of and below them) are cut out, and given to each
    extractor as if they were the image.

    What was made by a generator may be a part of the image only: of a face that was put into a
    photograph the setting is real, and in the statistics of the whole it drowns what the generator
    left, which is local (Chai et al.). Beside the same extractor of the whole image, the middle
    tells the two apart.

    Parameters
    ----------
    of
        An expression of extractors that come with dfbench and compute from pixels, such as
        ``fft[color=ycrcb]`` or ``fft+lpq``. They are one block of features: ``centre`` may stand
        several times, where each is to have its own weight.
    share
        Of the image's height and width.

    References
    ----------
    L. Chai, D. Bau, S.-N. Lim, P. Isola, "What makes fake images detectable? Understanding
    properties that generalize", ECCV, 2020, arXiv 2008.10588.
    """

    name = "centre"
    references = ("chai2020",)

    def __init__(self, of: str = "fft", share: Annotated[float, Field(gt=0, lt=1)] = 0.5) -> None:
        self.of = of
        self.share = share

    @property
    def version(self) -> int:  # type: ignore[override]
        """Raised by each extractor whose own is raised."""
        its = self._extractors()
        return 1 + sum(extractor.version - 1 for extractor in its)

    @property
    def title(self) -> str:
        """What explanations call the family, such as ``centre of fft+lpq``."""
        return f"{self.name} of {'+'.join(its.name for its in self._extractors())}"

    def check_params(self) -> None:
        """Raise `ParameterError` where one is out of its range, or ``of`` is none that will do."""
        super().check_params()
        self._extractors()

    def _extractors(self) -> tuple[Extractor, ...]:
        try:
            return _built(self.of)
        except DfbenchError as error:
            where = "" if error.where is None else f"{error.where}: "
            problem = f"of={one_line(self.of)!r}: {where}{error.what}"
            raise ParameterError(problem, where=self.name, hint=error.hint) from error

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, features of all extractors), dtype float32
            In the order of the expression.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        self.check_params()
        share = float(self.share)
        parts = [_middle(rgb(self.name, image), share) for image in X]
        return np.hstack([extractor.transform(parts) for extractor in self._extractors()])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``fft_gray_0.4861``: the extractor and what it calls the feature.

        Of an extractor that stands there again, the name has its place: ``lpq2_...``.
        """
        self.check_params()
        names: list[str] = []
        seen: dict[str, int] = {}
        for extractor in self._extractors():
            seen[extractor.name] = number = seen.get(extractor.name, 0) + 1
            before = extractor.name if number == 1 else f"{extractor.name}{number}"
            names += [f"{before}_{its}" for its in extractor.get_feature_names_out()]
        return np.array(names, dtype=object)


@lru_cache(maxsize=32)
def _built(expression: str) -> tuple[Extractor, ...]:
    registry = Registry(EXTRACTORS)
    terms = parse(expression)
    for term in terms:
        part = registry.get(term.name)
        target = part.load() if part.built_in and term.name != Centre.name else None
        if target is None or target.reads != "pixels" or not target.threads:
            problem = f"{part.name!r} cannot look at the middle alone"
            hint = "hand-made features of pixels that come with dfbench can, such as fft or lbp"
            raise ParameterError(problem, hint=hint)
    return tuple(build(terms, registry))


def _middle(image: Image, share: float) -> Image:
    sides = [max(1, round(share * side)) for side in image.shape[:2]]
    top, left = ((side - its) // 2 for side, its in zip(image.shape, sides, strict=False))
    return np.ascontiguousarray(image[top : top + sides[0], left : left + sides[1]])

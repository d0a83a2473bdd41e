"""Why a detector says what it says of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.detector import Detector
from dfbench.detectors.explaining.contributions import Contributions, Family, contributions
from dfbench.detectors.explaining.evidence import log_odds
from dfbench.detectors.explaining.occlusion import Occlusion, occlusion
from dfbench.detectors.part import Part
from dfbench.detectors.pictures import Picture
from dfbench.detectors.verdict import Verdict
from dfbench.images import Image, opencv
from dfbench.installed import available_cores
from dfbench.models.base import Inputs, Probabilities

Heat = NDArray[np.float32]
"""Over a picture, shape (H, W), dtype float32."""


@dataclass(frozen=True, eq=False)
class Voice:
    """What one model says of the picture: the only one, or a member of a derived row.

    Attributes
    ----------
    row
        Its row.
    weight
        In the mean of the members; 1 for the only one, None where they are joined otherwise.
    probability
        Of the class that is explained.
    contributions
        Of its features; None where it has none.
    cam
        Of a network: what speaks for the class that is decided for, by Grad-CAM, in [0, 1].
    """

    row: str
    weight: float | None
    probability: float
    contributions: Contributions | None
    cam: Heat | None

    @property
    def parts(self) -> tuple[Family, ...]:
        """What its families add, and what a network makes of the picture itself."""
        if self.contributions is None:
            return (Family(f"picture ({self.row})", self.evidence),)
        if self.cam is None:
            return self.contributions.families
        base = Family(f"picture ({self.row})", self.contributions.base)
        return (*self.contributions.families, base)

    @property
    def evidence(self) -> float:
        """Log odds of the class that is explained."""
        return float(log_odds(np.array([[1 - self.probability, self.probability]]), 1)[0])


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a detector says what it says of a picture.

    Attributes
    ----------
    detector
        Its name.
    picture
        As it was looked at.
    verdict
        What it says.
    explained
        The class that all is told of: the positive one, of several that which is decided for.
    occlusion
        Which places of the picture speak; None where it sees no pixels.
    voices
        What its models say, each by itself.
    """

    detector: str
    picture: Picture
    verdict: Verdict
    explained: str
    occlusion: Occlusion | None
    voices: tuple[Voice, ...]

    @property
    def several(self) -> bool:
        """Whether it is of a derived row, which has members."""
        return len(self.voices) > 1

    @property
    def against(self) -> str:
        """What evidence below 0 speaks for."""
        others = [name for name in self.verdict.classes if name != self.explained]
        return others[0] if len(others) == 1 else "another class"

    @property
    def families(self) -> tuple[Family, ...]:
        """What each family adds, in log odds: over the voices, each by its weight.

        Voices without weights count alike. What a network makes of the picture itself stands there
        as one more; of a network alone there is nothing to tell apart.
        """
        if not self.several and self.voices[0].contributions is None:
            return ()
        found: dict[str, float] = {}
        for voice in self.voices:
            weight = 1 / len(self.voices) if voice.weight is None else voice.weight
            for each in voice.parts:
                found[each.name] = found.get(each.name, 0.0) + weight * each.contribution
        return tuple(Family(name, value) for name, value in found.items())

    @property
    def leading(self) -> Voice | None:
        """The voice of most weight that has features; None where none has any."""
        told = [voice for voice in self.voices if voice.contributions is not None]
        return max(told, key=lambda voice: voice.weight or 0.0, default=None)


def explain(
    detector: Detector, image: Any, *, threshold: float | None = None, places: int | None = None
) -> Explanation:
    """Explain what a detector says of a picture.

    Parameters
    ----------
    detector
        Is asked.
    image
        Anything that `Detector.look` takes.
    threshold
        Instead of the detector's own.
    places
        How many are covered at most, see `dfbench.detectors.explaining.occlusion.occlusion`.

    Raises
    ------
    DfbenchError
        As `Detector.verdicts`.
    """
    picture = detector.look(image)
    [verdict] = detector.verdicts([picture], threshold=threshold)
    k = _explained(detector, verdict)
    found = _occlusion(detector, picture, k, places) if sees_pixels(detector) else None
    voices = _voices(detector, picture, k, verdict)
    return Explanation(detector.name, picture, verdict, verdict.classes[k], found, voices)


def heat_map(detector: Detector, image: Any, *, places: int | None = None) -> Heat:
    """Show which places of a picture speak for the class that is explained, see `Explanation`.

    Returns
    -------
    ndarray of shape (H, W), dtype float32, in [-1, 1]
        Above 0 a place speaks for the class, below 0 against it; 0 throughout where no place
        changes anything, or the detector sees no pixels.

    Raises
    ------
    DfbenchError
        As `Detector.verdicts`.
    """
    picture = detector.look(image)
    if not sees_pixels(detector):
        return np.zeros(picture.pixels.shape[:2], np.float32)
    k = detector.positive
    if k is None:
        [verdict] = detector.verdicts([picture])
        k = _explained(detector, verdict)
    return _occlusion(detector, picture, k, places).heat


def sees_pixels(detector: Detector) -> bool:
    """Whether a detector looks at more than files' bytes."""
    return any(
        part.side is not None or any(each.reads == "pixels" for each in part.extractors)
        for part in detector.parts
    )


def _explained(detector: Detector, verdict: Verdict) -> int:
    if detector.positive is not None:
        return detector.positive
    return verdict.classes.index(verdict.label)


def _occlusion(detector: Detector, picture: Picture, k: int, places: int | None) -> Occlusion:
    def ask(images: Sequence[Image]) -> Probabilities:
        return detector.proba_of_pictures([replace(picture, pixels=image) for image in images])

    return occlusion(ask, picture.pixels, k, most=places, jobs=available_cores())


def _voices(detector: Detector, picture: Picture, k: int, verdict: Verdict) -> tuple[Voice, ...]:
    weights: Sequence[float | None] = [1.0]
    if detector.joined is not None:
        weights = detector.joined.weights(len(detector.parts)) or [None] * len(detector.parts)
    decided = verdict.classes.index(verdict.label)
    inputs = detector.inputs([picture])
    return tuple(
        Voice(
            row=part.row,
            weight=weight,
            probability=float(part.proba(X)[0, k]),
            contributions=contributions(part, X, k),
            cam=_cam(detector, part, X, decided, picture.pixels.shape),
        )
        for part, X, weight in zip(detector.parts, inputs, weights, strict=True)
    )


def _cam(detector: Detector, part: Part, X: Inputs, k: int, shape: tuple[int, ...]) -> Heat | None:
    """Give a network's map at the size of the picture, which it saw as a square."""
    maps = part.cams(X, np.array([k]))
    if maps is None:
        return None
    height, width = shape[:2]
    heat = np.zeros((height, width), np.float32)
    normal = detector.contents.normal
    sized = None if normal is None else normal.size
    if normal is not None and sized is not None and normal.method == "crop":
        # what the normal form cuts off, it never saw
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        seen = heat[top : top + side, left : left + side]
    else:
        seen = heat
    found = part.square.back(maps[0], seen.shape if sized is None else (sized, sized))
    seen[:] = opencv().resize(found, seen.shape[::-1])
    return heat

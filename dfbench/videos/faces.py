"""The face in a frame: found by a detector that the user has, cut out as a square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError
from dfbench.images import opencv

Which = Literal["largest", "surest"]
LONGER = 640
"""Pixels of the longer side of what the detector is shown at most: YuNet is trained on faces of 10
to 300 pixels."""


class DetectorError(DfbenchError):
    """A file that is no detector of faces."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a face is cut out.

    Attributes
    ----------
    margin
        The square's side is ``1 + margin`` times the longer side of the face.
    size
        Pixels of the square as it is kept; 0 for as it is.
    which
        Of several faces.
    score
        From which on the detector is believed.
    """

    margin: float = 0.3
    size: int = 0
    which: Which = "largest"
    score: float = 0.7


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a frame: its corner, width and height in pixels, and how sure the detector is."""

    x: float
    y: float
    width: float
    height: float
    score: float


class Detector:
    """A detector of faces in an ONNX file with the outputs of YuNet, which OpenCV runs.

    Parameters
    ----------
    model
        Content of the file.
    score
        From which on a face is one.

    Raises
    ------
    DetectorError
        Where OpenCV cannot read it, or it does not give what such a detector gives.
    """

    def __init__(self, model: bytes, score: float) -> None:
        cv2 = opencv()
        try:
            self._net: Any = cv2.FaceDetectorYN.create(
                "onnx", np.frombuffer(model, np.uint8), np.empty(0, np.uint8), (64, 64), score
            )
            self.faces(np.zeros((64, 64, 3), np.uint8))
        except cv2.error:  # what it says is of its own sources
            raise DetectorError(
                f"is no detector of faces that OpenCV {cv2.__version__} runs"
            ) from None

    def faces(self, frame: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a frame.

        Parameters
        ----------
        frame : ndarray of shape (H, W, 3), dtype uint8
            RGB.
        """
        cv2 = opencv()
        height, width = frame.shape[:2]
        scale = min(1.0, LONGER / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        self._net.setInputSize(size)
        _, found = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if found is None:
            return []
        across, down = width / size[0], height / size[1]
        those = np.asarray(found, np.float64)
        those = those[np.isfinite(those).all(1) & (those[:, 2] > 0) & (those[:, 3] > 0)]
        return [
            Face(x * across, y * down, w * across, h * down, score)
            for x, y, w, h, *_, score in those.tolist()
        ]


def pick(faces: list[Face], which: Which) -> Face | None:
    """Pick one of several faces, the same whatever their order; None of none."""

    def rank(face: Face) -> tuple[float, ...]:
        area = face.width * face.height
        first = (area, face.score) if which == "largest" else (face.score, area)
        return (*first, -face.x, -face.y)

    return max(faces, key=rank, default=None)


def square(face: Face, width: int, height: int, margin: float) -> tuple[int, int, int]:
    """Lay a square around a face, within a frame.

    Where it would reach out of the frame it is moved, and no larger than the frame's shorter side:
    all of its pixels are of the frame.

    Parameters
    ----------
    face
        Where the face is.
    width, height
        Of the frame, in pixels.
    margin
        See `Cut`.

    Returns
    -------
    left, top, side
        In pixels.
    """
    wanted = round(max(face.width, face.height) * (1 + margin))
    side = max(1, min(wanted, width, height))
    left = round(face.x + face.width / 2 - side / 2)
    top = round(face.y + face.height / 2 - side / 2)
    return max(0, min(left, width - side)), max(0, min(top, height - side)), side


def cut_out(frame: NDArray[np.uint8], detector: Detector, cut: Cut) -> NDArray[np.uint8] | None:
    """Cut a face out of a frame; None where there is none.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3), dtype uint8
        RGB.
    detector
        Finds faces.
    cut
        Which face, and how much around it.

    Returns
    -------
    ndarray of shape (S, S, 3), dtype uint8
        C-contiguous.
    """
    face = pick(detector.faces(frame), cut.which)
    if face is None:
        return None
    left, top, side = square(face, frame.shape[1], frame.shape[0], cut.margin)
    part = frame[top : top + side, left : left + side]
    if cut.size and cut.size != side:
        cv2 = opencv()
        how = cv2.INTER_AREA if cut.size < side else cv2.INTER_CUBIC
        part = cv2.resize(part, (cut.size, cut.size), interpolation=how)
    return np.ascontiguousarray(part)

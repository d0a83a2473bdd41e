"""Faces in frames: which one, the square around it, and detectors in ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.videos.faces import Cut, Detector, DetectorError, Face, cut_out, pick, square


def frame(height: int = 96, width: int = 128, *blocks: tuple[int, int, int]) -> np.ndarray:
    """Draw grey with red blocks: left, top, side."""
    drawn = np.full((height, width, 3), 60, np.uint8)
    for left, top, side in blocks:
        drawn[top : top + side, left : left + side] = (250, 0, 0)
    return drawn


def test_the_largest_or_the_surest() -> None:
    large, sure = Face(0, 0, 30, 30, 0.8), Face(50, 0, 20, 20, 0.9)
    for faces in ([large, sure], [sure, large]):
        assert pick(faces, "largest") == large
        assert pick(faces, "surest") == sure
    assert pick([], "largest") is None


@given(
    st.builds(
        Face,
        st.floats(-50, 150),
        st.floats(-50, 150),
        st.floats(0.5, 200),
        st.floats(0.5, 200),
        st.just(1.0),
    ),
    st.integers(1, 200),
    st.integers(1, 200),
    st.floats(0, 2),
)
def test_the_square_lies_within_the_frame(
    face: Face, width: int, height: int, margin: float
) -> None:
    left, top, side = square(face, width, height, margin)
    assert side >= 1
    assert left >= 0 <= top
    assert left + side <= width
    assert top + side <= height
    wanted = max(face.width, face.height) * (1 + margin)
    assert abs(side - min(wanted, width, height)) <= 1
    middle = face.x + face.width / 2
    if side / 2 + 1 <= middle <= width - side / 2 - 1:
        assert abs(left + side / 2 - middle) <= 1  # in the middle, where there is room


def test_a_face_is_cut_out(detector: Path) -> None:
    net = Detector(detector.read_bytes(), 0.7)
    shown = frame(96, 128, (64, 32, 32))
    part = cut_out(shown, net, Cut(margin=0.5))
    assert part is not None
    assert np.array_equal(part, shown[24:72, 56:104])
    small = cut_out(shown, net, Cut(size=20))
    assert small is not None
    assert small.shape == (20, 20, 3)
    assert cut_out(frame(), net, Cut()) is None


def test_faces_of_large_frames_are_found_on_a_smaller_one(detector: Path) -> None:
    net = Detector(detector.read_bytes(), 0.7)
    shown = frame(960, 1280, (640, 320, 64))
    part = cut_out(shown, net, Cut(margin=0))
    assert part is not None
    assert np.array_equal(part, shown[320:384, 640:704])


def test_what_is_no_detector() -> None:
    with pytest.raises(DetectorError, match="is no detector of faces"):
        Detector(b"no onnx at all", 0.7)


def test_a_network_of_another_kind(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, "h", "w"])
    node = helper.make_node("Relu", ["input"], ["out"])
    graph = helper.make_graph([node], "relu", [image], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "relu.onnx")
    with pytest.raises(DetectorError, match="is no detector of faces"):
        Detector((tmp_path / "relu.onnx").read_bytes(), 0.7)

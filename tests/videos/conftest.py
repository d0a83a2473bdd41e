"""Tiny videos of several codecs, and a detector that takes red blocks for faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

FORMS = (
    ("mp4", "libx264", "yuv420p"),
    ("webm", "libvpx-vp9", "yuv420p"),
    ("avi", "mjpeg", "yuvj420p"),
    ("mkv", "mpeg4", "yuv420p"),
)
"""Suffix, codec and pixels."""
NAMES = ("anna", "bob at home", "carol", "dave", "erin", "frank", "gina", "hugo", "ida", "jan")
"""Of videos: no number, nothing random, so that only a card tells that they are sources."""


def pictures(seed: int, n: int = 16, *, fake: bool = False) -> Iterable[np.ndarray]:
    """Draw a scene that changes; a fake one has a faint checkerboard."""
    rng = np.random.default_rng(seed)
    scene = rng.integers(30, 220, (6, 8, 3)).repeat(8, 0).repeat(8, 1).astype(np.float64)
    board = 9 * (-1.0) ** np.add.outer(np.arange(48), np.arange(64))[..., None] * fake
    for i in range(n):
        noise = rng.normal(0, 3, scene.shape)
        yield np.clip(scene + board + noise + 2 * i, 0, 255).astype(np.uint8)


def film(
    path: Path,
    of: Iterable[np.ndarray],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    rate: int = 8,
    options: dict[str, str] | None = None,
) -> Path:
    """Write pictures as a video of so many a second."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        stream = None
        for picture in of:
            if stream is None:
                stream = container.add_stream(codec, rate=rate)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.bit_rate = pixels, 2_000_000
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty videos of four codecs; beside them one that is cut off and one without a picture."""
    import av

    root = tmp_path_factory.mktemp("twenty") / "films"
    for k, name in enumerate(NAMES):
        suffix, codec, pixels = FORMS[k % len(FORMS)]
        for fake in (False, True):
            place = root / ("fake" if fake else "real") / f"{name}.{suffix}"
            film(place, pictures(2 * k + fake, fake=fake), codec, pixels)
    whole = (root / "fake" / "anna.mp4").read_bytes()
    (root / "fake" / "broken.mp4").write_bytes(whole[: len(whole) // 2])
    with av.open(str(root / "real" / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), "fltp", "mono")
        silence.rate, silence.pts = 8000, 0
        container.mux([*stream.encode(silence), *stream.encode()])
    return root


@pytest.fixture(scope="session")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a detector with the outputs of YuNet: a block of a grid is a face as far as it is red.

    Faces are as large as the blocks: 8, 16 and 32 pixels.
    """
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    nodes, values, outputs = [], [], []

    def constant(name: str, value: np.ndarray) -> str:
        values.append(numpy_helper.from_array(value, name))
        return name

    def node(kind: str, of: list[str], name: str, **how: object) -> str:
        nodes.append(helper.make_node(kind, of, [name], **how))
        return name

    redness = constant("redness", np.array([-0.5, -0.5, 1], np.float32).reshape(1, 3, 1, 1))
    bias = constant("bias", np.array([-120], np.float32))
    red = node("Conv", ["input", redness, bias], "red", kernel_shape=[1, 1])
    for s in (8, 16, 32):
        block = node("AveragePool", [red], f"block{s}", kernel_shape=[s, s], strides=[s, s])
        for name, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            its = block
            if width > 1:
                none = constant(f"none_{name}{s}", np.zeros((width, 1, 1, 1), np.float32))
                middle = np.array([0.5, 0.5] + [0] * (width - 2), np.float32)
                middle = constant(f"middle_{name}{s}", middle)
                its = node("Conv", [its, none, middle], f"{name}{s}", kernel_shape=[1, 1])
            its = node("Transpose", [its], f"turned_{name}{s}", perm=[0, 2, 3, 1])
            shape = constant(f"shape_{name}{s}", np.array([1, -1, width], np.int64))
            last = f"{name}_{s}"
            flat = node("Reshape", [its, shape], last if width > 1 else f"flat_{last}")
            if width == 1:
                node("Sigmoid", [flat], last)
            outputs.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, None, width]))
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])
    graph = helper.make_graph(nodes, "blocks", [image], outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path_factory.mktemp("detector") / "blocks.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def make_film() -> Callable[..., Path]:
    """Give `film`."""
    return film


@pytest.fixture(scope="session")
def draw() -> Callable[..., Iterable[np.ndarray]]:
    """Give `pictures`."""
    return pictures

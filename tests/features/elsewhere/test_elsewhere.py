from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from dfbench.contained.process import Limits
from dfbench.errors import ParameterError, PluginError, UnavailableError
from dfbench.features.contained.extractor import Contained
from dfbench.features.elsewhere.base import FromElsewhere
from dfbench.features.elsewhere.called import Called
from dfbench.features.elsewhere.files import Onnx, TorchScript
from dfbench.features.elsewhere.preprocessing import Preprocessing, preprocessing
from tests.conftest import picture

IMAGES = [picture(0), picture(1, size=(20, 30)), np.full((9, 9, 3), 7, np.uint8)]
WEIGHTS = np.array([[1, -1], [2, 0], [0, 3]], np.float32)
"""Of the mean of each channel, for two outputs."""
INPUT = preprocessing("test", {"size": 16, "mean": [0.1, 0.2, 0.3], "std": [0.5, 1, 2]})


def linear(path: Path, weights: np.ndarray = WEIGHTS) -> Path:
    """Write an ONNX file: the mean of each channel, times the weights."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["scores"]),
    ]
    shape = ["n", 3, INPUT.size[0], INPUT.size[1]]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def scripted(path: Path) -> Path:
    """Write the same as TorchScript."""
    import torch

    class Linear(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image.mean(dim=(2, 3)) @ self.weights

    net = Linear()
    net.register_buffer("weights", torch.from_numpy(WEIGHTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that newer files are written in another form
        torch.jit.trace(net, torch.zeros(1, 3, 16, 16)).save(path)
    return path


def test_onnx_and_torchscript_give_what_the_network_says(tmp_path: Path) -> None:
    """Of each image alone, prepared as was told; alike in any batch."""
    expected = [INPUT(image)[0].mean(axis=(1, 2)) @ WEIGHTS for image in IMAGES]
    for made in (
        Onnx(str(linear(tmp_path / "net.onnx")), 2, False, INPUT),
        TorchScript(str(scripted(tmp_path / "net.pt")), 2, False, INPUT, "cpu"),
    ):
        found = made.transform(IMAGES)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_array_equal(made.transform(IMAGES[1:2]), found[1:2])


def test_a_detector_is_known_by_the_content_of_its_file(tmp_path: Path) -> None:
    one = Onnx(str(linear(tmp_path / "a.onnx")), 2, False, INPUT).identity()
    assert Onnx(str(linear(tmp_path / "b.onnx")), 2, False, INPUT).identity() == one
    other = linear(tmp_path / "b.onnx", 2 * WEIGHTS)
    assert Onnx(str(other), 2, False, INPUT).identity() != one
    wider = preprocessing("test", {"size": [16, 20], "mean": 0, "std": 1})
    assert Onnx(str(tmp_path / "a.onnx"), 2, False, wider).identity() != one
    assert "a.onnx" not in str(one)


def test_one_made_again_of_what_was_kept(tmp_path: Path) -> None:
    file = linear(tmp_path / "net.onnx")
    made = Onnx(str(file), 2, False, INPUT)
    again = Onnx.again(made.kept())
    assert again.identity() == made.identity()
    np.testing.assert_array_equal(again.transform(IMAGES), made.transform(IMAGES))
    kept = made.kept()
    linear(file, 2 * WEIGHTS)
    with pytest.raises(Exception, match="another file than the row was made with"):
        Onnx.again(kept)


def test_what_is_no_network(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_text("no network")
    with pytest.raises(PluginError, match="is no ONNX file that can be opened"):
        Onnx(str(file), 2, False, INPUT).transform(IMAGES)
    with pytest.raises(PluginError, match="is no TorchScript file that can be opened"):
        TorchScript(str(file), 2, False, INPUT, "cpu").transform(IMAGES)
    half = tmp_path / "half.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that newer files are written in another form
        import torch

        net = torch.nn.Conv2d(3, 1, 1).half()
        torch.jit.script(net).save(half)
    with pytest.raises(PluginError, match="has weights of float16, and images are given as float"):
        TorchScript(str(half), 1, False, INPUT, "cpu").transform(IMAGES)
    other = preprocessing("test", {"size": 8, "mean": 0, "std": 1})
    sized = Onnx(str(linear(tmp_path / "sized.onnx")), 2, False, other)
    with pytest.raises(PluginError, match="cannot be computed: Got invalid dimensions") as error:
        sized.transform(IMAGES)
    assert "ONNXRuntimeError" not in str(error.value)
    with pytest.raises(UnavailableError, match=r"no such file: .*absent\.onnx"):
        Onnx(str(tmp_path / "absent.onnx"), 2, False, INPUT).check_available()


PLUGIN = """
import numpy as np

def mean(image, gain=1.0):
    value = gain * float(image.mean()) / 255
    image[:] = 0
    return value

def two(images):
    means = np.array([image.mean() / 255 for image in images])
    return np.stack([means, 1 - means], axis=1)

def logit(image):
    return image.mean()

def several(image):
    return [0.1] * (1 + image.shape[0] % 2)

def words(image):
    return "fake"

def silent(image):
    return None

def nested(image):
    return np.array([[image.mean() / 255]])

def fine(image):
    return 1 - 1e-12 * float(image.mean())

def dies(image):
    import os
    os._exit(3)

def leaves(image):
    raise SystemExit("done")
"""


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    file = tmp_path / "theirs.py"
    file.write_text(PLUGIN)
    return str(file)


def test_a_function(plugin: str) -> None:
    images = [image.copy() for image in IMAGES]
    expected = [image.mean() / 255 for image in images]
    found = Called(f"{plugin}:mean").transform(images)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)
    np.testing.assert_array_equal(images[0], IMAGES[0])  # it was given a copy
    half = Called(f"{plugin}:mean", options=(("gain", 0.5),)).transform(images)
    np.testing.assert_allclose(half, found / 2, rtol=1e-6)
    both = Called(f"{plugin}:two", 2, batch=True).transform(images)
    np.testing.assert_allclose(both, np.stack([expected, 1 - found[:, 0]], axis=1), rtol=1e-6)
    assert Called(f"{plugin}:mean").source == "call:theirs.py:mean"


def test_numbers_of_a_function_keep_their_digits_and_lose_their_brackets(plugin: str) -> None:
    means = np.array([image.mean() for image in IMAGES])
    np.testing.assert_array_equal(
        Called(f"{plugin}:fine").transform(IMAGES)[:, 0], 1 - 1e-12 * means
    )
    for some in (IMAGES, IMAGES[:1]):
        found = Called(f"{plugin}:nested").transform(some)
        np.testing.assert_allclose(found[:, 0], means[: len(some)] / 255)


def test_one_that_ends_its_process_is_named(plugin: str) -> None:
    with pytest.raises(PluginError, match=r"detector 'call:\w+.py:dies': ends its process"):
        Contained(Called(f"{plugin}:dies"), 1, Limits()).transform(IMAGES[:1])


def test_a_function_is_known_by_its_file(plugin: str) -> None:
    before = Called(f"{plugin}:mean").identity()
    assert Called(f"{plugin}:mean").identity() == before
    assert Called(f"{plugin}:two", 2).identity() != before
    Path(plugin).write_text(PLUGIN + "\n# changed\n")
    assert Called(f"{plugin}:mean").identity() != before


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("logit", r"gives [\d.]+, which is no probability"),
        ("several", "not one number an image"),
        ("words", "gives str, not one number an image"),
        ("silent", r"call:.*:silent'.*: returns None \(it is to return one number an image\)"),
        ("leaves", "raises SystemExit: done"),
        ("nothing", "there is no function 'nothing'"),
    ],
)
def test_a_function_that_is_no_detector(plugin: str, function: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Called(f"{plugin}:{function}").transform(IMAGES)


def test_a_function_of_a_package() -> None:
    assert Called("statistics:mean").identity()["function"] == "mean"
    with pytest.raises(UnavailableError, match="package no_such_package is not installed"):
        Called("no_such_package.detectors:mine").identity()
    with pytest.raises(UnavailableError, match=r"no such file: absent\.py"):
        Called("absent.py:mine").identity()


ZOO = """
class Result:
    def __init__(self, score):
        self.score, self.label, self.confidence = score, "ai" if score > 0.5 else "human", 0.9

class Detector:
    modality = "image"

    def __init__(self, device="cpu", gain=1.0):
        self.gain = gain

    def predict(self, image):
        pixels = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
        return Result(self.gain * sum(pixels) / 765)

def load_detector(name, **options):
    if name == "unreachable":
        raise OSError("no route to host")
    if name != "mean":
        raise ValueError(f"Unknown detector '{name}'. Available detectors: mean")
    return Detector(**options)
"""


def test_detectors_of_detectzoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the interface that the package has: score, label and confidence of an image."""
    from dfbench.features.elsewhere.zoo import Zoo

    with pytest.raises(UnavailableError, match=r"detectzoo is not installed \(pip install"):
        Zoo("mean").check_available()
    (tmp_path / "detectzoo.py").write_text(ZOO)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "detectzoo", raising=False)
    Zoo("mean").check_available()
    found = Zoo("mean").transform(IMAGES)
    assert found.shape == (3, 1)
    assert found[2, 0] == pytest.approx(7 / 255)
    assert Zoo("mean", options=(("gain", 2.0),)).transform(IMAGES)[2, 0] == pytest.approx(14 / 255)
    with pytest.raises(UnavailableError, match="cannot be loaded: OSError: no route to host"):
        Zoo("unreachable").transform(IMAGES)
    with pytest.raises(PluginError, match="Unknown detector 'meen'"):
        Zoo("meen").transform(IMAGES)
    with pytest.raises(PluginError, match="which is no probability"):
        Zoo("mean", options=(("gain", 9.0),)).transform(IMAGES)


def test_every_detector_says_what_it_is() -> None:
    from dfbench.registry import ELSEWHERE, detector_of

    for kind in ELSEWHERE:
        asks = detector_of(kind)
        assert issubclass(asks, FromElsewhere)
        assert asks.name == kind


def test_preprocessing_is_what_torchvision_does() -> None:
    from PIL import Image
    from torchvision import transforms

    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    for image in (picture(3, size=(50, 70)), picture(4, size=(90, 40))):
        theirs = transforms.Compose(
            [
                transforms.Resize(32),
                transforms.CenterCrop(32),
                transforms.ToTensor(),
                transforms.Normalize(mean, std),
            ]
        )(Image.fromarray(image))
        ours = preprocessing("test", {"size": 32, "mean": mean, "std": std, "fit": "crop"})(image)
        assert ours.shape == (1, 3, 32, 32)
        np.testing.assert_allclose(ours[0], theirs.numpy(), atol=1e-5)


def test_layout_and_channels() -> None:
    image = picture(5, size=(16, 16))
    told: dict[str, Any] = {"size": 16, "mean": 0, "std": 1, "largest": 255}
    plain = preprocessing("test", {**told, "layout": "NHWC"})(image)
    np.testing.assert_array_equal(plain[0], image)
    turned = preprocessing("test", {**told, "layout": "NHWC", "channels": "BGR"})(image)
    np.testing.assert_array_equal(turned[0], image[..., ::-1])
    padded = preprocessing("test", {**told, "size": 20, "fit": "none", "layout": "NHWC"})(image)
    np.testing.assert_array_equal(padded[0, 2:18, 2:18], image)
    assert padded.sum() == image.sum()
    cut = preprocessing("test", {**told, "size": 10, "fit": "none", "layout": "NHWC"})(image)
    np.testing.assert_array_equal(cut[0], image[3:13, 3:13])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"mean": 0, "std": 1}, "size is to be told"),
        ({"size": 8, "std": 1}, "mean is to be told"),
        ({"size": 0, "mean": 0, "std": 1}, "neither a side in pixels"),
        ({"size": 2.5, "mean": 0, "std": 1}, "neither a side in pixels"),
        ({"size": [8], "mean": 0, "std": 1}, "neither a side in pixels"),
        ({"size": True, "mean": 0, "std": 1}, "neither a side in pixels"),
        ({"size": 8, "mean": [0, 0], "std": 1}, "neither a number nor three"),
        ({"size": 8, "mean": 0, "std": 0}, "not above 0"),
        ({"size": 8, "mean": 0, "std": 1, "layout": "CHW"}, "layout='CHW' is unknown"),
        ({"size": 8, "mean": 0, "std": 1, "largest": 2}, "neither 1 nor 255"),
    ],
)
def test_what_is_told_of_an_input(told: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        preprocessing("test", told)


def test_preprocessing_is_plain() -> None:
    assert isinstance(INPUT, Preprocessing)
    told = {"size": 16, "mean": [0.1, 0.2, 0.3], "std": [0.5, 1, 2]}
    assert hash(INPUT) == hash(preprocessing("x", told))

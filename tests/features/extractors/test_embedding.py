"""Frozen backbones against direct forward passes of timm and torchvision."""

import json
import pickle
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from sklearn.base import clone

from dfbench.backbones import sources
from dfbench.backbones.weights import WeightsError
from dfbench.errors import DfbenchError, ParameterError, UnavailableError, UnknownNameError
from dfbench.features.extractors.embedding import Embedding

SMALL = "test_resnet"  # timm's own miniature for tests
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pictures(n=5, size=70, seed=0):
    """Smooth colour pictures, the odd ones with a fine grid planted on them."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        coarse = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).astype(float)
        if i % 2:
            image += (
                14.0 * ((np.add.outer(np.arange(size), np.arange(size)) % 2) * 2 - 1)[..., None]
            )
        out.append(image.clip(0, 255).astype(np.uint8))
    return out


def normalised(images, size, mean=MEAN, std=STD):
    stack = []
    for image in images:
        method = cv2.INTER_AREA if min(image.shape[:2]) >= size else cv2.INTER_LINEAR
        small = cv2.resize(image, (size, size), interpolation=method)
        stack.append((small / 255.0 - np.array(mean)) / np.array(std))
    return torch.tensor(np.stack(stack).transpose(0, 3, 1, 2), dtype=torch.float32)


@pytest.fixture(scope="module")
def timm_file(tmp_path_factory):
    torch.manual_seed(1)
    model = timm.create_model(SMALL, num_classes=1000).eval()
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_file(model.state_dict(), path)
    return model, path


def test_timm_embedding_is_a_direct_forward_pass(timm_file):
    model, path = timm_file
    images = [*pictures(), np.full((200, 90, 3), 77, np.uint8)]
    got = Embedding(f"timm:{SMALL}", str(path), size=64).transform(images)
    own = model.pretrained_cfg
    with torch.no_grad():
        features = model.forward_head(
            model.forward_features(normalised(images, 64, own["mean"], own["std"])),
            pre_logits=True,
        )
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, features.numpy(), atol=1e-4 * features.abs().max().item())


def test_torchvision_embedding_is_a_direct_forward_pass(tmp_path):
    torch.manual_seed(2)
    model = torchvision.models.mobilenet_v2(weights=None).eval()
    path = tmp_path / "mobilenet.pth"
    torch.save({"state_dict": model.state_dict()}, path)
    half = (0.5, 0.5, 0.5)
    embedding = Embedding("torchvision:mobilenet_v2", str(path), size=96, mean=half, std=half)
    with torch.no_grad():
        maps = model.features(normalised(pictures(), 96, half, half))
    expected = maps.mean(dim=(2, 3)).numpy()
    got = embedding.transform(pictures())
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max() + 1e-12)
    assert list(embedding.get_feature_names_out()[:2]) == ["unit_0", "unit_1"]
    assert len(embedding.get_feature_names_out()) == got.shape[1] == 1280


@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "densenet121", "vgg11", "googlenet", "vit_b_16", "swin_t"]
)
def test_torchvision_families_give_their_penultimate_layer(name):
    from dfbench.backbones.build import _build_torchvision

    made = _build_torchvision(name, "random", 0, None)
    [head] = made.head
    width = {"squeezenet1_1": 512, "densenet121": 1024, "vgg11": 4096}
    width |= {"googlenet": 1024, "vit_b_16": 768, "swin_t": 768}
    with torch.no_grad():
        out = made.module.eval()(torch.zeros(1, 3, made.size, made.size))
    assert tuple(out.shape) == (1, width[name])
    assert isinstance(made.module.get_submodule(head), torch.nn.Identity)


def test_a_row_does_not_depend_on_its_batch():
    images = pictures(7)
    whole = Embedding(SMALL, "random", size=64).transform(images)
    for size in (1, 2, 5):
        other = Embedding(SMALL, "random", size=64, batch_size=size).transform(images)
        np.testing.assert_allclose(other, whole, atol=1e-4 * np.abs(whole).max())
    turned = Embedding(SMALL, "random", size=64).transform(images[::-1])[::-1]
    np.testing.assert_allclose(turned, whole, atol=1e-4 * np.abs(whole).max())
    assert Embedding(SMALL, "random", size=64).transform([]).shape == (0, whole.shape[1])


def test_random_weights_follow_their_seed_only():
    images = pictures(3)
    first = Embedding(SMALL, "random", size=64).transform(images)
    torch.rand(3)
    state = torch.get_rng_state()
    np.testing.assert_array_equal(Embedding(SMALL, "random", size=64).transform(images), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not np.allclose(Embedding(SMALL, "random", seed=1, size=64).transform(images), first)


@pytest.mark.parametrize("backbone", ["mobilenetv3_small_100", "efficientnet_b0", "resnet18"])
def test_random_features_are_alive(backbone):
    """Without the batch normalisation set, deep ones give the same vector for every image."""
    X = Embedding(backbone, "random", size=64).transform(pictures(12))
    assert (X.std(axis=0) > 1e-3).mean() > 0.9
    assert np.abs(X).max() < 1e4


def test_random_features_carry_information():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X = Embedding("resnet10t", "random", size=64).transform(pictures(120, 64))
    y = np.arange(120) % 2
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    model.fit(X[:80], y[:80])
    assert roc_auc_score(y[80:], model.decision_function(X[80:])) > 0.8


def test_identity_is_what_determines_the_values(tmp_path, timm_file):
    _, path = timm_file
    base = Embedding(SMALL, "random").identity()
    json.dumps(base)
    assert Embedding(SMALL, "random", batch_size=3, device="cpu").identity() == base
    for other in (
        Embedding(SMALL, "random", seed=1),
        Embedding(SMALL, "random", size=64),
        Embedding(SMALL, "random", mean=(0.5, 0.5, 0.5)),
        Embedding(SMALL, "imagenet"),
        Embedding("resnet10t", "random"),
        Embedding(SMALL, str(path)),
    ):
        assert other.identity() != base
    copy = tmp_path / "elsewhere.safetensors"
    copy.write_bytes(path.read_bytes())
    assert Embedding(SMALL, str(copy)).identity() == Embedding(SMALL, str(path)).identity()
    state = torch.nn.Linear(2, 2).state_dict()
    save_file(state, copy)
    assert Embedding(SMALL, str(copy)).identity() != Embedding(SMALL, str(path)).identity()


def test_identity_needs_no_torch():
    code = (
        "import sys; from dfbench.features.extractors.embedding import Embedding;"
        "Embedding().identity();"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_classifier_of_another_shape_is_passed_over(tmp_path, timm_file):
    model, path = timm_file
    state = dict(model.state_dict())
    state["fc.weight"], state["fc.bias"] = state["fc.weight"][:2].clone(), state["fc.bias"][:2]
    two = tmp_path / "two.safetensors"
    save_file({k: v.clone() for k, v in state.items()}, two)
    images = pictures(2)
    np.testing.assert_array_equal(
        Embedding(SMALL, str(two), size=64).transform(images),
        Embedding(SMALL, str(path), size=64).transform(images),
    )


@pytest.mark.parametrize("fault", ["missing", "unexpected", "of another shape"])
def test_a_file_that_does_not_fit_names_the_tensor(tmp_path, timm_file, fault):
    model, _ = timm_file
    state = {k: v.clone() for k, v in model.state_dict().items()}
    name = "layer1.0.conv1.weight"
    if fault == "missing":
        del state[name]
    elif fault == "unexpected":
        name = "layer9.conv.weight"
        state[name] = torch.zeros(2)
    else:
        state[name] = torch.zeros(3, 3)
    path = tmp_path / "bad.safetensors"
    save_file(state, path)
    with pytest.raises(WeightsError, match=fault) as caught:
        Embedding(SMALL, str(path)).transform(pictures(1))
    assert name in str(caught.value)
    assert str(path) in str(caught.value)


def test_broken_absent_and_executable_files_are_errors(tmp_path):
    absent = Embedding(SMALL, str(tmp_path / "no.safetensors"))
    with pytest.raises(UnavailableError, match="no such file"):
        absent.check_available()
    with pytest.raises(UnavailableError):
        absent.identity()
    with pytest.raises(UnavailableError, match="no such file"):
        absent.transform(pictures(1))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="not readable"):
        Embedding(SMALL, str(broken)).transform(pictures(1))
    code = tmp_path / "code.pth"
    code.write_bytes(pickle.dumps({"x": subprocess.Popen}))
    with pytest.raises(WeightsError, match="not readable"):
        Embedding(SMALL, str(code)).transform(pictures(1))


def test_imagenet_weights_out_of_reach_are_named_quickly(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for backbone, file in (
        ("resnet10t", "model.safetensors"),
        ("torchvision:resnet18", "resnet18-"),
    ):
        start = time.perf_counter()
        for call in (Embedding(backbone).check_available, lambda: embed(backbone)):  # noqa: B023
            with pytest.raises(UnavailableError, match="not on this machine") as caught:
                call()
            assert file in str(caught.value)
            assert "https://" in str(caught.value)
        assert time.perf_counter() - start < 5


def embed(backbone):
    return Embedding(backbone).transform(pictures(1))


def test_a_host_that_does_not_answer_is_given_up_soon(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    start = time.perf_counter()
    assert not sources.reachable("nowhere.invalid")
    assert time.perf_counter() - start < 6


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownNameError, match="'mobilenetv3_small_100'"):
        Embedding("mobilenetv3_smal_100", "random").transform(pictures(1))
    with pytest.raises(UnknownNameError, match="'resnet18'"):
        Embedding("torchvision:resnet118", "random").transform(pictures(1))
    with pytest.raises(UnknownNameError, match="'timm'"):
        Embedding("tim:resnet18", "random").transform(pictures(1))


def test_a_bare_name_of_torchvision_alone_is_found():
    from dfbench.backbones.build import resolve

    assert resolve("resnet18") == ("timm", "resnet18")
    assert resolve("torchvision:resnet18") == ("torchvision", "resnet18")
    assert resolve("squeezenet1_1") == ("torchvision", "squeezenet1_1")


@pytest.mark.parametrize("bad", [{"size": 0}, {"batch_size": 0}, {"device": "tpu"}])
def test_bad_parameters_are_named(bad):
    with pytest.raises(DfbenchError, match=next(iter(bad))):
        Embedding(SMALL, "random", **bad).transform(pictures(1))


@pytest.mark.parametrize("weights", ["", " "])
def test_weights_of_nothing_are_told_with_what_may_be_given(weights):
    said = "weights is empty.*imagenet, random or the path of a file"
    with pytest.raises(ParameterError, match=said):
        Embedding(SMALL, weights).check_params()


def test_clone_and_pickle_leave_the_network_behind():
    embedding = Embedding(SMALL, "random", size=64)
    first = embedding.transform(pictures(2))
    data = pickle.dumps(embedding)
    assert len(data) < 2000
    np.testing.assert_array_equal(pickle.loads(data).transform(pictures(2)), first)
    np.testing.assert_array_equal(clone(embedding).transform(pictures(2)), first)

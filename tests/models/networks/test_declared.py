"""Networks by a decorated function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from dfbench.errors import DfbenchError, PluginError
from dfbench.models.base import Task
from dfbench.models.networks.cnn import Cnn2Conv
from dfbench.registry import MODELS, Registry
from tests.conftest import picture

SIDE = 24
HEAD = "import dfbench\nfrom torch import nn\nimport torch\n"


def images(n: int, classes: int = 2) -> tuple[Any, Any]:
    """Draw some small images of each class."""
    y = np.arange(n) % classes
    kinds = ["real", "fake", "real"]
    X = np.stack([picture(i, kind=kinds[k], size=(SIDE, SIDE)) for i, k in enumerate(y)])
    X[y == 2] //= 2
    return X, y


def network(path: Path, text: str, name: str = "net") -> Any:
    """Write a plugin and give its network."""
    path.write_text(HEAD + text)
    return Registry(MODELS, [path]).get(name).load()


def fitted(model: Any, n_classes: int = 2, **params: Any) -> Any:
    X, y = images(24, n_classes)
    return model(n_classes=n_classes, seed=3, **params).fit(X, y, X[:9], y[:9])


PLAIN = """
from dfbench.models.networks.torch_modules.cnn import PlainCnn

@dfbench.network(image_size=24, recipe={"epochs": 2, "patience": None, "batch_size": 8})
def net(n_classes, image_size, dropout=0.0):
    "As cnn-2conv."
    return PlainCnn(channels=(32, 64), dense=128, image_size=image_size,
                    outputs=1 if n_classes == 2 else n_classes, dropout=dropout)
"""


def test_a_function_that_gives_our_module_gets_our_scores(tmp_path: Path) -> None:
    own = fitted(network(tmp_path / "p.py", PLAIN))
    ours = fitted(Cnn2Conv, image_size=SIDE, epochs=2, batch_size=8)
    X, y = images(7)
    assert np.array_equal(own.predict_proba(X), ours.predict_proba(X))
    assert np.array_equal(own.cams(X, y), ours.cams(X, y))
    assert np.array_equal(own.embed(X), ours.embed(X))
    again = type(own)(n_classes=2, seed=3).restore(own.keep())
    assert np.array_equal(own.predict_proba(X), again.predict_proba(X))


BODY = """
class Net(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.head = nn.LazyLinear(out)
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2))
        self.squeeze = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        x = self.squeeze(self.body(x).mean((2, 3), keepdim=True))
        return self.head(x.view(len(x), -1))

@dfbench.network(image_size=24, recipe={"epochs": 1, "batch_size": 8})
def net(n_classes):
    "Small."
    return Net(n_classes)
"""


@pytest.mark.parametrize("n_classes", [2, 3])
def test_as_many_logits_as_classes(tmp_path: Path, n_classes: int) -> None:
    model = fitted(network(tmp_path / "p.py", BODY), n_classes)
    X, y = images(6, n_classes)
    proba = model.predict_proba(X)
    assert proba.shape == (6, n_classes)
    assert np.allclose(proba.sum(axis=1), 1)
    # by the way that images go, not by the order in which layers were made
    assert model.module.looked_at == "module.body.2"
    assert model.module.head == "module.head"
    assert model.embed(X).shape == (6, 8)
    assert model.cams(X, y).shape == (6, SIDE, SIDE)
    again = type(model)(n_classes=n_classes, seed=3).restore(model.keep())
    assert np.array_equal(proba, again.predict_proba(X))


def test_two_logits_are_their_softmax(tmp_path: Path) -> None:
    import torch

    model = fitted(network(tmp_path / "p.py", BODY), precision="32")
    X, _ = images(4)
    with torch.inference_mode():
        logits = model.module.module(torch.from_numpy(X).permute(0, 3, 1, 2) / 255)
    wanted = torch.softmax(logits.double(), 1).numpy()
    assert np.allclose(model.predict_proba(X), wanted, atol=1e-5)


def test_without_layers_to_look_at_there_are_no_maps(tmp_path: Path) -> None:
    text = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(3, 2))
    def forward(self, x):
        return x.mean((2, 3)) @ self.w

@dfbench.network(image_size=24, recipe={"epochs": 1})
def net():
    return Net()
"""
    model = fitted(network(tmp_path / "p.py", text))
    X, y = images(4)
    assert model.cams(X, y) is None
    assert model.embed(X) is None


SPACE = """
from typing import Annotated, Literal

@dfbench.network(image_size=24, recipe={"lr": 0.1})
def net(n_classes, width: Annotated[int, (2, 64, "log")] = 8, act: Literal["relu", "elu"] = "relu"):
    return None
"""


def test_hints_and_the_rate_tell_the_space(tmp_path: Path) -> None:
    model = network(tmp_path / "p.py", SPACE)
    study = optuna.create_study()
    defaults = model.defaults()
    study.enqueue_trial(defaults)
    for _ in range(2):
        drawn = model.suggest(study.ask(), Task(10, 10, 2))
        assert set(drawn) == {"lr", "width", "act"}
        model.check_params(drawn)
    assert (defaults["width"], defaults["lr"], defaults["image_size"]) == (8, 0.1, 24)


RAMP = "@dfbench.network(image_size=24, recipe={'epochs': 1})\ndef net(n_classes):\n    return "


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("7", "returns int, no torch.nn.Module"),
        ("nn.Flatten()", r"logits of shape \(2, 1728\) for 2 images of 2 classes, where \(2, 2\)"),
        ("nn.Linear(5, 2)", r"breaks on images of shape \(2, 3, 24, 24\): RuntimeError"),
        ("nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)"
         ".requires_grad_(False))", "no parameters that ask for a gradient"),
        ("1 / 0", "cannot be made: ZeroDivisionError"),
        ("exec('raise KeyboardInterrupt')", "cannot be made: KeyboardInterrupt"),
        ("nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten(), "
         "nn.Linear(1728, 2))", "other logits beside others than alone"),
        ("type('N', (nn.Linear,), {'forward': lambda s, x: s.weight[:, :2].detach()})(2, 2)",
         "no gradient reaches"),
        ("type('N', (nn.Linear,), {'forward': lambda s, x: [1]})(2, 2)", "gives list, no tensor"),
    ],
)  # fmt: skip
def test_what_could_not_be_trained_is_told(tmp_path: Path, made: str, said: str) -> None:
    model = network(tmp_path / "p.py", RAMP + made + "\n")
    with pytest.raises(PluginError, match=said) as error:
        fitted(model)
    assert "network 'net'" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@dfbench.network(recipe={'epoch': 3})\ndef net():\n    pass", "epoch.*did you mean 'epo"),
        (
            "@dfbench.network(recipe={'epochs': 0})\ndef net():\n    pass",
            "recipe: epochs is a whole number in 1",
        ),
        ("@dfbench.network(image_size=2)\ndef net():\n    pass", "image_size is a whole number"),
        ("@dfbench.network\ndef net(lr=0.1):\n    pass", "'lr' has the name of one of the recipe"),
        ("@dfbench.network\ndef net(depth):\n    pass", "parameters need defaults: depth"),
        ("@dfbench.network(image_size=9)\ndef net(image_size=8):\n    pass", "9 in the decorator"),
    ],
)
def test_mistakes_are_told_before_anything_runs(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DfbenchError, match=said):
        network(tmp_path / "p.py", text + "\n")


def test_a_layer_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    text = BODY.replace("image_size=24", "image_size=24, cam_layer='body.7'")
    with pytest.raises(PluginError, match=r"no layer 'body\.7'.*body\.0, body\.1, body\.2"):
        fitted(network(tmp_path / "p.py", text))


def test_a_class_of_modules_is_a_network(tmp_path: Path) -> None:
    text = """
@dfbench.network(image_size=24, recipe={"epochs": 1})
class net(nn.Sequential):
    "A class."
    def __init__(self, n_classes, width=4):
        super().__init__(nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, n_classes))
"""
    model = fitted(network(tmp_path / "p.py", text), width=6)
    assert model.embed(images(4)[0]).shape == (4, 6)


def test_torch_stays_out_until_one_is_fitted(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "p.py"
    path.write_text(SPACE.join(["import dfbench\n", ""]))
    code = (
        "import sys; from pathlib import Path; from dfbench.registry import MODELS, Registry;"
        f" m = Registry(MODELS, [Path({str(path)!r})]).get('net').load(); m.check_params({{}});"
        " assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

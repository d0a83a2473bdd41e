"""``dfbench doctor``: what it finds, and what it says to do."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.backbones.sources import Source, remembered
from dfbench.cli import app
from dfbench.doctor import folders, machine, packages, plugins, weights
from dfbench.doctor.finding import Finding
from dfbench.suites.datasets.registrations import Registered, keep

ROOT = Path(__file__).parents[2]
BACKBONES = (
    "mobilenetv3_small_100",
    "torchvision:resnet50",
    "clip-vit-l14",
    "open_clip:ViT-L-14.commonpool_xl_s13b_b90k",
    "dinov2-vit-l14",
    "timm:legacy_xception",
    "torchvision:mobilenet_v2",
    "timm:tf_efficientnetv2_s",
    "convnext_tiny",
)
"""Of the built-in suites."""
URL = "https://example.org/{}.pth"
GOOD = '''
import dfbench

@dfbench.extractor
def mean_colour(image):
    """Mean of each channel."""
    return image.mean(axis=(0, 1))
'''
BAD = GOOD.replace("(image)", "(image, power)")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Let it be known where weights are kept, so that no library is asked, which takes seconds."""
    place = tmp_path / "checkpoints"
    place.mkdir()
    for backbone in BACKBONES:
        file = backbone.replace(":", "-")
        source = Source(URL.format(file), place / f"{file}.pth", cached=False)
        remembered(backbone, lambda source=source: source)
    return place


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {each.name: each for each in found}


def test_the_command_for_programs(shelf: Path) -> None:
    run = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(run.stdout)
    assert run.exit_code == (0 if told["ok"] else 1)
    states = [each["state"] for its in told["sections"].values() for each in its]
    assert told["ok"] == ("broken" not in states)
    assert list(told["sections"]) == [
        "machine",
        "packages",
        "folders",
        "weights",
        "plugins",
        "apps",
    ]
    assert [each["name"] for each in told["sections"]["weights"]] == list(BACKBONES)


def test_what_is_broken_is_told_once_and_in_the_exit_status(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(app, ["doctor", "--plugin", "bad.py"])
    assert run.exit_code == 1
    said = " ".join(run.stdout.split())
    assert said.count("parameters after the image need defaults: power") == 1
    assert "1 broken" in said


def test_an_address_stands_whole_on_its_line(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    urls = [URL.format(backbone.replace(":", "-")) for backbone in BACKBONES]
    piped = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
    for url in urls:
        assert any(line.startswith("         -> ") and url in line for line in piped)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    seen = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
    assert set(urls) <= set(seen)


def test_no_plugins_are_no_fault(tmp_path: Path) -> None:
    [only] = plugins.look(())
    assert (only.state, only.said) == ("absent", "none: all parts are those that come with dfbench")
    (tmp_path / "bad.py").write_text(BAD)
    assert [each.state for each in plugins.look([tmp_path / "bad.py"])] == ["broken"]


def test_weights_are_found_where_they_lie(shelf: Path) -> None:
    (shelf / "torchvision-resnet50.pth").write_bytes(b"weights")
    found = by_name(list(weights.look(())))
    assert found["torchvision:resnet50"].state == "ok"
    missing = found["torchvision:mobilenet_v2"]
    assert missing.state == "absent"
    assert str(shelf / "torchvision-mobilenet_v2.pth") in missing.said
    assert URL.format("torchvision-mobilenet_v2") in missing.remedy
    assert missing.facts["rows"] == ["mobilenetv2-frozen", "mobilenetv2-finetune"]


def test_weights_of_the_hub_are_told_without_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's cache is a folder, which may lack the file."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / "models--timm--a.b"
    source = Source("https://hub.example/timm/a.b/resolve/main/w.bin", place, cached=False)
    asked = []

    def find() -> Source:
        asked.append(True)
        return source

    assert not remembered("a", find).cached
    assert not remembered("a", find).cached
    assert len(asked) == 1
    (place / "snapshots" / "0123").mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0123")
    assert not remembered("a", find).cached  # what lies there may be another file
    assert len(asked) == 2
    (place / "snapshots" / "0123" / "w.bin").write_bytes(b"weights")
    assert remembered("a", find).cached
    assert len(asked) == 2


def test_plugins(tmp_path: Path, install: Callable[..., None]) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(GOOD)
    bad.write_text(BAD)
    install("lost_one", "import nowhere_to_be_found", "dfbench.models", {"lost": "lost_one:Lost"})
    found = by_name(list(plugins.look([good, bad, tmp_path / "none.py"])))
    assert found[str(good)] == Finding(
        str(good), "ok", "extractor mean_colour", "", {"parts": ["extractor mean_colour"]}
    )
    assert found[str(bad)].state == "broken"
    assert found[str(tmp_path / "none.py")].said == "no such file"
    assert found["model lost"].state == "broken"
    assert "nowhere_to_be_found" in found["model lost"].said


def test_two_plugins_of_one_name(tmp_path: Path) -> None:
    files = [tmp_path / "one.py", tmp_path / "two.py"]
    for file in files:
        file.write_text(GOOD)
    found = by_name(list(plugins.look(files)))
    assert found["dfbench.extractors"].state == "broken"
    assert "two extractors are named 'mean_colour'" in found["dfbench.extractors"].said


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "_cache"
    (cache / "features" / "hsv").mkdir(parents=True)
    (cache / "features" / "hsv" / "shard").write_bytes(bytes(3_000_000))
    keep([Registered("gone", str(tmp_path / "gone"), None)])
    found = by_name(list(folders.look(())))
    assert found["cache"].state == "ok"
    assert found["cache"].facts["parts"] == {"features": 3_000_000}
    assert "features 3 MB" in found["cache"].said
    assert found["gone"].state == "warning"
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("DFBENCH_CACHE", str(file))
    broken = by_name(list(folders.look(())))["cache"]
    assert broken.state == "broken"
    assert "DFBENCH_CACHE" in broken.remedy


def test_little_room_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_LITTLE", 1 << 62)
    found = by_name(list(folders.look(())))
    assert found["cache"].state == "warning"
    assert "GB free" in found["cache"].said


def test_a_worker_needs_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    found = by_name(list(machine.look(())))
    assert found["memory"].state in ("ok", "warning")
    monkeypatch.setattr(machine, "_OF_A_WORKER", 1 << 62)
    assert by_name(list(machine.look(())))["memory"].state == "warning"


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = [
        "numpy>=1.26",
        "scipy>=9999",
        "no-such-package>=2",
        'gradio>=9999; extra == "app"',
        'another-one; extra == "fast"',
        'pywin32; sys_platform == "nowhere"',
    ]
    monkeypatch.setattr(packages, "requires", lambda _: needs)
    found = by_name(list(packages.look(())))
    assert "packages" not in found
    assert found["scipy"].state == "broken"
    assert ">=9999 is needed" in found["scipy"].said
    assert found["no-such-package"].said == "is not installed"
    assert found["no-such-package"].remedy == "pip install 'no-such-package>=2'"
    assert found["app"].state in ("warning", "absent")
    assert found["fast"].state == "absent"
    assert found["fast"].remedy == "pip install 'dfbench-toolkit[fast]'"
    assert "pywin32" not in found


def test_each_extra_has_a_purpose() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(packages.EXTRAS) == sorted(project["optional-dependencies"])

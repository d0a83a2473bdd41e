"""Functions of plugins that list the images of a data set."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.errors import DfbenchError
from dfbench.suites.datasets.loading import load_dataset

CARD = """
name = "listed"
classes = ["real", "fake"]
[layout]
kind = "function"
name = "listed"
"""
HEAD = "import dfbench\n\n@dfbench.layout\ndef listed(folder):\n    'Of a sheet.'\n    "
PLUGIN = (
    HEAD
    + """
    for path in sorted(folder.rglob("*.png")):
        split, label, name = path.relative_to(folder).parts
        yield path, label, split, label + name[1]
"""
)


@pytest.fixture
def faces(make_folder) -> Path:
    return make_folder("faces", splits={"train": 6, "validation": 2, "test": 2})


def written(faces: Path, plugin: str, more: str = "") -> Path:
    (faces / "card.toml").write_text(CARD + more)
    file = faces.parent / "mine.py"
    file.write_text(plugin)
    return file


def test_it_lists_what_the_folders_would(faces: Path) -> None:
    folders = load_dataset(faces)
    file = written(faces, PLUGIN, 'splits = ["test", "train", "validation"]\ngroups = true\n')
    found = load_dataset(faces, plugins=[file])
    for column in ("path", "split", "sha256"):
        assert found.manifest[column].tolist() == folders.manifest[column].tolist()
    assert set(found.manifest["group"]) == {"real0", "fake0"}
    labels = [found.classes[label] for label in found.manifest["label"]]
    assert labels == [folders.classes[label] for label in folders.manifest["label"]]
    assert pickle.loads(pickle.dumps(found.card)) == found.card


def test_pairs_are_divided_anew(faces: Path) -> None:
    plugin = HEAD + "return [(p, p.parent.name) for p in folder.rglob('*.png')]\n"
    found = load_dataset(faces, plugins=[written(faces, plugin)])
    assert set(found.manifest["split"]) == {"train", "validation", "test"}
    assert not found.grouped


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 7", "layout 'listed': gives int, no entries"),
        ("return [7]", r"layout 'listed', entry 1: gives 7 \(\(path, label\)"),
        ("return [{'path': 'x'}]", "entry 1: gives {'path': 'x'}"),
        ("return [('no.png', 'real')]", "entry 1: no file of the data set: no.png"),
        ("return [('/etc/passwd', 'real')]", "entry 1: no file of the data set: /etc/passwd"),
        ("return [('train/real/000.png', 'rael')]", "label 'rael' is none of the classes"),
        ("return [('train/real/000.png', 'real', 'train')]", r"tells a split.*splits = \[...\]"),
        ("return [('train/real/000.png', 'real', '', 'x')]", "tells a group.*groups = true"),
        ("raise KeyError('sheet')", "layout 'listed': raises KeyError: 'sheet'"),
        ("raise KeyboardInterrupt", "layout 'listed': raises KeyboardInterrupt"),
    ],
)
def test_what_is_no_entry_is_told_with_its_number(faces: Path, body: str, said: str) -> None:
    file = written(faces, HEAD + body + "\n")
    with pytest.raises(DfbenchError, match=said):
        load_dataset(faces, plugins=[file])


def test_commands_take_the_file_and_ask_for_it(faces: Path) -> None:
    file = written(faces, PLUGIN, 'splits = ["train", "validation", "test"]\ngroups = true\n')
    with pytest.raises(DfbenchError, match=r"no plugin here has the layout 'listed' .*--plugin"):
        load_dataset(faces)
    run = CliRunner().invoke
    shown = run(app, ["data", "describe", str(faces), "--plugin", str(file)])
    assert shown.exit_code == 0, shown.output
    assert "validation" in shown.output
    listed = run(app, ["list", "layouts", "--plugin", str(file)]).output
    assert "Of a sheet" in listed
    assert "folders" in listed

"""Nothing that comes from a file is unpickled, by whichever library."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
name = "several"
figures = []
keep_models = "all"
[budget]
trials = 2
[[rows]]
features = ["hsv"]
models = ["knn", "svm", "xgboost"]
[[systems]]
name = "network"
model = "cnn-3conv"
params = { image_size = 32, epochs = 2, batch_size = 8 }
"""
HOOKS = Path(__file__).parent / "unpickling"
PIPES = (
    "multiprocessing/connection.py:recv",  # between processes of a pool
    "multiprocessing/spawn.py:_main",  # what a process is started with
    "multiprocessing/queues.py:get",
)
"""Who unpickles what another process of this run has just sent."""
IN_MEMORY = ("suites/generated/scenes.py",)
"""Code compiled in this process by Numba, which keeps classes in it as pickles."""


@pytest.fixture
def command(tmp_path):
    """Give what runs Python with all its processes watched."""
    paths = [str(HOOKS), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "UNPICKLED": str(tmp_path / "unpickled"),
    }

    def run(*words):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert not done.returncode, done.stderr
        return done.stdout

    return run


def noted(tmp_path):
    lines = (tmp_path / "unpickled").read_text().splitlines()
    return [line.split("\t") for line in lines]


def test_a_file_that_is_unpickled_is_noted(tmp_path, command):
    (tmp_path / "file").write_bytes(pickle.dumps(["content"]))
    code = """
import pickle, torch
pickle.load(open("file", "rb"))
pickle.loads(open("file", "rb").read())
pickle.Unpickler(open("file", "rb")).load()
torch.save(torch.zeros(2), "t.pt")
torch.load("t.pt")
"""
    command("-c", code)
    assert [what for what, _, _ in noted(tmp_path)][:4] == ["load", "loads", "Unpickler", "load"]


def test_nothing_of_a_whole_run_is_unpickled_from_a_file(tmp_path, command, make_folder):
    make_folder("faces")
    (tmp_path / "several.toml").write_text(SUITE)
    run = ["run", "-s", "several.toml", "-d", "faces", "--out", "out", "-j", "2"]
    assert "4 ok" in command("-m", "dfbench", *run)
    code = f"""
from dfbench.cli import app
app({run}, standalone_mode=False)  # once more with all that the first left
for row in ("hsv/xgboost", "network"):
    app(["predict", "out", "faces/test", "--row", row], standalone_mode=False)
"""
    said = command("-c", code)
    assert "4 ok" in said
    assert said.count("faces/test/real/000.png") == 2
    found = noted(tmp_path)
    assert any(PIPES[0] in stack for _, _, stack in found)  # pipes are seen
    assert [each for each in found if each[1] == "file"] == []
    strange = [
        (what, stack)
        for what, _, stack in found
        if not any(each in stack for each in (*PIPES, *IN_MEMORY))
    ]
    assert strange == []
    assert list(Path(os.environ["DFBENCH_KERNELS"]).iterdir())

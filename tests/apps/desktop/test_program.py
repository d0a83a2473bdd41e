"""``dfbench gui`` as a program: how it begins, and that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.apps.desktop.hand import Hand

ROOT = Path(__file__).parents[3]


def begin(*command: str, display: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refused(*command: str, display: str = "") -> str:
    """What a command says that ends with status 2."""
    with begin(*command, display=display) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, ""), err
    assert err.count("\n") == 1
    return err


def test_without_a_display_it_ends_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("tkinter")
    assert "there is no display" in refused("-m", "dfbench", "gui", "model.dfb")


def test_without_tkinter_it_ends_in_one_line() -> None:
    code = (
        "import sys; sys.modules['tkinter'] = None; sys.argv = ['dfbench', 'gui', 'model.dfb']\n"
        "from dfbench.__main__ import main; main()"
    )
    assert "apt install python3-tk" in refused("-c", code)


def test_what_is_no_model_ends_it_before_a_window_is_seen(display: str, tmp_path: Path) -> None:
    (tmp_path / "model.dfb").write_bytes(b"no model")
    err = refused("-m", "dfbench", "gui", str(tmp_path / "model.dfb"), display=display)
    assert f"{tmp_path}/model.dfb: " in err


def test_it_opens_and_ends_with_its_window(hand: Hand, display: str, results: Path) -> None:
    with begin("-m", "dfbench", "gui", str(results), display=display) as process:
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end:
            hand.click(400, 300)
            hand.press("Control_L", "q")
            time.sleep(0.3)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


_WORKING = """
import sys, time
from dfbench.apps.desktop.opening import new_root, show
from dfbench.apps.shelf import Shelf

class Slow:
    def verdicts(self, pictures):
        print("begun", flush=True)
        time.sleep(1.5)
        print("over", flush=True)
        raise RuntimeError("nobody is there to be told")

root = new_root()
{act}
show(root, Shelf([("slow", Slow)]))
print("end", flush=True)
"""


def test_closed_while_work_is_under_way(display: str) -> None:
    # as a window manager does
    close = "root.after(700, lambda: root.tk.eval(root.protocol('WM_DELETE_WINDOW')))"
    with begin("-c", _WORKING.format(act=close), display=display) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "begun\nover\nend\n", "")


def test_ctrl_c_closes_it(display: str) -> None:
    with begin("-c", _WORKING.format(act=""), display=display) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "over\nend\n", "")

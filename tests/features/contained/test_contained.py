"""Extractors of others in processes of their own: the same vectors, and nothing else falls."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dfbench import plugins
from dfbench.contained.idle import end_idle
from dfbench.contained.process import Limits
from dfbench.errors import PluginError
from dfbench.features.contained import extractor as contained
from dfbench.features.contained.extractor import BrokeOnError, Contained
from dfbench.features.function import FunctionExtractor
from dfbench.plugins import load_file

PARTS = """
import ctypes, functools, os, sys, threading, time

import numpy as np

import dfbench
from helping import halved


def named(function):
    def inner(image, power=1.0):
        return function(image, power)
    return inner


@dfbench.extractor(name="fine")
@named
def fine(image, power):
    return halved(image.mean(axis=(0, 1)) ** power)


@dfbench.extractor
def segfaults(image):
    if image.shape[0] == 7:
        ctypes.string_at(0)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def forks(image):
    os.fork()
    return image.mean(axis=(0, 1))


@dfbench.extractor
def holds(image):
    if image.shape[0] == 7:
        if os.fork() == 0:
            time.sleep(60)
        os._exit(3)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def leaves(image):
    if image.shape[0] == 7:
        sys.exit(4)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def hangs(image):
    time.sleep(60 if image.shape[0] == 7 else 0.2)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def grows(image):
    if image.shape[0] == 7:
        KEPT.append(np.ones(1 << 27))
        time.sleep(0.5)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def leaks(image):
    KEPT.append(np.ones(1 << 23))
    time.sleep(0.02)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def talks(image):
    print("to the standard output")
    return [os.getpid()]


KEPT = []
"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FunctionExtractor]:
    folder = tmp_path_factory.mktemp("parts")
    (folder / "helping.py").write_text("def halved(values):\n    return values / 2\n")
    (folder / "parts.py").write_text(PARTS)
    sys.modules.pop("helping", None)  # of these parts, where they are made once more
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins._FINDER, "folders", {})
        found = [FunctionExtractor(each) for each in load_file(folder / "parts.py")]
    return {each.name: each for each in found}


def images(*heights: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, 9, 3), np.uint8) for height in heights]


def test_gives_what_the_extractor_gives(parts: dict[str, FunctionExtractor]) -> None:
    own = FunctionExtractor(parts["fine"].function, {"power": 2.0})
    given = images(3, 200, 7, 7)
    elsewhere = Contained(own, 2, Limits())
    values, seconds = elsewhere.timed(given)
    np.testing.assert_array_equal(values, own.transform(given))
    assert values.dtype == np.float32
    assert 0 < seconds < 5
    assert elsewhere.identity() == own.identity()
    assert (elsewhere.name, elsewhere.threads, elsewhere.reads) == ("fine", True, "pixels")


@pytest.mark.parametrize(
    ("name", "seconds", "said"),
    [
        ("segfaults", 60.0, 'parts.py", line 25 in segfaults)'),
        ("hangs", 1.0, "takes more than 1 s for an image (--plugin-timeout)"),
        ("holds", 60.0, "ends its process (exit code 3)"),
        ("grows", 60.0, "takes more than 0.78 GiB of memory (--plugin-memory)"),
    ],
)
def test_names_the_image_that_it_breaks_on(
    parts: dict[str, FunctionExtractor], name: str, seconds: float, said: str
) -> None:
    elsewhere = Contained(parts[name], 1, Limits(seconds, memory=800 << 20))
    with pytest.raises(BrokeOnError) as caught:
        elsewhere.transform(images(1, 2, 3, 4, 5, 7, 8))  # with 0.2 s each more than an image has
    assert caught.value.at == 5
    assert said in caught.value.what
    # a new process is there for the others
    others = images(5, 6, 8)
    np.testing.assert_array_equal(elsewhere.transform(others), parts[name].transform(others))


def test_a_copy_of_the_process_answers_nothing(parts: dict[str, FunctionExtractor]) -> None:
    elsewhere = Contained(parts["forks"], 1, Limits())
    for given in (images(3, 200, 7), images(5), images(6, 4)):
        means = np.stack([image.mean(axis=(0, 1)) for image in given]).astype(np.float32)
        np.testing.assert_array_equal(elsewhere.transform(given), means)


def test_what_ends_before_it_is_loaded_is_no_fault_of_an_image(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        "import dfbench, os\n\n@dfbench.extractor\ndef late(image):\n    return [1.0]\n\n"
        f"if os.getpid() != {os.getpid()}:\n    os.kill(os.getpid(), 9)\n"
    )
    [late] = load_file(tmp_path / "late.py")
    elsewhere = Contained(FunctionExtractor(late), 1, Limits())
    with pytest.raises(PluginError, match=r"was killed .signal 9, SIGKILL., when it is loaded"):
        elsewhere.transform(images(3))


def test_what_it_raises_is_told_and_the_process_lives(parts: dict[str, FunctionExtractor]) -> None:
    elsewhere = Contained(parts["leaves"], 1, Limits())
    with pytest.raises(PluginError, match=r"'leaves': raises SystemExit: 4"):
        elsewhere.transform(images(5, 7))
    assert elsewhere.transform(images(5)).shape == (1, 3)


def test_one_that_leaks_is_begun_anew_and_then_given_up(
    parts: dict[str, FunctionExtractor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contained, "_CHANCES", 1)
    elsewhere = Contained(parts["leaks"], 1, Limits(memory=800 << 20))
    given = images(*range(2, 9))  # 64 MiB are kept of each
    means = np.stack([image.mean(axis=(0, 1)) for image in given]).astype(np.float32)
    np.testing.assert_array_equal(elsewhere.transform(given), means)
    with pytest.raises(PluginError, match=r"more than 0.78 GiB of memory .*, again and again"):
        [elsewhere.transform(given) for _ in range(3)]


def test_several_threads_have_a_process_each_and_what_is_printed_harms_nothing(
    parts: dict[str, FunctionExtractor], capfd: pytest.CaptureFixture[str]
) -> None:
    end_idle()
    elsewhere = Contained(parts["talks"], 2, Limits())
    found: list[float] = []
    both = threading.Barrier(2)

    def work() -> None:
        with elsewhere._process() as process:
            both.wait()
            found.append(float(process.ask(images(4), 5.0)[0][0, 0]))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 2
    again = float(elsewhere.transform(images(4))[0, 0])
    assert again in found, "an idle one is asked again"
    end_idle()
    assert "to the standard output" in capfd.readouterr().err
    for pid in found:
        assert not Path(f"/proc/{int(pid)}/cmdline").exists()


def test_who_gives_up_waits_for_no_image(parts: dict[str, FunctionExtractor]) -> None:
    elsewhere = Contained(parts["hangs"], 1, Limits())
    raised: list[BaseException] = []

    def work() -> None:
        try:
            elsewhere.transform(images(7, 7))
        except PluginError as error:
            raised.append(error)

    asking = threading.Thread(target=work)
    asking.start()
    while not elsewhere._at_work:
        time.sleep(0.01)
    elsewhere.stop()
    asking.join(20)  # where an image has 60 s
    assert not asking.is_alive()
    assert len(raised) == 1


def test_a_process_ends_with_the_run(tmp_path: Path, parts: dict[str, FunctionExtractor]) -> None:
    import subprocess
    import sys

    (tmp_path / "mine.py").write_text(
        "import dfbench, os, time\n"
        "@dfbench.extractor\n"
        "def waits(image):\n"
        "    open(os.environ['PID_FILE'], 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
    )
    script = (
        "import numpy as np, sys\n"
        "from pathlib import Path\n"
        "from dfbench.features.contained.extractor import Contained\n"
        "from dfbench.contained.process import Limits\n"
        "from dfbench.features.function import FunctionExtractor\n"
        "from dfbench.plugins import load_file\n"
        "[waits] = load_file(Path(sys.argv[1]))\n"
        "image = np.zeros((4, 4, 3), np.uint8)\n"
        "Contained(FunctionExtractor(waits), 1, Limits()).transform([image])\n"
    )
    told = tmp_path / "pid"
    environment = os.environ | {"PID_FILE": str(told)}
    run = subprocess.Popen([sys.executable, "-c", script, tmp_path / "mine.py"], env=environment)
    while not (told.exists() and told.read_text()):
        time.sleep(0.05)
        assert run.poll() is None
    pid = int(told.read_text())
    run.kill()
    run.wait()
    for _ in range(100):
        if (
            not Path(f"/proc/{pid}/cmdline").exists()
            or not Path(f"/proc/{pid}/cmdline").read_text()
        ):
            break
        time.sleep(0.05)
    else:
        os.kill(pid, 9)
        pytest.fail("it goes on without the run")

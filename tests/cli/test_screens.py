"""Terminals, pipes and signals that do not do what was thought of."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.table import Table
from typer.testing import CliRunner

from dfbench.cli import app, screen
from dfbench.stopping import Stopped
from tests.conftest import SUITE

ROWS = ("hsv[bins=8]/knn", "hsv/knn")


@pytest.fixture(scope="module")
def made(run_once):
    suite = SUITE.replace('features = ["hsv"]', 'features = ["hsv[bins=8]", "hsv"]')
    return run_once("screens", suite)


def dfbench(made, *words, **options):
    env = os.environ | {"DFBENCH_CACHE": str(made / "_cache"), **options.pop("env", {})}
    command = [sys.executable, "-m", "dfbench", *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, timeout=300, **options)


PLAIN = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "120"}


@pytest.mark.parametrize("words", [("leaderboard",), ("compare", *ROWS)], ids=" ".join)
def test_a_terminal_of_ascii_is_given_ascii(made, words):
    ended = dfbench(made, words[0], made / "out", *words[1:], env=PLAIN)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.isascii()
    assert all(row.encode() in ended.stdout for row in ROWS)


FORMS = ("md", "json", "csv", "html", "tex")
PIPED = """
import sys
from dfbench.cli import app
from dfbench.cli.streams import flush, prepare

prepare()  # as `dfbench.__main__` does, once for all forms
for form in sys.argv[2:]:
    app(["leaderboard", sys.argv[1], "--format", form], standalone_mode=False)
    sys.stdout.flush()
    sys.stdout.buffer.write(bytes(1))
sys.exit(flush())
"""


def test_a_document_that_is_piped_is_as_its_file_whatever_the_terminal(made):
    env = os.environ | {"DFBENCH_CACHE": str(made / "_cache")} | PLAIN
    command = [sys.executable, "-c", PIPED, str(made / "out"), *FORMS]
    said = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, timeout=300).stdout
    for form, document in zip(FORMS, said.split(bytes(1)), strict=False):
        assert document == (made / "out" / f"leaderboard.{form}").read_bytes()
    assert said.count(bytes(1)) == len(FORMS)


def test_names_of_rows_keep_their_brackets_everywhere(made):
    runner = CliRunner()
    for form in ([], ["-f", "md"], ["-f", "json"], ["-f", "csv"]):
        said = runner.invoke(app, ["compare", str(made / "out"), *ROWS, *form])
        assert said.exit_code == 0
        assert all(row in said.stdout for row in ROWS)


@pytest.mark.skipif(sys.platform == "win32", reason="no /dev/full there")
def test_what_cannot_be_printed_costs_no_file(made):
    board = made / "out" / "leaderboard.md"
    board.unlink()
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "dfbench", "leaderboard", str(made / "out"), "--write"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=300)
    assert ended.returncode == 2
    assert ended.stderr.count(b"dfbench: standard output: No space left on device") == 1
    assert b"Traceback" not in ended.stderr
    assert board.is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_closed_streams_are_no_fault_and_become_no_file(made):
    command = f"{sys.executable} -m dfbench leaderboard {made / 'out'} --write <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], timeout=300).returncode == 0
    json.loads((made / "out" / "leaderboard.json").read_bytes())


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are Unicode there")
def test_a_name_that_is_no_text_is_spelt(made):
    odd = os.fsdecode(b"/no/such\xe9\x1b[31m\x07")
    for words in (("data", "describe", odd), ("leaderboard", odd), ("run", "--suite", odd)):
        ended = dfbench(made, *words)
        assert ended.returncode == 2
        assert b"Traceback" not in ended.stderr
        assert b"\x1b" not in ended.stderr
        assert b"\\udce9" in ended.stderr


def test_a_console_takes_nothing_for_markup(capsys):
    table = Table()
    table.add_column("[/red]")
    table.add_row("[bold]x :smile:")
    screen.out().print("[/red] \x1b[31m", table)
    shown = capsys.readouterr().out
    assert "[/red] \\x1b[31m" in shown
    assert "[bold]x :smile:" in shown


@pytest.mark.parametrize("seen", [True, False], ids=["a terminal", "a pipe"])
def test_a_long_sentence_is_wrapped_at_words_for_a_person_alone(capsys, monkeypatch, seen):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TTY_COMPATIBLE" if seen else "TERM", "1" if seen else "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: seen)
    said = f"cells/{'0' * 60}.json: " + "it is not what was written " * 4
    screen.tell(said.strip())
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines) == said.strip()
    assert (len(lines) > 1) == seen
    assert all(len(line) < 40 for line in lines[1:])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_command_that_is_asked_to_ends_soon_and_in_order(tmp_path, name):
    number = getattr(signal, name)
    plugin = tmp_path / "slow.py"
    plugin.write_text(
        f"import time\nopen({str(tmp_path / 'there')!r}, 'w').close()\ntime.sleep(99)"
    )
    command = [sys.executable, "-m", "dfbench", "list", "extractors", "--plugin", str(plugin)]
    begun = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    for _ in range(1200):
        if (tmp_path / "there").exists():
            break
        time.sleep(0.05)
    begun.send_signal(number)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 128 + number
    assert b"dfbench: stopped\n" in said.replace(b"\r", b"")
    assert b"goes on" not in said
    assert b"Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_command_that_does_not_listen_is_ended(tmp_path):
    plugin = tmp_path / "deaf.py"
    there = str(tmp_path / "there")
    plugin.write_text(
        "import time\n"
        f"open({there!r}, 'w').close()\n"
        "end = time.monotonic() + 99\n"
        "while time.monotonic() < end:\n"
        "    try:\n"
        "        time.sleep(1)\n"
        "    except BaseException:\n"
        "        pass\n"
    )
    command = [sys.executable, "-m", "dfbench", "list", "extractors", "--plugin", str(plugin)]
    begun = subprocess.Popen(command, stderr=subprocess.PIPE)
    while not Path(there).exists():
        time.sleep(0.05)
    begun.send_signal(signal.SIGTERM)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 143
    assert b"dfbench: stopped" in said


SWALLOWING = {
    "a __del__": """
class Held:
    def __del__(self):
        there()
        time.sleep(99)
held = Held()
del held
""",
    "a callback of C": """
import ctypes
waits = ctypes.CFUNCTYPE(None)(lambda: (there(), time.sleep(99)))
waits()
""",
    "a callback of a weak reference": """
import weakref
class Held: pass
held = Held()
reference = weakref.ref(held, lambda _: (there(), time.sleep(99)))
del held
""",
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("where", SWALLOWING)
def test_where_python_swallows_it_a_command_ends_in_order_all_the_same(tmp_path, where):
    there, ended = tmp_path / "there", tmp_path / "ended"
    held = (
        f"import time\ndef there(): open({str(there)!r}, 'w').close()\n{SWALLOWING[where]}"
        f"try:\n    time.sleep(99)\nfinally:\n    open({str(ended)!r}, 'w').close()\n"
    )
    # in the midst of a command, whichever
    code = (
        "import sys\nfrom dfbench import __main__\nsys.argv[1:] = ['list']\n"
        f"__main__._run = lambda: exec({held!r}, {{}})\n__main__.main()"
    )
    begun = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    while not there.exists():
        time.sleep(0.05)
    begun.send_signal(signal.SIGTERM)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 143
    assert said == b"\ndfbench: stopped\n"
    assert ended.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_is_stopped_says_that_it_goes_on(tmp_path):
    plugin = tmp_path / "slow.py"
    there = tmp_path / "there"
    plugin.write_text(f"import time\nopen({str(there)!r}, 'w').close()\ntime.sleep(99)")
    words = ["run", "--suite", "smoke", "--plugin", str(plugin), "--out", str(tmp_path / "out")]
    begun = subprocess.Popen([sys.executable, "-m", "dfbench", *words], stderr=subprocess.PIPE)
    while not there.exists():
        time.sleep(0.05)
    begun.send_signal(signal.SIGTERM)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 143
    assert b"dfbench: stopped; the same command goes on from here\n" in said


def test_being_stopped_is_an_interrupt():
    assert isinstance(Stopped(signal.SIGTERM), KeyboardInterrupt)

"""The window: real clicks and keys, what is shown for them, and what cannot hold it up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dfbench.apps.shelf import Shelf
from dfbench.detectors.pictures import Picture, look
from dfbench.detectors.verdict import Verdict
from tests.apps.desktop.hand import Hand, in_dialog, wait_for
from tests.conftest import picture

Open = Callable[..., Any]


def photograph(folder: Path, name: str = "real.png", *, kind: str = "real", **of: Any) -> Path:
    path = folder / name
    Image.fromarray(picture(99, kind=kind, **of)).save(path)
    return path


def said(window: Any) -> str:
    return str(window.result.get("1.0", "end")).strip()


def disabled(button: Any) -> bool:
    return bool(button.instate(["disabled"]))


def until_said(window: Any, text: str) -> str:
    return str(wait_for(window.root, lambda: said(window) if text in said(window) else ""))


def live(window: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        window.root.update()


class Slow:
    """A detector whose verdict comes when it may."""

    positive = 1
    name = "slow on nothing"
    contents = SimpleNamespace(warnings=[])

    def __init__(self) -> None:
        self.may = threading.Event()
        self.threads: list[threading.Thread] = []

    def rates(self) -> list[Any]:
        return []

    def verdicts(self, pictures: list[Any]) -> list[Verdict]:
        self.threads.append(threading.current_thread())
        assert self.may.wait(30)
        return [Verdict("fake", ("real", "fake"), np.array([0.1, 0.9]), 0.9, 0.5)]

    def shelf(self) -> Shelf:
        return Shelf([(self.name, lambda: self)])  # type: ignore[list-item, return-value]


class Many(Slow):
    """One of many classes, all with long names."""

    positive = None  # type: ignore[assignment]
    name = f"ensemble({'hsv+lbp+fft/svm, ' * 20}) on {'a' * 200}"
    classes = tuple(f"generator-{k}-{'x' * 150}" for k in range(12))

    def verdicts(self, pictures: list[Any]) -> list[Verdict]:
        shares = np.full(12, 1 / 12)
        return [Verdict(self.classes[0], self.classes, shares, None, None, ("y" * 300,))]


def test_browse_predict_and_the_verdict_by_real_clicks(
    open_window: Open, hand: Hand, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photograph(tmp_path, "fake.png", kind="fake", size=(300, 500))
    monkeypatch.chdir(tmp_path)
    window = open_window()
    root = window.root
    assert disabled(window.predict)
    hand.click_on(window.predict)
    wait_for(root, lambda: root.winfo_containing(*root.winfo_pointerxy()) is window.predict)
    assert said(window) == "Choose an image: Browse (Ctrl+O)."

    def type_name() -> None:
        hand.click_on(root, ".__tk_filedialog.contents.f2.ent")
        for key in ("f", "a", "k", "e", "period", "p", "n", "g", "Return"):
            hand.press(key)

    in_dialog(root, ".__tk_filedialog", type_name)
    hand.click_on(window.browse)
    wait_for(root, lambda: not disabled(window.predict))
    assert said(window) == "Press Predict (Enter)."
    assert window.shown_name == "fake.png  500 x 300"

    hand.click_on(window.predict)
    text = until_said(window, "says\n")
    detector = shelf.get(shelf.names[0])
    [verdict] = detector.verdicts([path])
    lines = text.splitlines()
    assert lines[:2] == [f"{detector.name} says", verdict.label]
    assert lines[2] == f"{verdict.score:.2f} for fake; from 0.50 on it says fake"
    assert verdict.outside
    for reason in verdict.outside:
        assert reason in text
    assert "Outside what it was trained on" in text
    for rate in detector.rates():
        assert rate.sentence in text
    for warning in detector.contents.warnings:
        assert warning in text


def test_keys_choose_ask_and_close(open_window: Open, hand: Hand, tmp_path: Path) -> None:
    path = photograph(tmp_path)
    window = open_window(ask_path=lambda folder: str(path))
    hand.click_on(window.preview)
    hand.press("Control_L", "o")
    wait_for(window.root, lambda: not disabled(window.predict))
    hand.press("Return")
    until_said(window, "says\n")
    hand.press("Control_L", "q")
    wait_for(SimpleNamespace(update=lambda: _lives(window)), lambda: window.closed)


def _lives(window: Any) -> None:
    if not window.closed:
        window.root.update()


def test_enter_on_browse_chooses(open_window: Open, hand: Hand, tmp_path: Path) -> None:
    asked: list[Path] = []
    window = open_window(ask_path=lambda folder: str(asked.append(folder) or ""))
    hand.click_on(window.preview)
    window.browse.focus_force()
    hand.press("Return")
    wait_for(window.root, lambda: asked)
    assert asked == [Path.cwd()]
    assert disabled(window.predict)


def test_a_new_image_clears_the_old_result(open_window: Open, hand: Hand, tmp_path: Path) -> None:
    window = open_window()
    window.open(photograph(tmp_path))
    wait_for(window.root, lambda: not disabled(window.predict))
    hand.click_on(window.predict)
    until_said(window, "says\n")
    window.open(photograph(tmp_path, "other.png", kind="fake"))
    assert disabled(window.predict)
    until_said(window, "Press Predict")
    assert window.shown_name.startswith("other.png")


def test_another_detector_clears_the_result_and_is_asked(
    open_window: Open, hand: Hand, tmp_path: Path
) -> None:
    window = open_window()
    root = window.root
    first, second = window.choice.cget("values")
    window.open(photograph(tmp_path))
    wait_for(root, lambda: not disabled(window.predict))
    hand.click_on(window.predict)
    until_said(window, f"{first} says")
    hand.click_on(window.choice)
    popdown = root.tk.eval(f"ttk::combobox::PopdownWindow {window.choice}")
    wait_for(root, lambda: root.tk.call("winfo", "ismapped", popdown))
    for key in ("Down", "Return"):
        hand.press(key)
        time.sleep(0.1)
    until_said(window, "Press Predict")
    assert window.choice.get() == second
    hand.click_on(window.predict)
    until_said(window, f"{second} says")


@pytest.mark.parametrize("what", ["text", "empty", "cut off", "absent", "folder"])
def test_what_is_no_image_is_said_in_a_dialog_and_changes_nothing(
    open_window: Open, hand: Hand, tmp_path: Path, what: str
) -> None:
    good = photograph(tmp_path)
    bad = tmp_path / "bad.png"
    content = {"text": b"no image", "empty": b"", "cut off": good.read_bytes()[:200]}
    if what == "folder":
        bad.mkdir()
    elif what in content:
        bad.write_bytes(content[what])
    window = open_window()
    root = window.root
    window.open(good)
    wait_for(root, lambda: not disabled(window.predict))
    hand.click_on(window.predict)
    before = until_said(window, "says\n")
    dialogs: list[str] = []

    def read_dialog() -> None:
        for part in ("msg", "dtl"):
            dialogs.append(root.tk.call(f".__tk__messagebox.{part}", "cget", "-text"))
        hand.click_on(root, ".__tk__messagebox.ok")

    in_dialog(root, ".__tk__messagebox", read_dialog)
    window.open(bad)
    wait_for(root, lambda: dialogs)
    assert dialogs[0] == "bad.png cannot be shown"
    assert dialogs[1]
    assert "defect" not in dialogs[1]
    wait_for(root, lambda: not root.tk.call("winfo", "exists", ".__tk__messagebox"))
    assert said(window) == before
    assert window.shown_name.startswith("real.png")
    assert not disabled(window.predict)


def test_the_window_lives_while_a_detector_is_asked(
    open_window: Open, hand: Hand, tmp_path: Path
) -> None:
    slow = Slow()
    window = open_window(slow.shelf())
    window.open(photograph(tmp_path))
    wait_for(window.root, lambda: not disabled(window.predict))
    hand.click_on(window.predict)
    wait_for(window.root, lambda: slow.threads)
    assert slow.threads[0] is not threading.main_thread()
    assert disabled(window.predict)
    beats: list[int] = []
    window.root.after(20, lambda: beats.append(1))
    window.root.geometry("400x600")
    wait_for(window.root, lambda: beats and window.root.winfo_width() == 400)
    hand.click_on(window.predict)
    slow.may.set()
    until_said(window, "fake")
    assert len(slow.threads) == 1


def test_an_answer_about_an_image_of_before_is_not_shown(
    open_window: Open, hand: Hand, tmp_path: Path
) -> None:
    slow = Slow()
    window = open_window(slow.shelf())
    window.open(photograph(tmp_path))
    wait_for(window.root, lambda: not disabled(window.predict))
    hand.click_on(window.predict)
    wait_for(window.root, lambda: slow.threads)
    window.open(photograph(tmp_path, "other.png"))
    wait_for(window.root, lambda: not disabled(window.predict))
    slow.may.set()
    live(window, 0.5)
    assert said(window) == "Press Predict (Enter)."


def test_of_two_files_chosen_in_haste_the_last_one_is_shown(
    open_window: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dfbench.apps.desktop import window as module

    may = threading.Event()

    def look_slowly(path: Path) -> Picture:
        assert path.name != "first.png" or may.wait(30)
        return look(path)

    monkeypatch.setattr(module, "look", look_slowly)
    window = open_window()
    window.open(photograph(tmp_path, "first.png"))
    window.open(photograph(tmp_path, "last.png"))
    wait_for(window.root, lambda: not disabled(window.predict))
    may.set()
    live(window, 0.5)
    assert window.shown_name.startswith("last.png")


@pytest.mark.parametrize(("width", "height"), [(340, 500), (700, 420), (1200, 800)])
def test_long_names_do_not_break_the_layout(
    open_window: Open, tmp_path: Path, width: int, height: int
) -> None:
    many = Many()
    window = open_window(many.shelf())
    window.root.geometry(f"{width}x{height}")
    window.open(photograph(tmp_path, f"{'z' * 200} \N{GRINNING FACE}.png"))
    wait_for(window.root, lambda: not disabled(window.predict))
    window.ask()
    until_said(window, "says\n")
    root = window.root
    root.update()
    assert (root.winfo_width(), root.winfo_height()) == (width, height)
    for widget in (window.browse, window.predict, window.choice, window.preview, window.result):
        assert widget.winfo_rootx() >= root.winfo_rootx()
        assert widget.winfo_rootx() + widget.winfo_width() <= root.winfo_rootx() + width
        assert widget.winfo_rooty() + widget.winfo_height() <= root.winfo_rooty() + height
        assert widget.winfo_width() > 60
    below = (
        window.result.winfo_rooty() >= window.preview.winfo_rooty() + window.preview.winfo_height()
    )
    assert below == (width < 620)
    assert window.shown_name.startswith("zz")
    assert window.shown_name.endswith(".png  48 x 40")


def test_colours_follow_the_ground_of_the_desktop(open_window: Open) -> None:
    light, dark = open_window(), open_window(ground="#202020")

    def brightness(window: Any) -> int:
        return sum(window.root.winfo_rgb(window.result.cget("background")))

    assert brightness(light) > 2 * brightness(dark)

"""Planted faults of extractors: each is told by its name, and sound ones pass."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dfbench
from dfbench.features.base import Extractor
from dfbench.registry import EXTRACTORS, Registry
from dfbench.testing import Limits, Report, check_extractor
from dfbench.testing.examining import examine, find
from dfbench.testing.subject import subject_of

# it is slow, and its batches agree to rounding: see its own tests
BUILT_IN = [p.name for p in Registry(EXTRACTORS) if p.built_in and p.name != "embedding"]


class Mean(Extractor):
    """Mean of each channel: what faults are planted in."""

    name = "mean"

    def __init__(self, power: float = 1.0) -> None:
        self.power = power

    def one(self, image: Any) -> Any:
        return image.mean(axis=(0, 1)) ** self.power

    def transform(self, X: Any) -> Any:
        return np.stack([self.one(image) for image in X]).astype(np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        return np.array(["red", "green", "blue"], dtype=object)


class Counts(Mean):
    calls = 0

    def one(self, image: Any) -> Any:
        type(self).calls += 1
        return super().one(image) + type(self).calls


class Chance(Mean):
    def one(self, image: Any) -> Any:
        return super().one(image) + 100 * np.random.default_rng().random()


class SameArray(Mean):
    kept = np.zeros((1, 3), np.float32)

    def transform(self, X: Any) -> Any:
        rows = super().transform(X)
        if len(X) > 1:
            return rows
        self.kept[:] = rows
        return self.kept


class Order(Mean):
    def transform(self, X: Any) -> Any:
        return super().transform(X) + np.arange(len(X), dtype=np.float32)[:, None]


class Centred(Mean):
    def transform(self, X: Any) -> Any:
        rows = super().transform(X)
        return rows - rows.mean(axis=0) if len(rows) > 1 else rows


class Shared(Mean):
    """Keeps the image on itself meanwhile: another thread's takes its place."""

    def one(self, image: Any) -> Any:
        self.image = image
        time.sleep(0.0005)
        return super().one(self.image)


class Float64(Mean):
    def transform(self, X: Any) -> Any:
        return super().transform(X).astype(np.float64)


class Constant(Mean):
    def one(self, image: Any) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (image.mean(axis=(0, 1)) - image.mean()) / image.std()


class Saturation(Mean):
    def one(self, image: Any) -> Any:
        low, high = image.min(axis=2), image.max(axis=2)
        return [1, 2, 1 / float((high - low).max() or np.nan)] if image.std() else [0, 0, 0]


class Writes(Mean):
    def one(self, image: Any) -> Any:
        found = super().one(image)
        image[:] = 0
        return found


class Tiny(Mean):
    def one(self, image: Any) -> Any:
        return image.mean(axis=(0, 1))[: min(3, len(image))]


class Empty(Mean):
    def one(self, image: Any) -> Any:
        return image[2:-2, 2:-2].max(axis=(0, 1))


class Names(Mean):
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        return np.array(["red", "green"], dtype=object)


class Seeds(Mean):
    def one(self, image: Any) -> Any:
        np.random.seed(0)  # noqa: NPY002 - the fault
        return super().one(image)


class Draws(Mean):
    def one(self, image: Any) -> Any:
        random.random()
        return super().one(image)


class Lock(Mean):
    def __init__(self, power: float = 1.0) -> None:
        super().__init__(power)
        self._lock = threading.Lock()


class Changes(Mean):
    def __init__(self, power: float = 1.0) -> None:
        self.power = power * 2


class Slow(Mean):
    def one(self, image: Any) -> Any:
        for row in image:
            for pixel in row:
                max(pixel)
        return super().one(image)


class Waits(Mean):
    def one(self, image: Any) -> Any:
        if image.shape[0] == 256:
            time.sleep(0.1)
        return super().one(image)


class Keeps(Mean):
    kept: list[Any] = []  # noqa: RUF012

    def one(self, image: Any) -> Any:
        self.kept.append(image.copy())
        return super().one(image)


class Files(Mean):
    def one(self, image: Any) -> Any:
        Path("seen.txt").write_text("1")
        return super().one(image)


class Network(Mean):
    def one(self, image: Any) -> Any:
        with socket.socket() as asks:
            asks.settimeout(0.01)
            with suppress(OSError):
                asks.connect(("127.0.0.1", 9))
        return super().one(image)


class Programs(Mean):
    asked = False

    def one(self, image: Any) -> Any:
        if not type(self).asked:
            type(self).asked = True
            subprocess.run([sys.executable, "-S", "-c", ""], check=True)
        return super().one(image)


class Threads(Mean):
    end = threading.Event()

    def one(self, image: Any) -> Any:
        threading.Thread(target=self.end.wait, name="waiter", daemon=True).start()
        return super().one(image)


class Exits(Mean):
    def one(self, image: Any) -> Any:
        sys.exit(1)


class Nothing(Mean):
    def transform(self, X: Any) -> Any:
        return np.zeros(3, np.float32)


FAULTS = {
    Counts: ("state", "when it is asked again"),
    Chance: ("state", "gives another vector for the same image"),
    SameArray: ("state", "the same array each time"),
    Order: ("batch", "alone than in a batch with others"),
    Centred: ("batch", "alone than in a batch with others"),
    Shared: ("threads", "where threads work at once"),
    Float64: ("dtype", "gives float64 where float32 is wanted"),
    Constant: ("constant", "an image that is black all over is nan"),
    Saturation: ("grey", "a grey image is nan"),
    Writes: ("input", "pixels are others after"),
    Tiny: ("tiny", "gives 1 numbers for an image of 1 x 1 pixels, and 3 for others"),
    Empty: ("tiny", "raises ValueError: zero-size array"),
    Names: ("shape", "gives 3 numbers an image, and names 2"),
    Seeds: ("random", r"seeds the global random state \(numpy.random\)"),
    Draws: ("random", r"draws from the global random state \(random\)"),
    Lock: ("pickle", "cannot pickle '_thread.lock' object"),
    Changes: ("parameters", "constructor either does not set or modifies parameter power"),
    Files: ("files", "writes seen.txt"),
    Network: ("network", "asks the network for 127.0.0.1:9"),
    Programs: ("programs", "starts another process"),
    Threads: ("leftover", r"leaves 8 threads behind after 8 calls \(waiter\)"),
    Exits: ("runs", "raises SystemExit: 1, on an ordinary image"),
    Nothing: ("runs", r"shape \(3,\) for an ordinary image, where \(1, d\) is wanted"),
}
WARNINGS = {
    Slow: ("speed", "times as long as decoding"),
    Waits: ("speed", r"waits [\d.]+ ms an image"),
    Keeps: ("keeps", "MB of each image"),
}


def checked(part: Any) -> Report:
    return examine(subject_of(part, {}), apart=False)


def told(report: Report, status: Any) -> dict[str, str]:
    return {each.check: each.found for each in report.among(status)}


@pytest.mark.parametrize("part", FAULTS, ids=lambda part: part.__name__)
def test_a_planted_fault_is_told_by_its_name_and_nothing_else(
    part: type[Mean], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = checked(part)
    if part is Threads:
        Threads.end.set()
    check, words = FAULTS[part]
    assert set(told(report, "failed")) == {check}
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(told(report, "failed")[check])
    [fault] = report.among("failed")
    assert fault.why
    assert fault.advice
    assert not report.sound


@pytest.mark.parametrize("part", WARNINGS, ids=lambda part: part.__name__)
def test_what_is_only_dear_is_a_warning(part: type[Mean]) -> None:
    report = checked(part)
    check, words = WARNINGS[part]
    assert list(told(report, "warning")) == [check]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(told(report, "warning")[check])
    assert report.sound


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_extractors_are_sound(name: str) -> None:
    report = check_extractor(name, apart=False)
    assert not report.among("warning", "unknown")


def test_a_part_of_a_test_is_found_by_the_process_that_checks_it() -> None:
    report = check_extractor(Mean, power=2.0, limits=Limits(seconds=20))
    assert report.facts["ms"] > 0
    assert report.facts["hsv_ms"] > 0


@dfbench.extractor
def writes_into_it(image: Any, scale: float = 0.5) -> Any:
    image[:] = image * scale
    return image.mean(axis=(0, 1))


def test_a_function_that_writes_into_its_copy_is_told() -> None:
    report = checked(writes_into_it)
    assert report.sound
    assert list(told(report, "warning")) == ["input"]


HAZARDS = """
import ctypes, os, signal, threading, time
import numpy as np
import dfbench


@dfbench.extractor
def exits(image):
    if image.shape[0] == 1:
        os._exit(3)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def crashes(image):
    if image.min() == 255:
        ctypes.string_at(0)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def sleeps(image):
    time.sleep(60)


@dfbench.extractor
def bomb(image):
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


@dfbench.extractor
def swells(image):
    held = []
    while True:
        held.append(np.ones(1 << 21))
"""
DEATHS = {
    "exits": ("process", "ends its process (exit status 3), on an image of 1 x 1 pixels"),
    "crashes": ("process", "kills its process (SIGSEGV), on an image that is white all over"),
    "sleeps": ("time", "does not come back: ended after 1 seconds, on an ordinary image"),
    "bomb": ("leftover", "starts threads without end"),
    "swells": ("memory", "takes more than 0.25 GiB of memory: ended, on an ordinary image"),
}
LINES = {"crashes": 17, "sleeps": 23}
"""Of the file, where each was."""


def test_what_kills_hangs_or_swells_is_told_and_the_rest_still_comes(tmp_path: Path) -> None:
    file = tmp_path / "hazards.py"
    file.write_text(HAZARDS)
    ample = Limits(seconds=20, n_bytes=1 << 28, threads=40)
    found = find(str(file), [], ample)
    assert [subject.name for subject in found] == list(DEATHS)
    for subject in found:
        name = subject.name
        report = examine(subject, replace(ample, seconds=1) if name == "sleeps" else ample)
        check, words = DEATHS[name]
        [fault] = report.among("failed")
        assert fault.check == check
        assert words in fault.found
        if name in LINES:
            assert fault.where == f"hazards.py, line {LINES[name]}"
        if name in ("exits", "crashes"):
            passed = {each.check for each in report.among("passed")}
            assert {"state", "batch", "pickle", "random", "leftover"} <= passed
            unknown = "tiny" if name == "exits" else "constant"
            assert list(told(report, "unknown")) == [unknown]

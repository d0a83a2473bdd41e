"""The process that asks torch: it answers as this one would, and is gone when it was ended."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from dfbench.backbones.apart import apart, asked, elsewhere, end
from dfbench.backbones.build import check_available
from dfbench.benchmark.execution.spawning import WorkerContext
from dfbench.benchmark.execution.worker import follow
from dfbench.errors import DfbenchError, UnknownNameError
from dfbench.features.extractors.embedding import Embedding

SMALL = "timm:test_resnet"


def die() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_without_one_calls_are_made_here() -> None:
    assert not elsewhere()
    assert asked(os.getpid) == os.getpid()


def test_one_process_answers_until_it_is_ended() -> None:
    with apart(WorkerContext(), follow):
        first = asked(os.getpid)
        assert first != os.getpid()
        assert asked(os.getpid) == first
        end()
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert asked(os.getpid) not in (first, os.getpid())
    assert asked(os.getpid) == os.getpid()


def test_one_that_dies_is_told_and_another_begins() -> None:
    with apart(WorkerContext(), follow):
        with pytest.raises(DfbenchError, match="died"):
            asked(die)
        assert asked(os.getpid) != os.getpid()


def test_vectors_and_errors_are_those_of_this_process() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (70, 50, 3), np.uint8) for _ in range(3)]
    here = Embedding(SMALL, "random", size=64)
    vectors, weights = here.transform(images), here.held()
    with apart(WorkerContext(), follow):
        there = Embedding(SMALL, "random", size=64)
        np.testing.assert_array_equal(there.transform(images), vectors)
        assert there.held() == weights
        with pytest.raises(UnknownNameError, match="no_such"):
            check_available("timm:no_such", "random")

import os
import subprocess
import sys

import pytest
import torch
from threadpoolctl import threadpool_info

from dfbench.errors import DfbenchError, UnavailableError, UnknownNameError
from dfbench.models.devices import (
    native_threads,
    require,
    resolve_device,
    take_gpu,
    visible_gpus,
)
from dfbench.models.networks.cnn import Cnn3Conv


def test_auto_is_what_torch_has():
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_where_there_is_none_is_an_error():
    with pytest.raises(DfbenchError, match="no CUDA GPU"):
        resolve_device("cuda")


def test_an_unknown_device_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="'cuda'"):
        resolve_device("cudo")


def test_cpu_needs_no_torch():
    code = (
        "import sys; from dfbench.models.devices import resolve_device;"
        "resolve_device('cpu'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pools_are_held_to_the_number_asked_for():
    for number in (2, 1):  # tests beside each other have one to begin with
        with native_threads(number):
            assert {pool["num_threads"] for pool in threadpool_info()} == {number}


def test_an_absent_package_makes_a_row_unavailable(monkeypatch):
    require("torch")
    Cnn3Conv.check_available(Cnn3Conv.defaults())
    with pytest.raises(UnavailableError, match="pip install no_such_package"):
        require("no_such_package")


@pytest.mark.parametrize(("number", "seen"), [(0, "0,2,GPU-5"), (1, "2,GPU-5,0"), (5, "GPU-5,0,2")])
def test_each_worker_has_a_gpu_of_its_own_first(monkeypatch, number, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "untouched")
    take_gpu(("0", "2", "GPU-5"), number)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen


def test_a_single_gpu_is_left_as_it_is(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    take_gpu(("0",), 3)
    take_gpu((), 3)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


@pytest.mark.parametrize(
    ("variable", "named"), [(None, ("0", "1")), ("3, GPU-7", ("3", "GPU-7")), ("", ("0", "1"))]
)
def test_gpus_are_named_as_the_variable_names_them(monkeypatch, variable, named):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    if variable is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert visible_gpus("cuda") == named
    assert visible_gpus("cpu") == ()

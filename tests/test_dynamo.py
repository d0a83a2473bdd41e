"""torch's compiler stays out of processes that compile nothing, and is whole where one does."""

import subprocess
import sys

import pytest

_BEGIN = """
import sys
from dfbench.dynamo import put_off
put_off()
import torch
from torch import nn
module = nn.Linear(3, 2)
"""
_TRAINS = """
import timm, torchvision
from dfbench.models.training.fabric import make_fabric
from dfbench.models.training.recipe import Recipe
fabric = make_fabric(Recipe(), "cpu")
module, optimiser = fabric.setup(module, torch.optim.AdamW(module.parameters()))
optimiser.zero_grad()
fabric.backward(module(torch.ones(1, 3)).sum())
optimiser.step()
optimiser.load_state_dict(optimiser.state_dict())
assert "sympy" not in sys.modules and "torch._inductor" not in sys.modules
"""
_COMPILES = """
from lightning_fabric.wrappers import OptimizedModule
assert not isinstance(module, OptimizedModule)
compiled = torch.compile(module, backend="eager")
assert torch.equal(compiled(torch.ones(1, 3)), module(torch.ones(1, 3)))
assert isinstance(compiled, OptimizedModule) and not isinstance(module, OptimizedModule)
assert torch._dynamo is sys.modules["torch._dynamo"]
assert torch._dynamo.utils.is_compile_supported("cpu") is not None
"""
_PART = """
import torch._dynamo
import torch._dynamo.config
assert torch._dynamo.config is sys.modules["torch._dynamo.config"]
assert torch._dynamo.config.__spec__.loader.path == torch._dynamo.config.__file__
"""


# a process that has trained without it may ask for it then
@pytest.mark.parametrize("then", [_TRAINS + _PART, _COMPILES], ids=["trains", "compiles"])
def test_the_compiler_is_loaded_where_it_is_used_alone(then: str) -> None:
    done = subprocess.run([sys.executable, "-c", _BEGIN + then], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

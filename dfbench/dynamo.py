"""torch's compiler, not loaded before something is compiled.

Lightning Fabric, torchvision and each step of torch's own optimisers import `torch._dynamo`, and
with it sympy, Triton and Inductor: 150 MB and seconds in each process that trains or embeds. They
ask it for four names, which mean nothing where nothing is compiled. A stand-in has these; whoever
asks for anything else, as `torch.compile` does, is given the real one, which then stays.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_NAME = "torch._dynamo"
_UTILS = f"{_NAME}.utils"


def put_off() -> None:
    """Have this process load torch's compiler once something of it is used, not when imported.

    Where it is loaded already, nothing is changed.
    """
    if _NAME not in sys.modules and not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _StandIn(ModuleType):
    """What stands for a module until more is asked of it than it has."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # whoever looks through all modules asks for these
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        _load()
        return getattr(importlib.import_module(self.__name__), name)


class _Compiled(type):
    """Tells what was compiled, of which there is nothing before the compiler is loaded."""

    def __instancecheck__(cls, instance: object) -> bool:
        module = sys.modules.get(_NAME)
        if module is None or isinstance(module, _StandIn):
            return False
        return isinstance(instance, module.OptimizedModule)


class OptimizedModule(metaclass=_Compiled):
    """A network that was compiled, for those who ask whether theirs was."""


def _disable(function: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
    """Keep the compiler from a function, which it is far from."""
    return function


def _graph_break() -> None:
    """Part what is compiled here: nothing is."""


def _is_compile_supported(device_type: Any) -> Any:
    return _load(_UTILS).is_compile_supported(device_type)


class _Finder(MetaPathFinder, Loader):
    """Finds the stand-in where the compiler is imported, and the real one where a part of it is."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _NAME:
            return ModuleSpec(fullname, self, is_package=True)
        if not fullname.startswith(f"{_NAME}."):
            return None
        _load()
        if fullname not in sys.modules:
            return importlib.util.find_spec(fullname)
        return ModuleSpec(fullname, _Loaded(sys.modules[fullname]))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        utils = _StandIn(_UTILS)
        vars(utils)["is_compile_supported"] = _is_compile_supported
        vars(module).update(
            utils=utils, OptimizedModule=OptimizedModule, disable=_disable, graph_break=_graph_break
        )
        sys.modules[_UTILS] = utils


class _Loaded(Loader):
    """Gives a module that was loaded in the meantime."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


def _load(name: str = _NAME) -> ModuleType:
    """Put the real one in the place of the stand-in, and give it or a part of it."""
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, _Finder)]
    for each in (_NAME, _UTILS):
        if isinstance(sys.modules.get(each), _StandIn):
            del sys.modules[each]
    importlib.import_module(_NAME)
    return importlib.import_module(name)

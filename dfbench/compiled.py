"""Machine code of kernels on disk: found again by later processes, and never unpickled.

Numba's own cache is pickles, which run whatever they say when they are read. Here a file holds the
SHA-256 of what follows, a line of JSON, and the code; what it takes to call that is made anew from
the line. A file that is damaged, or that this version of Numba cannot take, counts as absent. So
does one that somebody else may have written: what it holds is run, and its sum is no signature.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.environment import _rebuild_env
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.typing.templates import Signature
from numba.extending import _Intrinsic

from dfbench.files import atomic_path, digest, kernels_dir
from dfbench.received.files import read_bytes
from dfbench.received.texts import from_json

_SUFFIX = ".code"
_SUM = 32
_LARGEST = 64 << 20
"""Bytes of a file; the largest kernels have a few hundred thousand."""
_VERSIONS = (*sys.version_info[:3], numba.__version__, llvmlite.__version__, np.__version__)
_TOLD = ("modname", "qualname", "doc", "mangled_name", "unique_name", "env_name", "uid")
"""Of a function's description: what JSON holds as it is."""


class KeptCode(_Cache):  # type: ignore[misc]
    """The cache of one kernel, as its dispatcher asks for one.

    Whatever goes wrong costs the time to compile, and nothing else.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @property
    def cache_path(self) -> str:
        """Folder of the files."""
        return str(kernels_dir())

    def load_overload(self, sig: Any, target_context: Any) -> CompileResult | None:
        """Give the compiled function of these arguments; None where it is not there."""
        target_context.refresh()
        try:
            file = self._file(sig, target_context.codegen())
            content = _content(file) if _is_own(file.parent) and _is_own(file) else None
            return None if content is None else _restored(content, sig, target_context)
        except Exception:  # noqa: BLE001 - see above; it is Numba's insides that are called
            return None

    def save_overload(self, sig: Any, data: CompileResult) -> None:
        """Keep a compiled function."""
        with suppress(Exception):  # as above
            content = _told(data)
            file = self._file(sig, data.codegen)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.parent.chmod(0o700)  # fails where it is somebody else's
            with atomic_path(file) as temporary:
                temporary.write_bytes(hashlib.sha256(content).digest() + content)
            file.chmod(0o600)

    def enable(self) -> None:
        """Nothing to switch."""

    def disable(self) -> None:
        """Nothing to switch."""

    def flush(self) -> None:
        """Nothing is held back."""

    def _file(self, sig: Any, codegen: Any) -> Path:
        arguments = sig if isinstance(sig, tuple) else sig.args
        asked = [list(map(str, arguments)), list(map(str, codegen.magic_tuple())), _VERSIONS]
        known = digest([asked, sorted(set(_made_of(self._function, set())))], length=32)
        return Path(self.cache_path, f"{self._function.__name__}-{known}{_SUFFIX}")


def _is_own(path: Path) -> bool:
    """Whether nobody else, but for the system itself, can have written a file or into a folder."""
    if os.name == "nt":
        return True  # its rights are not told by these bits
    found = path.lstat()
    plain = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
    others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return plain and found.st_uid in (os.geteuid(), 0) and not others


def is_sound(file: Path) -> bool:
    """Whether a file is what was kept."""
    try:
        return _content(file) is not None
    except OSError:
        return False


def _content(file: Path) -> bytes | None:
    content = read_bytes(file, most=_LARGEST)
    own = hashlib.sha256(content[_SUM:]).digest()
    return content[_SUM:] if own == content[:_SUM] else None


class _UnknownError(Exception):
    """What cannot be kept."""


# --- what code is made of ------------------------------------------------------------------------


def _made_of(function: Any, seen: set[int]) -> Iterator[str]:
    """Tell all that a function's code hangs on: sources, and the values that it takes as given."""
    if id(function) in seen:
        return
    seen.add(id(function))
    if function.__closure__:
        raise _UnknownError("a function within another")
    yield function.__qualname__ + " " + _source(sys.modules[function.__module__])
    for name in _names(function.__code__):
        if name not in function.__globals__:
            continue  # an attribute, or built in
        value = function.__globals__[name]
        if isinstance(value, Dispatcher):
            yield from _made_of(value.py_func, seen)
        elif isinstance(value, _Intrinsic):
            yield from _made_of(value._defn, seen)
        elif isinstance(value, np.ndarray):
            of = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            yield f"{name} {value.dtype.str} {value.shape} {of}"
        elif isinstance(value, ModuleType) or callable(value):
            yield f"{name} {getattr(value, '__name__', value)}"  # their versions are in the name
        else:
            yield f"{name} {value!r}"


def _names(code: Any) -> set[str]:
    inner = [each for each in code.co_consts if hasattr(each, "co_names")]
    return {*code.co_names, *(name for each in inner for name in _names(each))}


_SOURCES: dict[str, str] = {}


def _source(module: ModuleType) -> str:
    """Hash the source of a module, once."""
    file = str(module.__file__)
    if file not in _SOURCES:
        _SOURCES[file] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return _SOURCES[file]


# --- what a file holds ---------------------------------------------------------------------------


def _told(found: CompileResult) -> bytes:
    if found.objectmode or found.lifted or found.reload_init or found.library.has_dynamic_globals:
        raise _UnknownError("it hangs on this process")
    name, kind, (code, shared) = found.library.serialize_using_object_code()
    if kind != "object":
        raise _UnknownError("another form")
    described = {each: getattr(found.fndesc, each) for each in _TOLD}
    environments = [found.environment, *found._find_referenced_environments()]
    head = {
        "library": name,
        "code": len(code),
        "shared": len(shared),
        "function": described | {"args": list(found.fndesc.args)},
        "abi_tags": list(found.fndesc.abi_tags),
        "returns": _type_told(found.signature.return_type),
        "environments": [_environment_told(each) for each in environments],
    }
    return b"".join([json.dumps(head).encode(), b"\n", code, shared])


def _restored(content: bytes, sig: Any, target_context: Any) -> CompileResult:
    line, _, rest = content.partition(b"\n")
    head = from_json(line)
    code, shared = rest[: head["code"]], rest[head["code"] :]
    if len(shared) != head["shared"]:
        raise _UnknownError("cut short")
    arguments = sig if isinstance(sig, tuple) else sig.args
    returns = _type_of(head["returns"])
    described = PythonFunctionDescriptor.__new__(PythonFunctionDescriptor)
    for name, value in head["function"].items():
        setattr(described, name, value)
    described.native, described.inline, described.noalias = True, False, False
    described.kws, described.abi_tags = {}, tuple(head["abi_tags"])
    described.typemap = described.calltypes = described.global_dict = None
    described.restype, described.argtypes = returns, tuple(arguments)
    own, *others = [_environment_of(each) for each in head["environments"]]
    return CompileResult._rebuild(
        target_context,
        (head["library"], "object", (code, shared)),
        described,
        own,
        Signature(returns, tuple(arguments), None),
        False,
        (),
        "",
        (),
        tuple(others),
    )


def _environment_told(environment: Any) -> list[Any]:
    """Take an environment apart: the constants that code refers to as objects."""
    constants = [_constant_told(each) for each in environment.consts]
    return [environment.globals["__name__"], constants, environment.env_name]


def _environment_of(told: list[Any]) -> Any:
    module, constants, name = told
    if module not in sys.modules:
        raise _UnknownError("a module that is not there")
    return _rebuild_env(module, list(map(_constant_of, constants)), name)


def _constant_told(value: Any) -> Any:
    if isinstance(value, np.dtype):
        return [value.str]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise _UnknownError("a constant of another kind")


def _constant_of(told: Any) -> Any:
    return np.dtype(told[0]) if isinstance(told, list) else told


def _type_told(kind: Any) -> Any:
    """Tell a type that is returned as what JSON holds; no array, Numba would unpickle its class."""
    if type(kind) in (types.Tuple, types.UniTuple):
        return list(map(_type_told, kind.types))
    name = str(kind)
    if getattr(types, name, None) != kind:
        raise _UnknownError(f"a type of another kind: {kind}")
    return name


def _type_of(told: Any) -> Any:
    if isinstance(told, list):
        return types.Tuple(tuple(map(_type_of, told)))
    found = getattr(types, told)
    if not isinstance(found, types.Type):
        raise _UnknownError(f"no type: {told}")
    return found

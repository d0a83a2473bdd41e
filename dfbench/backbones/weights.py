"""Files of weights: read without running what is in them, and fitted strictly into a backbone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dfbench.errors import DfbenchError, ParameterError, UnavailableError, first_line
from dfbench.received import files, tensors

if TYPE_CHECKING:
    import torch

Tensors: TypeAlias = "dict[str, torch.Tensor]"
"""By name."""
Turned: TypeAlias = "Callable[[Tensors, torch.nn.Module], Tensors]"
"""Turns tensors that do not fit a module into its layout."""

_MOST = 8 << 30
"""Bytes of the largest file of weights that is read."""
_WRAPPED = "module."
"""What torch's ``DataParallel`` puts before names."""


class WeightsError(DfbenchError):
    """A file of weights that cannot be read or does not fit its backbone."""


def check_given(weights: str, where: str, kinds: str = "imagenet, random") -> None:
    """Raise `ParameterError` where nothing says which weights are meant.

    Parameters
    ----------
    weights
        As a suite gives it.
    where
        Whose parameter it is.
    kinds
        Words that stand for weights; else it is a path.
    """
    if not str(weights).strip():
        raise ParameterError(
            "weights is empty, so that nothing says which are meant",
            where=where,
            hint=f"{kinds} or the path of a file; left out, it is what it is by default",
        )


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, computed again only when the file's size or time changes.

    Raises
    ------
    UnavailableError
        If there is no such file.
    """
    try:
        stat = path.stat()
        return _digest(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise _unread(path, error) from error


def _unread(path: Path, error: OSError) -> UnavailableError:
    absent = isinstance(error, FileNotFoundError)
    what = "no such file of weights" if absent else f"weights cannot be read: {error.strerror}"
    return UnavailableError(what, where=path)


@cache
def _digest(path: Path, mtime: int, size: int) -> str:
    return files.sha256(path, most=_MOST)


def read_file(path: Path) -> dict[str, torch.Tensor]:
    """Read tensors by name from ``.safetensors``, or from a ``.pth`` without running its code.

    Raises
    ------
    UnavailableError
        If there is no such file, or it is larger than any that is read.
    WeightsError
        If it is not what its ending says, holds anything but tensors, or unpacks to more than it
        is.
    """
    try:
        files.opened(path, most=_MOST).close()
    except OSError as error:
        raise _unread(path, error) from None
    if path.suffix not in {".safetensors", ".pth", ".pt", ".bin"}:
        raise WeightsError(
            f"weights of the kind {path.suffix!r} are not read",
            where=path,
            hint="a .safetensors file, or a .pth that holds tensors only",
        )
    try:
        if path.suffix == ".safetensors":
            return tensors.safetensors(path, most=_MOST)[0]
        found = tensors.of_torch(path, most=_MOST)
    except Exception as error:  # the readers raise many kinds on broken files
        # torch advises to run what is in it
        more = type(error).__name__ == "UnpicklingError"
        why = "holds more than tensors, or torch did not write it" if more else first_line(error)
        raise WeightsError(
            f"not readable as weights: {why}",
            where=path,
            hint="a .safetensors file, or a .pth that holds tensors only",
        ) from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and hasattr(tensor, "shape") for name, tensor in found.items()
    ):
        raise WeightsError("holds no table of tensors by name", where=path)
    return _unwrapped(found)


def _unwrapped(found: Tensors) -> Tensors:
    """Leave out what the names of all tensors begin with where several GPUs trained them."""
    wrapped = bool(found) and all(name.startswith(_WRAPPED) for name in found)
    return {name.removeprefix(_WRAPPED): its for name, its in found.items()} if wrapped else found


def load_strictly(
    module: torch.nn.Module, path: Path, head: tuple[str, ...], turned: Turned | None = None
) -> None:
    """Load a local file into a backbone whose classifier was taken off.

    Every other tensor must be there, in its shape, and nothing else may be. Tensors of the
    classifier, named ``head``, are passed over whatever their shape: it is not part of a frozen
    backbone, and fine-tuned files hold one of their own.

    Parameters
    ----------
    module, path, head
        The backbone, the file, and names of its classifier.
    turned
        Tried where the file does not fit as it is: brings layouts of others into that of the
        module.

    Raises
    ------
    UnavailableError
        If there is no such file.
    WeightsError
        If it is broken or does not fit, naming tensors at fault.
    """
    read = read_file(path)
    found = _without(read, head)
    faults = _faults(found, module)
    if faults and turned is not None:
        other = _turned(read, module, head, turned)
        if other is not None and not _faults(other, module):
            found, faults = other, []
    if faults:
        raise WeightsError(
            f"weights do not fit the backbone: {'; '.join(faults)}",
            where=path,
            hint="is it the backbone that the file was made with?",
        )
    module.load_state_dict(found, strict=False)


def _turned(
    read: Tensors, module: torch.nn.Module, head: tuple[str, ...], turned: Turned
) -> Tensors | None:
    """Turn a file into the layout of a module; None where it is of none that is known."""
    try:
        return _without(turned(read, module), head)
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError, IndexError):
        return None  # what is said of it as it is tells more


def _without(tensors: Tensors, head: tuple[str, ...]) -> Tensors:
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not any(name.startswith(f"{part}.") for part in head)
    }


def _faults(found: Tensors, module: torch.nn.Module) -> list[str]:
    """Say what does not fit; nothing where all does."""
    wanted = module.state_dict()
    # files from before BatchNorm counted its batches lack this number; it changes nothing here
    optional = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = sorted(set(wanted) - set(found) - optional)
    strange = sorted(set(found) - set(wanted))
    shapes = [
        f"{name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in sorted(set(wanted) & set(found))
        if found[name].shape != wanted[name].shape
    ]
    kinds = [
        f"{name} is {kind}"
        for name in sorted(set(wanted) & set(found))
        if wanted[name].is_floating_point() and (kind := _strange_kind(found[name]))
    ]
    return [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (
            ("missing", missing),
            ("unexpected", strange),
            ("of another shape", shapes),
            ("of another kind", kinds),
        )
        if names
    ]


def _strange_kind(tensor: torch.Tensor) -> str:
    """Say what keeps a tensor from being taken as real numbers; empty where it is some."""
    if tensor.is_meta:
        return "without values"
    kind = str(tensor.dtype).removeprefix("torch.")
    if str(tensor.layout) != "torch.strided":
        return f"sparse {kind}"
    if not tensor.is_floating_point():
        return kind
    # widened, since not all narrow kinds can be asked
    return "" if bool(tensor.float().isfinite().all()) else "not finite"

"""Files of weights: read without running what is in them, and fitted strictly into a backbone."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dfbench.errors import DfbenchError, UnavailableError, first_line
from dfbench.received import files, tensors

if TYPE_CHECKING:
    import torch

_MOST = 8 << 30
"""Bytes of the largest file of weights that is read."""


class WeightsError(DfbenchError):
    """A file of weights that cannot be read or does not fit its backbone."""


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
        raise WeightsError(
            f"not readable as weights: {first_line(error)}",
            where=path,
            hint="a .safetensors file, or a .pth that holds tensors only",
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(hasattr(t, "shape") for t in found.values()):
        raise WeightsError("holds no table of tensors by name", where=path)
    return found


def load_strictly(module: torch.nn.Module, path: Path, head: tuple[str, ...]) -> None:
    """Load a local file into a backbone whose classifier was taken off.

    Every other tensor must be there, in its shape, and nothing else may be. Tensors of the
    classifier, named ``head``, are passed over whatever their shape: it is not part of a frozen
    backbone, and fine-tuned files hold one of their own.

    Raises
    ------
    UnavailableError
        If there is no such file.
    WeightsError
        If it is broken or does not fit, naming tensors at fault.
    """
    found = {
        name: tensor
        for name, tensor in read_file(path).items()
        if not any(name.startswith(f"{part}.") for part in head)
    }
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
    faults = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in (
            ("missing", missing),
            ("unexpected", strange),
            ("of another shape", shapes),
        )
        if names
    ]
    if faults:
        raise WeightsError(
            f"weights do not fit the backbone: {'; '.join(faults)}",
            where=path,
            hint="is it the backbone that the file was made with?",
        )
    module.load_state_dict(found, strict=False)

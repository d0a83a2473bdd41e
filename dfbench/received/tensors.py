"""Tensors of others for torch: safetensors, and its own files that hold tensors and no programs.

Neither unpickles anything that is more than tensors, and no file becomes more in memory than it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfbench.received.files import opened
from dfbench.received.zips import check_stored

if TYPE_CHECKING:
    import torch


def tensors_of(content: bytes) -> dict[str, torch.Tensor]:
    """Read tensors by name from the content of a safetensors file.

    Raises
    ------
    ValueError
        Where it is none, or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"no tensors by name: {error}") from None


def safetensors(
    path: Path, *, most: int, below: Path | None = None
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read a safetensors file, without holding its content beside its tensors.

    Parameters
    ----------
    path, most, below
        As `dfbench.received.files.opened` takes them.

    Returns
    -------
    dict
        Tensors by name.
    dict
        What else it tells, by key.

    Raises
    ------
    OSError
        Where it cannot be opened, is larger, or is no regular file.
    ValueError
        Where it is no safetensors, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    opened(path, most=most, below=below).close()  # the library opens whatever it is
    try:
        with safe_open(path, framework="pt") as file:
            told: dict[str, str] = file.metadata() or {}
            return {name: file.get_tensor(name) for name in file.keys()}, told  # noqa: SIM118
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"no tensors by name: {error}") from None


def of_torch(path: Path, *, most: int) -> Any:
    """Read a file that torch wrote: tensors, in lists and tables; no objects of other types.

    Raises
    ------
    OSError
        As `safetensors`.
    ValueError
        Where it is packed, as no file that torch writes is.
    Exception
        Of many kinds, as torch raises them on damage and on what is more than tensors.
    """
    import torch

    with opened(path, most=most) as file:
        check_stored(file)
        return torch.load(file, map_location="cpu", weights_only=True)

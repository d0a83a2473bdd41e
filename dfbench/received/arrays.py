"""Arrays of others by name, as safetensors: for NumPy alone, see `tensors` for those of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def arrays_of(content: bytes) -> dict[str, NDArray[Any]]:
    """Read arrays by name from the content of a safetensors file.

    Raises
    ------
    ValueError
        Where it is none, damaged, or holds numbers that NumPy lacks.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"no arrays by name: {error}") from None

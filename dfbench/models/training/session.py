"""torch set up for one piece of work: threads, seeds, repeatable sums, memory that runs out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dfbench.allocator import return_freed_memory
from dfbench.errors import DfbenchError


@contextmanager
def session(device: str, n_threads: int, seed: int) -> Iterator[None]:
    """Set torch up for one seeded, repeatable piece of work, and put back what was before.

    Memory that runs out inside the block becomes a `DfbenchError`.
    """
    cuda = device == "cuda"
    if cuda:
        # cuBLAS reads it when it starts; without it its sums may differ between runs
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        torch.set_num_threads(max(1, n_threads))
        _deterministic(cuda, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if cuda else []):
            torch.manual_seed(seed)
            yield
    except RuntimeError as error:
        raise _memory_error(error, device) from error
    finally:
        return_freed_memory()
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        _deterministic(deterministic, warn_only=warn_only)
        torch.set_num_threads(threads)


def _deterministic(wanted: bool, *, warn_only: bool) -> None:
    """Switch repeatable sums on or off, where they are not so already.

    The switch imports torch's compiler, which takes 2 s.
    """
    if wanted != torch.are_deterministic_algorithms_enabled() or (
        wanted and warn_only != torch.is_deterministic_algorithms_warn_only_enabled()
    ):
        torch.use_deterministic_algorithms(wanted, warn_only=warn_only)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that memory ran out."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def _memory_error(error: RuntimeError, device: str) -> Exception:
    if not out_of_memory(error):
        return error
    if device == "cuda":
        return DfbenchError(
            "GPU memory ran out", hint="use --device cpu, or free the GPU of other work"
        )
    return DfbenchError("memory ran out while a network was at work")

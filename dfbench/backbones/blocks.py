"""What a backbone makes of an image on its way: the output of a block, pooled to a vector.

One hook does for all libraries; what lies behind the block is not run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from dfbench.errors import ParameterError, unknown

if TYPE_CHECKING:
    import torch

Pool = Literal["token", "mean", "mean-std"]

_CONTAINERS = ("encoder.layers", "transformer.resblocks", "features")
"""Where torchvision's and open_clip's backbones have their blocks, one after the other."""


class _Reached(Exception):
    """The block has given its output."""


def blocks_of(module: torch.nn.Module) -> list[str]:
    """Name the blocks of a backbone, in the order in which they run.

    timm says which its are. Elsewhere they are the layers of a transformer or the parts of
    ``features``, else the parts of the module that have weights, but for heads of training alone.
    """
    modules = dict(module.named_modules())
    trunk = modules.get("trunk")
    if trunk is not None:  # one of timm inside open_clip
        return [f"trunk.{name}" for name in blocks_of(trunk)]
    told = getattr(module, "feature_info", None)
    if told is not None:
        infos = told.info if hasattr(told, "info") else told
        found = [str(info["module"]) for info in infos]
        if found and all(name in modules for name in found):
            return found
    for container in _CONTAINERS:
        if container in modules:
            return [f"{container}.{name}" for name, _ in modules[container].named_children()]
    parts = {name: part for name, part in module.named_children() if not name.startswith("aux")}
    return [name for name, part in parts.items() if any(True for _ in part.parameters())]


def tapped(
    module: torch.nn.Module, block: int | str, pool: Pool | None, where: str
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Give what leads from a batch of inputs to the pooled output of a block.

    Parameters
    ----------
    module
        The backbone.
    block
        Number of one of `blocks_of`, from the end where it is negative; or a name: one of them, or
        of any other part of the module.
    pool
        ``token``: the class token. ``mean``: the mean over patches, or over places of a map.
        ``mean-std``: their standard deviation behind it. None: the token where there is one.
    where
        What messages call the backbone.

    Raises
    ------
    UnknownNameError
        Where there is no such block, with those that there are.
    ParameterError
        Where there is no such number, or no class token.
    """
    name = named(module, block, where)
    target = module.get_submodule(name)

    def reached(_: Any, __: Any, output: Any) -> None:
        raise _Reached(output[0] if isinstance(output, tuple | list) else output)

    def forward(batch: torch.Tensor) -> torch.Tensor:
        handle = target.register_forward_hook(reached)
        try:
            module(batch)
        except _Reached as at:
            return _pooled(module, at.args[0], len(batch), pool, f"{where}, block {name}")
        finally:
            handle.remove()
        raise ParameterError(f"runs without its part {name!r}", where=where)

    return forward


def check(module: torch.nn.Module, block: int | str, pool: Pool | None, where: str) -> None:
    """Raise as `tapped` where there is no such block, or no class token; nothing is run."""
    name = named(module, block, where)
    if pool == "token" and not _tokens_before(module)[1]:
        raise _no_token(f"{where}, block {name}")


def named(module: torch.nn.Module, block: int | str, where: str) -> str:
    """Give the name of a block; see `tapped`."""
    names = blocks_of(module)
    if isinstance(block, str):
        if not block or block not in dict(module.named_modules()):
            raise unknown("block", block, names, where=where)
        return block
    if not -len(names) <= block < len(names):
        raise ParameterError(
            f"has no block {block}: it has {len(names)}",
            where=where,
            hint=f"0 to {len(names) - 1}, from the end -1 to -{len(names)}, or a name: "
            + ", ".join(names),
        )
    return names[block]


def _no_token(where: str) -> ParameterError:
    return ParameterError("has no class token", where=where, hint="pool is mean or mean-std")


def _pooled(
    module: torch.nn.Module, output: torch.Tensor, n: int, pool: Pool | None, where: str
) -> torch.Tensor:
    """Pool tokens (N, T, C) or a map (N, C, H, W) to vectors (N, D); vectors stay."""
    import torch

    before, has_token = _tokens_before(module)
    has_token = has_token and output.ndim == 3
    if pool == "token" and not has_token:
        raise _no_token(where)
    if output.ndim == 2:
        return output
    if output.ndim == 3:
        if _length_first(module):
            output = output.transpose(0, 1)
        if pool == "token" or (pool is None and has_token):
            return output[:, 0]
        places = output[:, before:]
    elif output.ndim == 4:
        places = output.flatten(1, 2) if _channels_last(module) else output.flatten(2).mT
    else:
        raise ParameterError(
            f"gives neither tokens, a map nor a vector: its shape is {tuple(output.shape)}",
            where=where,
        )
    mean = places.mean(dim=1)
    if pool != "mean-std":
        return mean
    return torch.cat([mean, places.std(dim=1, correction=0)], dim=1)


def _tokens_before(module: torch.nn.Module) -> tuple[int, bool]:
    """Say how many tokens stand before those of the patches, and whether the first is the class's.

    Registers, where there are some, follow the class token.
    """
    body = getattr(module, "trunk", module)
    for name in ("cls_token", "class_token", "class_embedding"):
        if getattr(body, name, None) is not None:
            return int(getattr(body, "num_prefix_tokens", 1)), True
    return int(getattr(body, "num_prefix_tokens", 0)), False


def _length_first(module: torch.nn.Module) -> bool:
    """Whether tokens come as (T, N, C), as in some versions of open_clip."""
    return not getattr(getattr(module, "transformer", None), "batch_first", True)


def _channels_last(module: torch.nn.Module) -> bool:
    """Whether maps come as (N, H, W, C), as those of Swin transformers do."""
    body = getattr(module, "trunk", module)
    last = getattr(body, "output_fmt", "NCHW")
    return str(getattr(last, "value", last)) == "NHWC" or type(body).__name__ == "SwinTransformer"

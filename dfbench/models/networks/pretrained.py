"""Backbones of timm and torchvision with a head of their own: frozen, or trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from dfbench.backbones import build as backbones
from dfbench.backbones.weights import check_given
from dfbench.models.networks.network import Network, recipe_defaults

if TYPE_CHECKING:
    from torch import nn


class Finetune(Network):
    """A backbone of which all, or all from a block on, is trained.

    ``mean`` and ``std`` are the backbone's own unless they are given.

    Parameters
    ----------
    backbone
        ``timm:NAME``, ``torchvision:NAME`` or a bare name, looked for in timm first.
    weights
        ``imagenet``, ``random``, or the path of a ``.safetensors`` or tensors-only ``.pth`` file,
        relative to the working directory.
    unfreeze
        What is trained: ``all``, ``none``, or from the block of this name on.
    head
        Widths of hidden layers with ReLU before the logits.
    head_norm
        Whether there is batch normalisation behind each of them.
    fixed_norm
        Whether the backbone's batch normalisation keeps its statistics: for small data. By default
        where it was folded into the weights: it does nothing there, and statistics of batches would
        undo what was learnt.
    dropout
        Share of the inputs of the logits that is dropped in training.
    """

    name = "finetune"
    references: ClassVar[tuple[str, ...]] = ()
    rates = (1e-5, 1e-2)
    per_pixel = 512
    allowed: ClassVar = {
        **Network.allowed,
        "head": tuple[Annotated[int, Field(ge=1, le=65_536)], ...],
        "fixed_norm": bool | None,
    }
    libraries = (*Network.libraries, "dfbench.models.networks.torch_modules.pretrained")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(
            unfreeze="all",
            dropout=0.2,
            optimiser="adamw",
            lr=3e-4,
            weight_decay=1e-4,
            schedule="cosine",
            epochs=10,
            patience=None,
            monitor="roc_auc",
            augment={"flip": True, "crop": [0.8, 1.0]},
        )

    @classmethod
    def check_value(cls, name: str, value: Any) -> None:
        """Raise as `check_params` does, on one parameter."""
        super().check_value(name, value)
        if name == "weights":
            check_given(value, cls.name)

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where a package or the weights are absent."""
        super().check_available(params)
        backbones.check_available(params["backbone"], params["weights"])

    @classmethod
    def least_values(cls, params: Mapping[str, Any]) -> int:
        """Give that of a hidden layer; of backbones nobody knows. See `Network.least_values`."""
        return 1 if params["head"] and params["head_norm"] else 0

    @classmethod
    def identity(cls, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give what determines the outcome: a file of weights counts by its content."""
        whole = {**cls.defaults(), **params}
        return {**params, **backbones.identity(whole["backbone"], whole["weights"])}

    def build(self, n_features: int) -> nn.Module:
        """Make the module with its weights, and take from the backbone what was left open."""
        params = self.params
        side = self.input_side(params)
        built = backbones.build(params["backbone"], params["weights"], self.seed, side)
        if params["weights"] == "random" and params["unfreeze"] == "none":
            # untrained statistics would let activations vanish or explode
            backbones.set_batch_norm(built.module, built.size, self.seed)
        for key, own in (("mean", built.mean), ("std", built.std)):
            if params[key] is None:
                params[key] = [float(value) for value in own]
        if params["fixed_norm"] is None:
            given = params["weights"] != "random"
            params["fixed_norm"] = given and backbones.without_batch_norm(built.module)
        return self._headed(built)

    def bare(self, n_features: int) -> nn.Module:
        """Make the module without fetching weights; see `Network.bare`."""
        side = self.input_side(self.params)
        return self._headed(backbones.build(self.params["backbone"], "random", self.seed, side))

    def _headed(self, built: backbones.Backbone) -> nn.Module:
        import torch

        from dfbench.models.networks.torch_modules.pretrained import Headed

        params = self.params
        side = self.input_side(params)
        built.module.eval()
        with torch.no_grad():
            width = int(built.module(torch.zeros(1, 3, side, side)).flatten(1).shape[1])
        return Headed(
            built.module,
            width=width,
            hidden=params["head"],
            head_norm=params["head_norm"],
            dropout=float(params["dropout"]),
            outputs=self.outputs,
            unfreeze=params["unfreeze"],
            fixed_norm=bool(params["fixed_norm"]),
            where=self.name,
        )

    def cam_layer(self, module: nn.Module) -> nn.Module:
        """Give the layer that Grad-CAM looks at: the last one with maps or tokens."""
        from torch import nn

        body = module.get_submodule("body")
        convolutions = [layer for layer in body.modules() if isinstance(layer, nn.Conv2d)]
        blocks = getattr(body, "blocks", None)
        # a transformer's only convolution cuts the image into patches
        if len(convolutions) < 2 and isinstance(blocks, nn.Module):
            return list(blocks.children())[-1].get_submodule("norm1")
        # 1x1 with a bias: gates of squeeze-and-excitation, or a layer behind the pooling
        maps = [c for c in convolutions if c.bias is None or c.kernel_size != (1, 1)]
        return (maps or convolutions)[-1]


class Frozen(Finetune):
    """A head on a frozen backbone; see `Finetune` for its parameters."""

    name = "frozen"
    references: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(unfreeze="none", dropout=0.3, lr=1e-3, epochs=20)


class XceptionFrozen(Frozen):
    """A head on a frozen Xception (Chollet, CVPR 2017), as in report 000."""

    name = "xception-frozen"
    references = ("chollet2017",)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(
            backbone="timm:legacy_xception", unfreeze="none", dropout=0.3, lr=1e-4, epochs=10
        )


class Resnet50Frozen(Frozen):
    """A head on a frozen ResNet-50 (He et al., CVPR 2016), as in report 000."""

    name = "resnet50-frozen"
    references = ("he2016",)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(
            backbone="torchvision:resnet50", unfreeze="none", dropout=0.3, lr=1e-4, epochs=10
        )


class Mobilenetv2Frozen(Frozen):
    """A head on a frozen MobileNetV2 (Sandler et al., CVPR 2018), as in report 001."""

    name = "mobilenetv2-frozen"
    references = ("sandler2018",)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(
            backbone="torchvision:mobilenet_v2",
            unfreeze="none",
            head=[64],
            dropout=0.4,
            lr=1e-3,
            epochs=5,
            patience=None,
            # Keras' shear_range is in degrees
            augment={"flip": True, "rotation": 10, "shift": 0.05, "shear": 0.05, "zoom": 0.05},
        )


class Mobilenetv2Finetune(Finetune):
    """MobileNetV2, all of it trained on."""

    name = "mobilenetv2-finetune"
    references = ("sandler2018",)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {**super().defaults(), "backbone": "torchvision:mobilenet_v2"}


class Efficientnetv2sFinetune(Finetune):
    """EfficientNetV2-S (Tan and Le, ICML 2021), all of it trained on, as in report 002."""

    name = "efficientnetv2s-finetune"
    references = ("tan2021",)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(
            backbone="timm:tf_efficientnetv2_s",
            image_size=256,
            crop_size=224,
            head=[512],
            dropout=0.3,
            optimiser="adamw",
            lr=1e-4,
            weight_decay=1e-5,
            schedule="cosine",
            period=10,
            epochs=8,
            batch_size=32,
            monitor="roc_auc",
            patience=None,
            mean=[0.485, 0.456, 0.406],
            std=[0.229, 0.224, 0.225],
            augment={"flip": True, "crop": [0.8, 1.0], "auto_augment": True, "mixup": 0.2},
        )


class Resnet50Finetune(Finetune):
    """ResNet-50, all of it trained on, as in report 004."""

    name = "resnet50-finetune"
    references = ("he2016",)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return _defaults(
            backbone="torchvision:resnet50",
            head=[512],
            head_norm=True,
            dropout=0.0,
            lr=1e-3,
            batch_size=64,
            epochs=2,
            patience=None,
            epoch_confusion=True,
        )


def _defaults(
    backbone: str = "mobilenetv3_small_100",
    weights: str = "imagenet",
    image_size: int = 128,
    unfreeze: str = "all",
    head: list[int] | None = None,
    head_norm: bool = False,
    fixed_norm: bool | None = None,
    dropout: float = 0.2,
    mean: list[float] | None = None,
    std: list[float] | None = None,
    **recipe: Any,
) -> dict[str, Any]:
    return {
        "backbone": backbone,
        "weights": weights,
        "image_size": image_size,
        "unfreeze": unfreeze,
        "head": head or [],
        "head_norm": head_norm,
        "fixed_norm": fixed_norm,
        "dropout": dropout,
        **recipe_defaults(**recipe),
        "mean": mean,
        "std": std,
    }

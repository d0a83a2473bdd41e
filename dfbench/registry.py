"""Finds parts by name: extractors, models, audits, protocols, pictures, metrics, and so on.

Built-in, from packages or files: all are entry points, loaded when they are asked for and not
before; a broken one is an entry with a reason and takes nothing else down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint
from inspect import isabstract
from pathlib import Path
from typing import Any, get_args

from dfbench.errors import DfbenchError, PluginError, UnknownNameError, let_stop, unknown, worded
from dfbench.files import resolved
from dfbench.hosted import load
from dfbench.installed import entry_points_of
from dfbench.plugins import info

EXTRACTORS = "dfbench.extractors"
MODELS = "dfbench.models"
PROTOCOLS = "dfbench.protocols"
AUDITS = "dfbench.audits"
PICTURES = "dfbench.pictures"
METRICS = "dfbench.metrics"
COLUMNS = "dfbench.columns"
AUGMENTATIONS = "dfbench.augmentations"
LAYOUTS = "dfbench.layouts"
GROUPS = (EXTRACTORS, MODELS, METRICS, COLUMNS, AUGMENTATIONS, LAYOUTS, PROTOCOLS, AUDITS, PICTURES)
OF_PACKAGES = (PROTOCOLS, AUDITS, PICTURES)
"""Groups that files bring nothing to, but packages do."""

_BUILT_IN: dict[str, dict[str, tuple[str, str]]] = {
    EXTRACTORS: {
        "hsv": ("dfbench.features.extractors.hsv:HSV", "histogram of hue, saturation and value"),
        "lbp": (
            "dfbench.features.extractors.lbp:LBP",
            "uniform local binary patterns at several radii",
        ),
        "fft": ("dfbench.features.extractors.fft:FFT", "azimuthally averaged log power spectrum"),
        "pixels": ("dfbench.features.extractors.pixels:Pixels", "the image itself, shrunk"),
        "dct": ("dfbench.features.extractors.dct:DCT", "statistics of block cosine transforms"),
        "cooccurrence": (
            "dfbench.features.extractors.cooccurrence:Cooccurrence",
            "co-occurrences of noise residuals",
        ),
        "wavelet": (
            "dfbench.features.extractors.wavelet:Wavelet",
            "statistics of wavelet sub-bands",
        ),
        "glcm": (
            "dfbench.features.extractors.glcm:GLCM",
            "Haralick's properties of grey-level co-occurrence",
        ),
        "hog": (
            "dfbench.features.extractors.hog:HOG",
            "histograms of oriented gradients on a fixed grid",
        ),
        "colour": (
            "dfbench.features.extractors.colour:Colour",
            "statistics within and between channels",
        ),
        "neighbours": (
            "dfbench.features.extractors.neighbours:Neighbours",
            "relations of neighbouring pixels, which up-sampling ties",
        ),
        "lpq": (
            "dfbench.features.extractors.lpq:LPQ",
            "local phase quantisation, which blur leaves",
        ),
        "centre": (
            "dfbench.features.extractors.centre:Centre",
            "what other extractors say of the middle of the image",
        ),
        "coherence": (
            "dfbench.features.extractors.coherence:Coherence",
            "how far the channels' detail goes together, by frequency",
        ),
        "zones": (
            "dfbench.features.extractors.zones:Zones",
            "detail of the middle against that around it",
        ),
        "metadata": (
            "dfbench.features.extractors.metadata:Metadata",
            "control: file size, dimensions, format, JPEG tables; never pixels",
        ),
        "embedding": (
            "dfbench.features.extractors.embedding:Embedding",
            "frozen CLIP, DINOv2, or any timm or torchvision backbone",
        ),
    },
    MODELS: {
        "knn": ("dfbench.models.classical.knn:KNN", "k nearest neighbours"),
        "svm": ("dfbench.models.classical.svm:SVM", "support vector machine"),
        "kernel-ridge": (
            "dfbench.models.classical.kernel_ridge:KernelRidge",
            "least-squares SVM whose weights of feature blocks are learned",
        ),
        "xgboost": ("dfbench.models.classical.xgboost:XGBoost", "gradient-boosted trees"),
        "logistic": ("dfbench.models.brought.ready:Logistic", "logistic regression"),
        "linear-svm": ("dfbench.models.brought.ready:LinearSVM", "linear support vector machine"),
        "lda": ("dfbench.models.brought.ready:LDA", "linear discriminant analysis, shrunk"),
        "random-forest": ("dfbench.models.brought.ready:RandomForest", "random forest"),
        "extra-trees": ("dfbench.models.brought.ready:ExtraTrees", "extremely randomised trees"),
        "lightgbm": ("dfbench.models.brought.ready:LightGBM", "trees boosted leaf by leaf"),
        "mlp": ("dfbench.models.brought.ready:MLP", "one hidden layer over features"),
        "cnn-2conv": (
            "dfbench.models.networks.cnn:Cnn2Conv",
            "two convolutions, trained end to end",
        ),
        "cnn-3conv": (
            "dfbench.models.networks.cnn:Cnn3Conv",
            "three convolutions, trained end to end",
        ),
        "hybrid-hsv-cnn": (
            "dfbench.models.networks.hybrid:HybridHsvCnn",
            "five residual convolutions and a colour histogram together",
        ),
        "meso4": ("dfbench.models.networks.meso:Meso4", "MesoNet's smaller detector"),
        "mesoinception4": (
            "dfbench.models.networks.meso:MesoInception4",
            "MesoNet with inception blocks",
        ),
        "residual-cnn": (
            "dfbench.models.networks.residual:ResidualCnn",
            "noise residuals at native resolution, fixed and learned filters",
        ),
        "npr": (
            "dfbench.models.networks.npr:Npr",
            "relationships of neighbouring pixels into a truncated ResNet",
        ),
        "dct-cnn": (
            "dfbench.models.networks.dct:DctCnn",
            "four convolutions over the logarithms of the DCT",
        ),
        "gram-net": (
            "dfbench.models.networks.gram:GramNet",
            "a ResNet beside Gram matrices of its maps",
        ),
        "vit-small": ("dfbench.models.networks.vit:VitSmall", "a small vision transformer"),
        "frozen": (
            "dfbench.models.networks.pretrained:Frozen",
            "frozen:NAME, a head on a frozen timm or torchvision backbone",
        ),
        "finetune": (
            "dfbench.models.networks.pretrained:Finetune",
            "finetune:NAME, a timm or torchvision backbone trained on",
        ),
        "xception-frozen": (
            "dfbench.models.networks.pretrained:XceptionFrozen",
            "a head on Xception",
        ),
        "resnet50-frozen": (
            "dfbench.models.networks.pretrained:Resnet50Frozen",
            "a head on ResNet-50",
        ),
        "mobilenetv2-frozen": (
            "dfbench.models.networks.pretrained:Mobilenetv2Frozen",
            "a head on MobileNetV2",
        ),
        "mobilenetv2-finetune": (
            "dfbench.models.networks.pretrained:Mobilenetv2Finetune",
            "MobileNetV2 trained on",
        ),
        "efficientnetv2s-finetune": (
            "dfbench.models.networks.pretrained:Efficientnetv2sFinetune",
            "EfficientNetV2-S trained on",
        ),
        "resnet50-finetune": (
            "dfbench.models.networks.pretrained:Resnet50Finetune",
            "ResNet-50 trained on",
        ),
    },
    AUDITS: {
        "reading": (
            "dfbench.benchmark.audits.reading:ReadingAudit",
            "how a folder was taken for a data set, and what could not be read",
        ),
        "leaks": (
            "dfbench.benchmark.audits.leaks:LeakAudit",
            "images of the figures, or copies of them, that train knows",
        ),
        "shortcuts": (
            "dfbench.benchmark.audits.shortcuts:ShortcutAudit",
            "facts about files that tell the classes apart without a pixel",
        ),
        "proportion": (
            "dfbench.benchmark.audits.proportion:ProportionAudit",
            "images that are too few, too alike or too uneven for figures to say much",
        ),
    },
    # the order is that of their sections
    PROTOCOLS: {
        "leave-one-generator-out": (
            "dfbench.benchmark.protocols.leave_one_generator_out:LeaveOneGeneratorOut",
            "each kind of fake left out of training in turn",
        ),
        "learning-curve": (
            "dfbench.benchmark.protocols.learning_curve:LearningCurve",
            "rows fitted on parts of the training images",
        ),
        "cross-dataset": (
            "dfbench.benchmark.protocols.cross_dataset:CrossDataset",
            "the images of other data sets, and thresholds taken along",
        ),
        "robustness": (
            "dfbench.benchmark.protocols.robustness:Robustness",
            "the same images, changed",
        ),
        "external": (
            "dfbench.benchmark.protocols.external:External",
            "a further labelled set, and whether intervals hold its figures",
        ),
    },
    # the order is that of the report
    PICTURES: {
        "scores": (
            "dfbench.benchmark.pictures.scores:ScoresPicture",
            "confusion, ROC and precision-recall curves, reliability",
        ),
        "training": (
            "dfbench.benchmark.pictures.training:TrainingPicture",
            "a network's training, epoch by epoch",
        ),
        "examples": (
            "dfbench.benchmark.pictures.examples:ExamplesPicture",
            "the surest right and wrong verdicts",
        ),
        "cam": (
            "dfbench.benchmark.pictures.cam:CamPicture",
            "where a network looks (Grad-CAM)",
        ),
        "tsne": (
            "dfbench.benchmark.pictures.tsne:TsnePicture",
            "images laid out by features or last layer (t-SNE)",
        ),
    },
}

_LISTED = {
    METRICS: ("dfbench.results.statistics.metrics:ENTRIES", "name"),
    COLUMNS: ("dfbench.results.board.columns:COLUMNS", "key"),
    AUGMENTATIONS: ("dfbench.models.training.recipe:AUGMENTATIONS", "name"),
    LAYOUTS: ("dfbench.suites.datasets.layouts.all:KNOWN", "name"),
}
"""Of groups whose built-in parts stand in one list: that list, and what its entries' names are."""

_BASES = {
    MODELS: "dfbench.models.base:Model",
    PROTOCOLS: "dfbench.benchmark.protocols.base:Protocol",
    AUDITS: "dfbench.benchmark.audits.base:Audit",
    PICTURES: "dfbench.benchmark.pictures.base:Picture",
}
"""What parts of a group are subclasses of."""

ELSEWHERE = {
    "call": "dfbench.features.elsewhere.called:Called",
    "onnx": "dfbench.features.elsewhere.files:Onnx",
    "torchscript": "dfbench.features.elsewhere.files:TorchScript",
    "detectzoo": "dfbench.features.elsewhere.zoo:Zoo",
}
"""Kinds of detectors from elsewhere, ``KIND:TARGET`` in a row, and what asks one of them."""

_OWN = "dfbench"
_DETECTOR = "dfbench.models.elsewhere:Detector"
"""What reads their scores."""
_DECLARED = {
    "model": "dfbench.models.brought.declared:declared",
    "network": "dfbench.models.networks.declared:declared",
}
_IMPORTED = "dfbench.models.brought.imported:imported"
"""What makes models of functions and of import paths."""
_KINDS = {
    EXTRACTORS: ("extractor",),
    MODELS: ("model", "network"),
    METRICS: ("metric",),
    COLUMNS: ("column",),
    AUGMENTATIONS: ("augmentation",),
    LAYOUTS: ("layout",),
}
"""Which kinds of functions are parts of a group."""
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Part:
    """Something that can be asked for by its name.

    Attributes
    ----------
    name
        What users type.
    owner
        Who brings it: ``dfbench``, a distribution, or the path of a plugin file.
    summary
        One line; empty where only loading would tell.
    loader
        Gives the class or the decorated function.
    base
        Entry point of the class that it must be a subclass of; empty where it may be a function.
    kinds
        Kinds of functions that it may be; empty where it may be something else.
    """

    name: str
    owner: str
    summary: str
    loader: Callable[[], Any]
    base: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def built_in(self) -> bool:
        """Whether dfbench itself brings it."""
        return self.owner == _OWN

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"{self.name!r} of {self.owner}"

    def broken(self, error: BaseException) -> PluginError:
        """Give the error that blames it for one that came out of it."""
        said = str(error) if isinstance(error, DfbenchError) else worded(error)
        return PluginError(said, where=self.where)

    def load(self) -> Any:
        """Import it.

        Raises
        ------
        PluginError
            If that fails, or it is no part of its kind, with the owner and the reason.
        """
        try:
            found = self.loader()
        except DfbenchError:
            raise
        except BaseException as error:
            let_stop(error)
            raise PluginError(f"cannot be loaded: {worded(error)}", where=self.where) from error
        if self.kinds:
            self._check_kind(found)
        loaded = found
        if self.base == _BASES[MODELS]:
            found = model_of(found)
        if self.base:
            self._check(found, EntryPoint("", self.base, "").load())
        if not self.built_in:
            self._check_name(found, isinstance(loaded, type) and found is loaded)
        return found

    def _check_name(self, found: Any, a_class: bool) -> None:
        """Raise where it has no name, or another than the one that it is found by."""
        told, key = info(found), "name"
        named = isinstance(getattr(found, "name", None), str)
        if named and told is not None and told.name == self.name:
            return  # a class that has a name is called as its decorator says
        form = "write name = {!r} in the class" if a_class else "write name={!r} in its decorator"
        own = told.name if told is not None and not a_class else getattr(found, "name", None)
        if self.base == _BASES[PROTOCOLS]:
            key, form = "kind", "write kind: Literal[{!r}] in the class"
            literals = get_args(found.model_fields["kind"].annotation)
            own = literals[0] if len(literals) == 1 else None
        if own == self.name or not (a_class or told):
            return
        what = f"has no {key}"
        if isinstance(own, str):
            what = f"its {key} is {own!r}, and its entry point is called {self.name!r}"
        hint = form.format(self.name).replace("'", '"')
        raise PluginError(what, where=self.where, hint=hint)

    def _check_kind(self, found: Any) -> None:
        told = info(found)
        if told is None or told.kind not in self.kinds:
            wanted = " or ".join(f"@dfbench.{kind}" for kind in self.kinds)
            raise PluginError(f"no function under {wanted}", where=self.where)

    def _check(self, found: Any, base: Any) -> None:
        if not (isinstance(found, type) and issubclass(found, base)):
            raise PluginError(f"no subclass of {base.__name__}", where=self.where)
        if isabstract(found):
            lacking = ", ".join(sorted(getattr(found, "__abstractmethods__", ())))
            raise PluginError(f"an abstract class, which lacks {lacking}", where=self.where)


def model_of(found: Any) -> Any:
    """Make a model of a function under ``@dfbench.model``, or ``@dfbench.network``.

    Raises
    ------
    PluginError
        Where its hints are not what they must be.
    """
    told = info(found)
    if told is None or (isinstance(found, type) and told.kind == "model"):
        return found
    return EntryPoint("", _DECLARED[told.kind], "").load()(found)


class Registry:
    """The parts of one kind, by name.

    Parameters
    ----------
    group
        `EXTRACTORS`, `MODELS`, `PROTOCOLS` and so on.
    files
        Plugin files, which declare functions to be parts.

    Raises
    ------
    PluginError
        If a file cannot be loaded, or two owners bring the same name.
    """

    def __init__(self, group: str, files: Iterable[Path] = ()) -> None:
        self._group = group
        self.files = tuple(dict.fromkeys(resolved(file) for file in files))
        self.kind = group.rpartition(".")[2].rstrip("s")
        self._parts: dict[str, Part] = {}
        if group in _LISTED:
            where, named = _LISTED[group]
            for each in EntryPoint("", where, "").load():
                name = getattr(each, named)
                self._add(Part(name, _OWN, each.title.strip() or name, partial(_itself, each)))
        for name, (value, summary) in _BUILT_IN.get(group, {}).items():
            self._add(_from_entry_point(EntryPoint(name, value, group), _OWN, summary))
        for point in entry_points_of(group):
            owner = point.dist.name if point.dist is not None else point.value
            self._add(_from_entry_point(point, owner, ""))
        for path in self.files:
            for function in load(path):
                told = info(function)
                if told is not None and told.kind in _KINDS.get(group, ()):
                    summary = (function.__doc__ or "").strip().partition("\n")[0]
                    loader = partial(_itself, function)
                    self._add(Part(told.name, str(path), summary, loader, _BASES.get(group, "")))

    def _add(self, part: Part) -> None:
        other = self._parts.get(part.name)
        if other is not None:
            raise PluginError(
                f"two {self.kind}s are named {part.name!r}: one of {other.owner}, "
                f"one of {part.owner}",
                hint="rename one of them",
            )
        self._parts[part.name] = part

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts.values())

    def __contains__(self, name: str) -> bool:
        return name in self._parts or (self._group == MODELS and name in ELSEWHERE)

    def names(self) -> list[str]:
        """All names, the built-in ones first."""
        return list(self._parts)

    def loadable(self) -> dict[str, Any]:
        """Load all that can be loaded, by name."""
        return {part.name: found for part, found in self.working()}

    def among(self, names: Collection[str]) -> list[Part]:
        """Give those of these names, in their order here."""
        return [part for part in self if part.name in names]

    def working(self) -> Iterator[tuple[Part, Any]]:
        """Load all that can be loaded, one after the other."""
        for part in self:
            try:
                found = part.load()
            except DfbenchError:
                continue  # it says so where it is asked for
            yield part, found

    def get(self, name: str) -> Part:
        """Give the part of that name.

        A model may also be an import path, ``module:class``, or one of `ELSEWHERE`.

        Raises
        ------
        UnknownNameError
            With the nearest names.
        """
        if name not in self._parts:
            if self._group == MODELS and name in ELSEWHERE:
                return _from_entry_point(EntryPoint(name, _DETECTOR, MODELS), _OWN, "")
            if self._group == MODELS and _PATH.fullmatch(name):
                owner = name.partition(":")[0].partition(".")[0]
                return Part(name, owner, "", partial(_imported, name), _BASES[MODELS])
            if self._group == MODELS and _DOTTED.fullmatch(name):
                meant = ":".join(name.rsplit(".", 1))
                raise UnknownNameError(f"unknown model {name!r}", hint=f"did you mean {meant!r}?")
            raise unknown(self.kind, name, self._parts)
        return self._parts[name]


def is_code(model: str) -> bool:
    """Whether the name of a model has something imported or run that dfbench does not know.

    Import paths of scikit-learn's own estimators, and weights as ONNX, have not.

    Examples
    --------
    >>> [is_code(name) for name in ("knn", "call:mine.py:f", "subprocess:Popen", "onnx:a.onnx")]
    [False, True, True, False]
    """
    kind = model.partition(":")[0]
    if kind in ELSEWHERE:
        return kind != "onnx"
    return _PATH.fullmatch(model) is not None and kind.partition(".")[0] not in (
        "sklearn",
        "finetune",
    )


def detector_of(kind: str) -> Any:
    """Import what asks detectors of a kind, of `ELSEWHERE`."""
    return EntryPoint("", ELSEWHERE[kind], "").load()


def _from_entry_point(point: EntryPoint, owner: str, summary: str) -> Part:
    kinds = _KINDS[point.group] if point.group in _LISTED else ()
    return Part(point.name, owner, summary, point.load, _BASES.get(point.group, ""), kinds)


def _itself(function: Any) -> Any:
    return function


def _imported(path: str) -> Any:
    return EntryPoint("", _IMPORTED, "").load()(path)

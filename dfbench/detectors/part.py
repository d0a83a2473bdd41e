"""One fitted model of a detector, with the extractors that make its input of a picture."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.archive import ModelFileError
from dfbench.detectors.contents import KeptExtractor, KeptModel
from dfbench.errors import DfbenchError, ParameterError, PluginError, worded
from dfbench.features.base import Extractor
from dfbench.features.elsewhere.base import FromElsewhere
from dfbench.features.expression import Term, build
from dfbench.features.function import FunctionExtractor
from dfbench.features.internal.square import Square
from dfbench.features.internal.squares import square
from dfbench.features.views.view import Seen
from dfbench.models.base import Both, Inputs, Labels, Model, Probabilities
from dfbench.models.kept import Kept
from dfbench.plugins import info, source_digest
from dfbench.registry import ELSEWHERE, EXTRACTORS, MODELS, Registry, detector_of

_LIBRARIES = ("sklearn", "lightgbm", "xgboost", "catboost")
"""Packages that a file may have imported."""
_ANOTHER = "run the row again, or ask the dfbench that made it"


@dataclass(frozen=True, eq=False)
class Part:
    """A fitted model, and what it is given of a picture.

    Attributes
    ----------
    row
        Its row.
    model
        Fitted.
    extractors
        Of its features, in the order of the columns.
    widths
        Of their vectors.
    side
        Of the square images that it is given, in pixels; None where it is given vectors alone.
    typical
        Median of each feature over the training images, shape (d,), float32; None without
        features.
    """

    row: str
    model: Model
    extractors: tuple[Extractor, ...]
    widths: tuple[int, ...]
    side: int | None
    typical: NDArray[np.float32] | None
    _lock: threading.RLock

    @property
    def square(self) -> Square:
        """What makes the square images that it is given."""
        assert self.side is not None  # who asks knows that it is given images
        return square(self.model.square, self.side)

    @property
    def reads_files(self) -> bool:
        """Whether it asks for files, not pixels alone."""
        return any(extractor.reads == "file" for extractor in self.extractors)

    def feature_names(self) -> list[str]:
        """Name each feature, ``lbp: r1_hist_3``; numbers where an extractor has no names."""
        found = []
        for extractor, width in zip(self.extractors, self.widths, strict=True):
            names = [str(name) for name in extractor.get_feature_names_out()]
            its = names if len(names) == width else list(map(str, range(width)))
            found += [f"{extractor.name}: {name}" for name in its]
        return found

    def inputs(self, seen: Sequence[Seen]) -> Inputs:
        """Make what the model is given of pictures in the normal form of its data set.

        Raises
        ------
        ParameterError
            If an extractor reads files and a picture has none.
        PluginError
            If an extractor breaks.
        """
        vectors = [self._vectors(*each, seen) for each in zip(self.extractors, self.widths,
                                                               strict=True)]  # fmt: skip
        features = np.hstack(vectors) if vectors else None
        if self.side is None:
            assert features is not None  # a model is given something
            return features
        pixels = [each.image for each in seen]
        images = self.square.transform(pixels).reshape(len(seen), self.side, self.side, 3)
        return images if features is None else Both(images, features)

    def _vectors(
        self, extractor: Extractor, width: int, seen: Sequence[Seen]
    ) -> NDArray[np.float32]:
        reads: list[Any] = [each.image for each in seen]
        if extractor.reads == "file":
            reads = [each.file for each in seen]
            if not all(reads):
                raise ParameterError(
                    f"the row {self.row!r} reads files: give a path or the bytes of one",
                    where="images",
                )
        if extractor.threads:
            found = extractor.transform(reads)
        else:
            with self._lock:
                found = extractor.transform(reads)
        found = np.asarray(found, dtype=np.float32)
        if found.shape != (len(seen), width) or not np.isfinite(found).all():
            raise PluginError(
                f"gives values of shape {found.shape} or that are not finite, where the model was"
                f" fitted on {width} an image",
                where=extractor.where,
            )
        return found

    def proba(self, inputs: Inputs) -> Probabilities:
        """Give class probabilities, shape (n, K)."""
        with self._asked():
            return self.model.predict_proba(inputs)

    def cams(self, inputs: Inputs, classes: Labels) -> NDArray[np.float32] | None:
        """Show what in each image speaks for a class, see `Model.cams`."""
        with self._asked():
            return self.model.cams(inputs, classes)

    def contributions(self, inputs: Inputs, classes: Labels) -> NDArray[np.float64] | None:
        """Show what each feature adds to the evidence for a class, see `Model.contributions`."""
        with self._asked():
            return self.model.contributions(inputs, classes)

    def embed(self, inputs: Inputs) -> NDArray[np.float32] | None:
        """Give the model's own features of each image, see `Model.embed`."""
        with self._asked():
            return self.model.embed(inputs)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Ask the model, one at a time; what breaks in it is told as a fault of what was kept."""
        with self._lock:
            try:
                yield
            except DfbenchError:
                raise
            except Exception as error:
                raise ModelFileError(
                    f"the model is not what it must be: {worded(error)}", where=self.row
                ) from error


def part_of(
    kept: KeptModel,
    files: Mapping[str, bytes],
    *,
    typical: NDArray[np.float32] | None,
    plugins: Sequence[Path] = (),
    device: str = "cpu",
    n_threads: int = 1,
) -> Part:
    """Make a fitted model again of what was kept of it.

    Raises
    ------
    ModelFileError
        If it does not fit what is installed.
    KeptError
        If what it holds is damaged.
    UnavailableError
        If a package that it needs is absent.
    """
    extractors = [extractor_of(each, files, plugins) for each in kept.extractors]
    widths = tuple(each.width for each in kept.extractors)
    if typical is not None and (typical.shape != (sum(widths),) or not np.isfinite(typical).all()):
        raise ModelFileError("is not whole: the model and its input do not belong together")
    model = model_of(kept, files, plugins=plugins, device=device, n_threads=n_threads)
    return Part(kept.row, model, tuple(extractors), widths, kept.side, typical, threading.RLock())


def model_of(
    kept: KeptModel,
    files: Mapping[str, bytes],
    *,
    plugins: Sequence[Path] = (),
    device: str = "cpu",
    n_threads: int = 1,
) -> Model:
    """Make a fitted model again, without what makes its input; see `part_of`."""
    registry = Registry(MODELS, plugins)
    if kept.model not in registry:
        _check_known(kept.model)
    model_class: type[Model] = registry.get(kept.model).load()
    if model_class.version != kept.version:
        raise ModelFileError(
            f"was made with another version of the model {kept.model!r}: "
            f"{kept.version}, here it is {model_class.version}",
            hint=_ANOTHER,
        )
    if kept.source and source_of(model_class) != kept.source:
        raise ModelFileError(
            f"the model {kept.model!r} is another than was fitted: the file that declares it has"
            " changed",
            hint="give the file as it was, or run the row again",
        )
    model_class.check_params(kept.params)
    model = model_class(
        n_classes=kept.n_classes, seed=kept.seed, device=device, n_threads=n_threads, **kept.params
    )
    model.blocks = tuple(each.width for each in kept.extractors)
    if (model_class.image_side(model.params) or None) != kept.side:
        raise ModelFileError("is not whole: the model and its input do not belong together")
    return model.restore(Kept({name: files[its] for name, its in kept.files.items()}, kept.plain))


def source_of(model: type[Model]) -> str:
    """Hash the file of a model that a decorator declares; empty for others."""
    declared = info(model) or info(getattr(model, "function", None))
    return "" if declared is None else source_digest(model)


def _check_known(name: str) -> None:
    """Raise where a file names a model whose code would be looked for anywhere on this machine."""
    module = name.partition(":")[0]
    if module in sys.modules or module.partition(".")[0] in _LIBRARIES:
        return
    raise ModelFileError(
        f"its model {name!r} is code of somebody's own, which is not kept",
        hint="give the file that declares it: --plugin FILE",
    )


def extractor_of(
    kept: KeptExtractor, files: Mapping[str, bytes], plugins: Sequence[Path] = ()
) -> Extractor:
    """Make an extractor again.

    Raises
    ------
    ModelFileError
        If there is none of this name, or not in this version, or its weights are others.
    UnavailableError
        If weights that were not brought along are absent.
    """
    if kept.name in ELSEWHERE:
        kind: type[FromElsewhere] = detector_of(kept.name)
        return kind.again(kept.params)
    registry = Registry(EXTRACTORS, plugins)
    if kept.source and kept.name not in registry.names():
        raise ModelFileError(
            f"its features {kept.name!r} are a function of somebody's own, whose code is not kept",
            hint="give the file that has it: --plugin FILE",
        )
    [extractor] = build([Term(kept.name, dict(kept.params))], registry)
    if extractor.version != kept.version:
        raise ModelFileError(
            f"was made with another version of the extractor {kept.name!r}: "
            f"{kept.version}, here it is {extractor.version}",
            hint=_ANOTHER,
        )
    if isinstance(extractor, FunctionExtractor) and extractor.identity()["source"] != kept.source:
        raise ModelFileError(
            f"the function {kept.name!r} is another than it was fitted with: its file has changed"
        )
    if kept.weights:
        extractor.hold(files[kept.weights])
    if kept.loads and hashlib.sha256(extractor.held()).hexdigest() != kept.loads:
        raise ModelFileError(
            f"was made with other weights of {kept.params.get('backbone')} than this machine has",
            hint="its library has exchanged them, or has another version: install that which the"
            " model was made with",
        )
    return extractor


def told(extractor: Extractor) -> dict[str, Any]:
    """Write down how an extractor is made again: fields of `KeptExtractor` but for the width.

    Raises
    ------
    DfbenchError
        If its parameters cannot be written down.
    """
    if isinstance(extractor, FromElsewhere):
        params = extractor.kept()
        known = {"name": extractor.name, "params": params, "version": extractor.version}
        return {**known, "source": ""}
    if isinstance(extractor, FunctionExtractor):
        params, source = dict(extractor.params or {}), str(extractor.identity()["source"])
    else:
        params, source = extractor.get_params(deep=False), ""
    plain = {name: _plain(value) for name, value in params.items() if value is not None}
    known = {"name": extractor.name, "params": plain, "version": extractor.version}
    return {**known, "source": source}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bool | int | float | str):
        return value
    raise DfbenchError(f"a parameter that cannot be kept: {value!r}")

"""A kept model, loaded: asked about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.archive import Bundle, ModelFileError, read
from dfbench.detectors.contents import Contents
from dfbench.detectors.familiarity import far, unlike
from dfbench.detectors.joined import Joined
from dfbench.detectors.part import Part, part_of
from dfbench.detectors.pictures import FileFacts, Picture, look
from dfbench.detectors.rates import Rate, Scored, rates
from dfbench.detectors.reference import PLACES, Gaussian, compared
from dfbench.detectors.together import ALPHA as SET_ALPHA
from dfbench.detectors.together import FEWEST, Together
from dfbench.detectors.verdict import Verdict
from dfbench.errors import DfbenchError, ParameterError, worded
from dfbench.features.pipeline.store import DECODER_VERSION
from dfbench.features.views.operations import VERSION as OPERATIONS
from dfbench.features.views.view import Normal, Seen, normalise
from dfbench.files import at_home
from dfbench.installed import available_cores
from dfbench.models.base import Inputs, Probabilities
from dfbench.models.devices import resolve_device
from dfbench.received.arrays import arrays_of
from dfbench.results.statistics.sample import decide

_BATCH = 32
"""Pictures at a time."""


class Detector:
    """A kept model that says what pictures are.

    It may be asked from several threads at once.

    Parameters
    ----------
    bundle
        What was kept.
    plugins
        Files with the functions of one's own that its features are made by.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Attributes
    ----------
    contents
        What is told of the model: its row, data set, figures, warnings.
    classes_
        Names of the classes, shape (K,), in the order of the columns of `predict_proba`.
    parts
        The fitted model, or those of the members of a derived row.
    joined
        What combines their scores; None with one model.

    Raises
    ------
    ModelFileError
        Where what was kept is damaged or does not fit what is installed.
    UnavailableError
        Where a package that it needs is absent.
    """

    def __init__(
        self, bundle: Bundle, *, plugins: Sequence[Path] = (), device: str = "cpu"
    ) -> None:
        self.contents: Contents = bundle.contents
        self.classes_: NDArray[np.str_] = np.array(self.contents.classes)
        _check_versions(self.contents)
        try:
            self._take_up(bundle, plugins, resolve_device(device))
        except DfbenchError:
            raise
        except Exception as error:
            # whatever a file that was tampered with makes of libraries: it is no model
            raise ModelFileError(f"is not what it must be: {worded(error)}") from error

    def _take_up(self, bundle: Bundle, plugins: Sequence[Path], device: str) -> None:
        contents = self.contents
        if not contents.models:
            raise ModelFileError(
                "is a derived row of a results folder, made of other files of it",
                hint="write it into one file: dfbench export FOLDER ROW",
            )
        arrays = _arrays(bundle)
        self.parts: tuple[Part, ...] = tuple(
            part_of(
                kept,
                bundle.files,
                typical=arrays.get(f"{number}.typical"),
                plugins=plugins,
                device=device,
                n_threads=available_cores(),
            )
            for number, kept in enumerate(contents.models)
        )
        kept = contents.combination
        self.joined = None if kept is None else Joined.restored(kept)
        if self.joined is None and len(self.parts) > 1:
            raise ModelFileError("is not whole: several models and nothing that joins them")
        self._outside = _outside(arrays)
        self._together = _together(arrays)
        self._tested = _tested(arrays, len(self.classes_))

    # --- what it is ----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Row and data set."""
        return f"{self.contents.row} on {self.contents.dataset}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.contents.classes)

    @property
    def positive(self) -> int | None:
        """Number of the positive class; None with several classes."""
        if len(self.classes) != 2:
            return None
        return 1 if self.contents.positive is None else self.contents.positive

    @property
    def threshold(self) -> float | None:
        """Score of the positive class from which on it is decided for; None with several."""
        if len(self.classes) != 2:
            return None
        return 0.5 if self.contents.threshold is None else self.contents.threshold

    def rates(self, threshold: float | None = None) -> list[Rate]:
        """Say how often it was wrong on the test images of its own data set, by class.

        Parameters
        ----------
        threshold
            Instead of its own.

        Returns
        -------
        list of Rate
            One a class; none where the file does not hold how the test images were scored.

        Raises
        ------
        ParameterError
            On a threshold for several classes, or outside of 0 to 1.
        """
        self.check_threshold(threshold)
        if self._tested is None:
            return []
        return rates(
            self._tested, self.classes, positive=self.positive, threshold=self._cut(threshold)
        )

    # --- what it says --------------------------------------------------------------------------

    def look(self, image: Any) -> Picture:
        """Take up an image, see `dfbench.detectors.pictures.look`."""
        return look(image)

    def predict_proba(self, images: Any) -> Probabilities:
        """Give class probabilities.

        Parameters
        ----------
        images
            A sequence of paths, bytes of files, arrays (uint8, shape (H, W, 3), RGB), or PIL
            images; an array of shape (n, H, W, 3) will do.

        Returns
        -------
        ndarray of shape (n, K), dtype float64
            Column k is the class ``classes_[k]``; rows sum to 1. What stands there for an image
            does not depend on the others.

        Raises
        ------
        ImageError, DataError
            If a file is no image or cannot be read.
        ParameterError
            If something is no image, or the model reads files and there is none.
        """
        pictures = [look(image) for image in _several(images)]
        return self.proba_of_pictures(pictures)

    def predict(self, images: Any, *, threshold: float | None = None) -> NDArray[np.str_]:
        """Give the name of the class that each image is taken for, shape (n,).

        Parameters
        ----------
        images
            As for `predict_proba`.
        threshold
            Instead of its own: the score of the positive class from which on it is decided for.

        Raises
        ------
        ImageError, DataError, ParameterError
            As `predict_proba`.
        """
        self.check_threshold(threshold)
        numbers = self._decide(self.predict_proba(images), threshold)
        found: NDArray[np.str_] = self.classes_[numbers]
        return found

    def verdicts(self, images: Any, *, threshold: float | None = None) -> list[Verdict]:
        """Say of each image what it is taken for, how surely, and whether it is unlike the others.

        Parameters and errors are those of `predict`.
        """
        self.check_threshold(threshold)
        pictures = [look(image) for image in _several(images)]
        found: list[Verdict] = []
        for start in range(0, len(pictures), _BATCH):
            found += self._verdicts(pictures[start : start + _BATCH], threshold)
        return found

    def proba_of_pictures(self, pictures: Sequence[Picture]) -> Probabilities:
        """Give class probabilities of pictures that were looked at, shape (n, K)."""
        rows = [np.zeros((0, len(self.classes_)))]
        for start in range(0, len(pictures), _BATCH):
            rows.append(self._proba(self.inputs(pictures[start : start + _BATCH])))
        return np.concatenate(rows)

    def inputs(self, pictures: Sequence[Picture]) -> list[Inputs]:
        """Make what each part is given of pictures.

        This is what takes long, and may be done in several threads.
        """
        seen = [self._seen(picture) for picture in pictures]
        return [part.inputs(seen) for part in self.parts]

    def verdicts_of(
        self,
        facts: Sequence[FileFacts],
        inputs: Sequence[Inputs],
        threshold: float | None = None,
    ) -> list[Verdict]:
        """Judge pictures of which the facts are known and the inputs are made, see `inputs`."""
        proba = self._proba(inputs)
        numbers = self._decide(proba, threshold)
        far, places = self._among_training(inputs)
        return [
            Verdict(
                label=self.classes[number],
                classes=self.classes,
                probabilities=row,
                score=None if self.positive is None else float(row[self.positive]),
                threshold=self.threshold if threshold is None else threshold,
                outside=self._unlike(its, is_far),
                place=place,
            )
            for its, row, number, is_far, place in zip(
                facts, proba, numbers.tolist(), far, places, strict=True
            )
        ]

    def _verdicts(self, pictures: Sequence[Picture], threshold: float | None) -> list[Verdict]:
        facts = [picture.facts for picture in pictures]
        return self.verdicts_of(facts, self.inputs(pictures), threshold)

    def _seen(self, picture: Picture) -> Seen:
        return normalise(Seen(picture.pixels, picture.file or b""), self._normal)

    @cached_property
    def _normal(self) -> Normal | None:
        kept = self.contents.normal
        return None if kept is None else Normal(**kept.model_dump())

    def _proba(self, inputs: Sequence[Inputs]) -> Probabilities:
        each = [part.proba(its) for part, its in zip(self.parts, inputs, strict=True)]
        try:
            found = each[0] if self.joined is None else self.joined(each)
        except Exception as error:  # whatever was written of how its members are joined
            reason = worded(error)
            raise ModelFileError(f"its members cannot be joined: {reason}") from error
        if found.shape != (len(each[0]), len(self.classes_)) or not np.isfinite(found).all():
            raise ModelFileError("gives no probabilities", where=self.name)
        return np.asarray(found, dtype=np.float64)

    def _decide(self, proba: Probabilities, threshold: float | None) -> NDArray[np.int64]:
        return decide(proba, positive=self.positive, threshold=self._cut(threshold))

    def _cut(self, threshold: float | None) -> float | None:
        return self.contents.threshold if threshold is None else threshold

    def check_threshold(self, threshold: float | None) -> None:
        """Raise `ParameterError` on a threshold for several classes, or outside of 0 to 1."""
        if threshold is None:
            return
        if self.positive is None:
            raise ParameterError("is for two classes", where="threshold")
        number = isinstance(threshold, int | float | np.number)
        if not number or not 0 <= threshold <= 1:
            raise ParameterError(f"is a probability, not {threshold!r}", where="threshold")

    def together(self, verdicts: Sequence[Verdict]) -> str:
        """Say whether pictures, taken together, are unlike those that the model was trained on.

        That shows where no single one of them is out of the ordinary: pictures of another camera
        or generator. It does not hang on how many of them are of which class.

        Parameters
        ----------
        verdicts
            Of the pictures. Nothing is said of fewer than 10.

        Returns
        -------
        str
            In words; empty where they are like them, or nothing can be said.
        """
        places = [verdict.place for verdict in verdicts if verdict.place is not None]
        if self._together is None or len(places) < FEWEST:
            return ""
        p = self._together.p_value(np.stack(places))
        if p >= SET_ALPHA:
            return ""
        return (
            f"taken together these {len(places):,} pictures are unlike those that it was trained "
            f"on (p {f'= {p:.3f}' if p >= 0.001 else '< 0.001'}), as pictures of another source "
            "are, or many of one scene: its error rates need not hold for them"
        )

    def _among_training(
        self, inputs: Sequence[Inputs]
    ) -> tuple[NDArray[np.bool_], Sequence[NDArray[np.float32] | None]]:
        """Say which pictures are far from the training images, and where each lies among them."""
        n = len(inputs[0])
        if self._outside is None:
            return np.zeros(n, dtype=bool), [None] * n
        own = compared(self.parts[0].model, inputs[0])
        assert own is not None  # the reference was made of them
        if own.shape[1] != len(self._outside.mean):
            raise ModelFileError("its reference is of other features than its model")
        return self._outside.far(own), list(self._outside.places(own))

    def _unlike(self, facts: FileFacts, is_far: bool) -> tuple[str, ...]:
        seen = self.contents.seen
        found = unlike(seen, facts) if seen is not None else []
        return (*found, far(self.contents.n_tune)) if is_far else tuple(found)


def load_model(
    path: str | Path, *, plugins: str | Path | Sequence[str | Path] = (), device: str = "cpu"
) -> Detector:
    """Load a model that was kept, to ask it about pictures.

    Nothing in the file is executed or unpickled.

    Parameters
    ----------
    path
        What ``dfbench export`` wrote, or a file in ``models/`` of a results folder.
    plugins
        Python files with the ``@dfbench.extractor`` functions that its features are made by.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    Detector

    Raises
    ------
    ModelFileError
        Where the file is no model, damaged, or does not fit what is installed.
    UnavailableError
        Where a package that it needs is absent.

    Examples
    --------
    >>> import dfbench
    >>> detector = dfbench.load_model("model.dfb")
    >>> detector.predict(["photo.jpg"])
    array(['fake'], dtype='<U4')
    """
    if not isinstance(path, str | Path) or "\0" in str(path):
        raise ParameterError(f"a path, not {path!r}", where="path")
    where = at_home(path)
    given = [plugins] if isinstance(plugins, str | Path) else list(plugins)
    bundle = read(where)
    try:
        return Detector(bundle, plugins=[Path(each) for each in given], device=device)
    except ModelFileError as error:
        raise ModelFileError(error.what, where=where, hint=error.hint) from error
    except DfbenchError as error:
        said = error.what if error.where is None else f"{error.where}: {error.what}"
        raise type(error)(said, where=where, hint=error.hint) from error


def _several(images: Any) -> list[Any]:
    one = isinstance(images, str | Path | bytes | bytearray | Picture)
    if one or (isinstance(images, np.ndarray) and images.ndim == 3):
        raise ParameterError("a list of images, not one: [image]", where="images")
    try:
        return list(images)
    except TypeError:
        raise ParameterError(
            f"a list of images, not {type(images).__name__}", where="images"
        ) from None


def _check_versions(contents: Contents) -> None:
    if (contents.decoder, contents.operations) != (DECODER_VERSION, OPERATIONS):
        raise ModelFileError(
            "was made by a version of dfbench that makes other pixels of a file",
            hint=f"it was {contents.versions.get('dfbench', 'another')}",
        )


def _arrays(bundle: Bundle) -> dict[str, NDArray[Any]]:
    if not bundle.contents.reference:
        return {}
    try:
        return arrays_of(bundle.files[bundle.contents.reference])
    except ValueError as error:
        raise ModelFileError(f"its reference cannot be read: {error}") from error


def _outside(arrays: dict[str, NDArray[Any]]) -> Gaussian | None:
    own = {
        name.removeprefix("outside."): array
        for name, array in arrays.items()
        if name.startswith("outside.")
    }
    return Gaussian.of_arrays(own) if own else None


def _together(arrays: dict[str, NDArray[Any]]) -> Together | None:
    if "together.places" not in arrays or "outside.variances" not in arrays:
        return None
    places, labels = arrays["together.places"], arrays["together.labels"]
    width = min(PLACES, len(arrays["outside.variances"])) + 1
    fits = labels.ndim == 1 and len(labels) and places.shape == (len(labels), width)
    if not fits or not np.isfinite(places).all():
        raise ModelFileError("is not whole: places of the tuning part do not fit their labels")
    return Together(places, labels)


def _tested(arrays: dict[str, NDArray[Any]], n_classes: int) -> Scored | None:
    if "test.labels" not in arrays:
        return None
    tested = Scored(arrays["test.labels"], arrays["test.probabilities"], arrays.get("test.groups"))
    labels, groups = tested.labels, tested.groups
    if not (
        labels.dtype == np.int64
        and labels.ndim == 1
        and tested.probabilities.shape == (len(labels), n_classes)
        and np.isfinite(tested.probabilities).all()
        and bool(((labels >= 0) & (labels < n_classes)).all())
        and (groups is None or groups.shape == labels.shape)
    ):
        raise ModelFileError("is not whole: scores of the test images do not fit their labels")
    return tested

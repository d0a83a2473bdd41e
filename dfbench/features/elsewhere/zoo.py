"""Published detectors of the package DetectZoo: ``detectzoo:NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from dfbench.errors import PluginError, UnavailableError, worded
from dfbench.features.elsewhere.base import FromElsewhere, Scorer
from dfbench.images import Image


class Zoo(FromElsewhere):
    """The score that a detector of DetectZoo gives an image: higher is more likely generated.

    Parameters
    ----------
    detector
        Its name there.
    numbers, bounded
        See `FromElsewhere`; it gives one number.
    options
        Further arguments of ``load_detector``, by name: pairs of name and value.
    device
        ``cpu`` or ``cuda``; ``auto`` is the run's.
    """

    name = "detectzoo"

    def __init__(
        self,
        detector: str = "",
        numbers: int = 1,
        bounded: bool = True,
        options: tuple[tuple[str, Any], ...] = (),
        device: str = "auto",
    ) -> None:
        self.detector = detector
        self.numbers = numbers
        self.bounded = bounded
        self.options = options
        self.device = device

    @property
    def source(self) -> str:
        """The name."""
        return f"detectzoo:{self.detector}"

    @property
    def settings(self) -> tuple[Any, ...]:
        """What `load` needs."""
        return self.detector, self.options, self.device

    def check_available(self) -> None:
        """Raise `UnavailableError` where the package is absent."""
        if find_spec("detectzoo") is None:
            raise UnavailableError(
                "the package detectzoo is not installed",
                hint='pip install "dfbench-toolkit[detectzoo]"',
            )

    def itself(self) -> dict[str, Any]:
        """Tell its name, options, and the version of the package, which decides on weights."""
        try:
            package = version("detectzoo")
        except PackageNotFoundError:
            package = ""
        return {
            "detector": self.detector,
            "options": [list(pair) for pair in self.options],
            "package": package,
        }

    @staticmethod
    def load(*settings: Any) -> Scorer:
        """Load the detector; the package fetches its weights where they are absent."""
        name, options, device = settings
        where = f"detectzoo:{name}"
        try:
            from detectzoo import load_detector
        except ImportError as error:
            raise UnavailableError(
                f"the package detectzoo cannot be imported: {error}",
                hint='pip install "dfbench-toolkit[detectzoo]"',
            ) from None
        place = "cuda" if device == "cuda" else "cpu"
        try:
            detector = load_detector(name, **{"device": place, **dict(options)})
        except (ValueError, TypeError) as error:
            raise PluginError(worded(error), where=where) from error
        except Exception as error:
            raise UnavailableError(
                f"{where} cannot be loaded: {worded(error)}",
                hint="it fetches its weights when it is first loaded: let it once where the network"
                " is in reach, or name the file in options, such as checkpoint_path",
            ) from error
        modality = getattr(detector, "modality", "image")
        if modality != "image":
            raise PluginError(f"is a detector of {modality}, not of images", where=where)

        def scores(images: Sequence[Image]) -> list[Any]:
            from PIL import Image as Pillow

            return [detector.predict(Pillow.fromarray(image)).score for image in images]

        return scores

"""dfbench: a benchmark toolkit for deepfake image classification.

Examples
--------
Which detector is better on a folder of images, by how much, and whether that is certain:

>>> import dfbench
>>> results = dfbench.run("smoke", data="my-faces", out="results")  # doctest: +SKIP
>>> results.frame()[["row", "roc_auc", "roc_auc_low", "roc_auc_high"]]  # doctest: +SKIP
>>> print(results.compare("hsv+lbp+fft/svm", "hsv/knn"))  # doctest: +SKIP

A feature of one's own is a function from an image to a vector::

    @dfbench.extractor
    def mean_colour(image):          # RGB, uint8, (H, W, 3)
        return image.mean(axis=(0, 1))

``dfbench.run(..., plugins="mean_colour.py")``, or ``dfbench run --suite all --plugin
mean_colour.py``, then puts it into the leaderboard.
"""

from typing import TYPE_CHECKING, Any

from dfbench._version import __version__
from dfbench.decorators import augmentation, column, extractor, layout, metric, model, network

if TYPE_CHECKING:
    from dfbench.benchmark.extract import extract
    from dfbench.benchmark.run import run
    from dfbench.benchmark.verification import verify
    from dfbench.detectors.detector import Detector, load_model
    from dfbench.results.results import Results, load_results

__all__ = [
    "Detector",
    "Results",
    "__version__",
    "augmentation",
    "column",
    "extract",
    "extractor",
    "layout",
    "load_model",
    "load_results",
    "metric",
    "model",
    "network",
    "run",
    "verify",
]

_LAZY = {
    "Detector": "dfbench.detectors.detector",
    "Results": "dfbench.results.results",
    "extract": "dfbench.benchmark.extract",
    "load_model": "dfbench.detectors.detector",
    "load_results": "dfbench.results.results",
    "run": "dfbench.benchmark.run",
    "verify": "dfbench.benchmark.verification",
}
"""What is imported when it is first asked for, so that ``import dfbench`` takes no time."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

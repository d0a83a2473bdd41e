"""How much of an image's old size is left in its pixels after each normal form.

    python benchmarks/traces.py FOLDER

FOLDER holds images of 256x256 pixels of one origin. A random half is scaled to 240x240; of the
others the middle is scaled to 178x218, the size of CelebA; all are saved as JPEG of quality 92. So
the halves differ by their size alone. After `[normalise]` an SVM on fft+lbp+dct learns to tell them
apart on five eighths of the images; its AUC on the others is printed, 0.5 where nothing is left.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from dfbench.features.extractors.dct import DCT
from dfbench.features.extractors.fft import FFT
from dfbench.features.extractors.lbp import LBP
from dfbench.features.views.operations import jpeg
from dfbench.features.views.view import Normal, Seen, normalise
from dfbench.images import decode

MOST = 800
METHODS: tuple[Literal["resize", "crop"], ...] = ("resize", "crop")


def made(path: Path, small: bool) -> Seen:
    """Give an image in one of the two sizes."""
    image = decode(path.read_bytes())
    if image.shape[:2] != (256, 256):
        sys.exit(f"{path}: not 256x256 pixels")
    kept, size = (image[:, 23:233], (178, 218)) if small else (image, (240, 240))
    data = jpeg(cv2.resize(kept, size, interpolation=cv2.INTER_AREA), 92)
    return Seen(decode(data), data)


def main() -> None:
    """Measure and print."""
    if len(sys.argv) != 2:
        sys.exit(str(__doc__))
    files = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file())[:MOST]
    small = np.random.default_rng(0).permutation(len(files)) % 2 == 1
    images = [made(path, half) for path, half in zip(files, small, strict=True)]
    train = np.arange(len(files)) < len(files) * 5 // 8
    print(f"{len(files)} images, {(~train).sum()} of them to test on: AUC\nside  resize  crop")
    for size in (176, 128, 96, 64):
        found = []
        for method in METHODS:
            normal = Normal(size, method, "jpeg", 75)
            shown = [normalise(image, normal).image for image in images]
            vectors = np.hstack([e.transform(shown) for e in (FFT(), LBP(), DCT())])
            model = make_pipeline(StandardScaler(), SVC()).fit(vectors[train], small[train])
            found.append(roc_auc_score(small[~train], model.decision_function(vectors[~train])))
        print(f"{size:4}  {found[0]:6.3f}  {found[1]:4.3f}")


if __name__ == "__main__":
    main()

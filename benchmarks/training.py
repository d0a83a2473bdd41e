"""Time the training of cnn-3conv by dfbench beside the usual loop and the network alone.

    python benchmarks/training.py [FOLDER] [--images 2000] [--epochs 3] [--device cpu]

The usual loop is torchvision's ImageFolder with Resize and ToTensor, a DataLoader with worker
processes, Adam, float32. dfbench decodes and resizes each image once, keeps uint8, and trains in
float32 and in the precision that it picks by itself. All have the same architecture, images,
batches and rate; "alone" is the same training step on random tensors that lie ready, the least
that an epoch can take.

FOLDER is searched for images at any depth; the folder that an image lies in is its class, and
there are two. A fifth is held out, and scored after each epoch outside the time of the training.
Without FOLDER synthetic images of 256x256 pixels are made in a temporary folder, which is little
to learn from: look at the times only.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch.nn import functional

from dfbench.features.internal.resized import Resized
from dfbench.images import decode
from dfbench.models.networks.cnn import Cnn3Conv
from dfbench.models.networks.network import Network
from dfbench.models.training.precision import autocast_dtype

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
SIDE = 128
BATCH = 32
RATE = 1e-3

Data = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]


@dataclass
class Run:
    """What came of one way to train.

    Attributes
    ----------
    decoding
        Seconds before the first epoch.
    epochs
        Seconds of the training part of each epoch.
    aucs
        ROC AUC on the held-out part after each epoch.
    """

    decoding: float
    epochs: list[float]
    aucs: list[float]

    @property
    def later(self) -> float:
        """Seconds of an epoch from the second on."""
        return median(self.epochs[1:])


def synthetic(folder: Path, n: int) -> None:
    """Write n JPEG images of 256x256, with the 1/f spectrum of photographs; half are upsampled."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512))
    frequency[0, 0] = 1
    fields = [
        np.fft.irfft2(np.fft.rfft2(rng.standard_normal((512, 512))) / frequency) for _ in range(24)
    ]
    fields = [(field / field.std()).astype(np.float32) for field in fields]
    for i in range(n):
        layers = []
        for field in rng.choice(len(fields), 3):
            y, x = rng.integers(0, 256, 2)
            layers.append(fields[field][y : y + 256, x : x + 256])
        grey = layers[0]
        image = np.stack([grey + 0.3 * layer for layer in layers], axis=2)
        image = (128 + 45 * image + rng.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)
        name = ("real", "fake")[i % 2]
        if i % 2:
            image = cv2.resize(cv2.resize(image, (128, 128)), (256, 256))
        (folder / name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name / f"{i}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 90])


def parts(root: Path, n: int, folder: Path) -> tuple[Path, Path]:
    """Draw n images for training, and a quarter as many to score, evenly from two folders.

    They are laid out by links as ImageFolder wants them. Where there are too few, four fifths
    are trained on.
    """
    by_class: dict[str, list[Path]] = {}
    for file in sorted(root.rglob("*")):
        if file.suffix.lower() in ENDINGS and file.is_file():
            by_class.setdefault(file.parent.name, []).append(file)
    if len(by_class) != 2:
        sys.exit(f"{root}: images of two classes are needed, not of {len(by_class)}")
    rng = np.random.default_rng(0)
    for name, files in by_class.items():
        chosen = rng.permutation(len(files))[: n * 5 // 8]
        for number, index in enumerate(chosen):
            part = folder / ("held_out" if number < len(chosen) // 5 else "train") / name
            part.mkdir(parents=True, exist_ok=True)
            (part / f"{number}{files[index].suffix}").symlink_to(files[index].resolve())
    return folder / "train", folder / "held_out"


def read(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Decode and resize the images of two class folders as dfbench does; their classes."""
    rows, labels = [], []
    resized = Resized(SIDE)
    for label, kind in enumerate(sorted(folder.iterdir())):
        for file in sorted(kind.iterdir()):
            rows.append(resized.transform([decode(file.read_bytes())])[0])
            labels.append(label)
    return np.stack(rows).reshape(-1, SIDE, SIDE, 3), np.array(labels)


def network(**params: Any) -> Network:
    """Make the network as dfbench knows it."""
    fixed = {"optimiser": "adam", "weight_decay": 0.0, "lr": RATE, "batch_size": BATCH}
    return Cnn3Conv(n_classes=2, image_size=SIDE, patience=None, **{**fixed, **params})


def synchronise(device: str) -> None:
    """Wait for the GPU, so that a clock can be read."""
    if device == "cuda":
        torch.cuda.synchronize()


def usual(train: Path, held_out: Path, epochs: int, workers: int, device: str, seed: int) -> Run:
    """Train as most scripts do."""
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Resize, ToTensor

    steps = Compose([Resize((SIDE, SIDE)), ToTensor()])
    gpu = device == "cuda"
    loader = DataLoader(
        ImageFolder(str(train), steps), BATCH, shuffle=True, num_workers=workers, pin_memory=gpu
    )
    rest = DataLoader(ImageFolder(str(held_out), steps), BATCH, num_workers=workers)
    torch.manual_seed(seed)
    module = network().build(0).to(device)
    optimiser = torch.optim.Adam(module.parameters(), lr=RATE)
    run = Run(0.0, [], [])
    for _ in range(epochs):
        module.train()
        start = time.perf_counter()
        for x, y in loader:
            optimiser.zero_grad()
            out = module(x.to(device))[:, 0]
            loss = functional.binary_cross_entropy_with_logits(out, y.to(device).float())
            loss.backward()
            optimiser.step()
        synchronise(device)
        run.epochs.append(time.perf_counter() - start)
        module.eval()
        with torch.no_grad():
            found = [(module(x.to(device))[:, 0].cpu(), y) for x, y in rest]
        scores, labels = (torch.cat(column).numpy() for column in zip(*found, strict=True))
        run.aucs.append(float(roc_auc_score(labels, scores)))
    return run


def alone(n: int, precision: str, device: str, *, tuned: bool) -> float:
    """Seconds of an epoch of n images where random tensors take the place of the images.

    ``tuned``: channels last and a fused Adam, as in dfbench; as in the usual loop otherwise.
    """
    torch.manual_seed(0)
    module = network().build(0).to(device).train()
    x = torch.rand(BATCH, 3, SIDE, SIDE, device=device)
    y = torch.randint(0, 2, (BATCH,), device=device).float()
    if tuned:
        module.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(module.parameters(), lr=RATE, fused=tuned)
    reduced = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    seconds = []
    steps = 50 if device == "cuda" else 8
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(steps):
            with torch.autocast(device, dtype=reduced, enabled=reduced is not None):
                out = module(x)[:, 0]
            loss = functional.binary_cross_entropy_with_logits(out.float(), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        synchronise(device)
        seconds.append((time.perf_counter() - start) / steps)
    return median(seconds[1:]) * math.ceil(n / BATCH)


def ours(data: Data, decoding: float, epochs: int, precision: str, device: str, seed: int) -> Run:
    """Train by dfbench."""
    threads = torch.get_num_threads()
    model = network(epochs=epochs, precision=precision, seed=seed, device=device, n_threads=threads)
    model.fit(*data)
    return Run(
        decoding,
        [epoch.seconds for epoch in model.history],
        [epoch.val_roc_auc for epoch in model.history],
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=2000, help="to train on")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1, help="repetitions, for the scores")
    parser.add_argument("--workers", type=int, default=2, help="of the usual loop's DataLoader")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    if arguments.epochs < 2:
        sys.exit("--epochs: at least 2, for times are taken from the second on")
    torch.set_num_threads(arguments.threads)
    device, epochs = arguments.device, arguments.epochs
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.folder
        if root is None:
            root = Path(temporary) / "images"
            synthetic(root, arguments.images * 5 // 4)
        train, held_out = parts(root, arguments.images, Path(temporary) / "parts")
        start = time.perf_counter()
        X, y = read(train)
        decoding = time.perf_counter() - start
        X_val, y_val = read(held_out)
        picked = "32" if autocast_dtype(device) is None else "bf16"
        precisions = list(dict.fromkeys(["32", picked]))
        rows: dict[str, list[Run]] = {}
        for seed in range(arguments.seeds):
            run = usual(train, held_out, epochs, arguments.workers, device, seed)
            rows.setdefault("usual loop, 32", []).append(run)
            for precision in precisions:
                run = ours((X, y, X_val, y_val), decoding, epochs, precision, device, seed)
                rows.setdefault(f"dfbench, {precision}", []).append(run)
        n = len(y)
        least = {"usual loop, 32": alone(n, "32", device, tuned=False)}
        for precision in precisions:
            least[f"dfbench, {precision}"] = alone(n, precision, device, tuned=True)
    show(rows, least, n, len(y_val))


def show(rows: dict[str, list[Run]], least: dict[str, float], n: int, n_val: int) -> None:
    """Print a line for each way to train."""
    print(f"{n} images trained on, {n_val} scored, batches of {BATCH}")
    print(
        f"{'':16}{'first':>9}{'later':>9}{'images/s':>10}{'x usual':>9}"
        f"{'alone':>9}{'alone/later':>13}  ROC AUC after the last epoch"
    )
    first = median(run.later for run in rows["usual loop, 32"])
    for name, runs in rows.items():
        later = median(run.later for run in runs)
        start = median(run.decoding + run.epochs[0] for run in runs)
        aucs = " ".join(f"{run.aucs[-1]:.3f}" for run in runs)
        print(
            f"{name:16}{start:8.2f}s{later:8.2f}s{n / later:10.0f}{later / first:9.2f}"
            f"{least[name]:8.2f}s{least[name] / later:13.2f}  {aucs}"
        )


if __name__ == "__main__":
    main()

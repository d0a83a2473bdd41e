from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores, Tuning


@dataclass
class Folder:
    """A results folder in the making."""

    out: Path

    def add(
        self,
        dataset,
        row,
        *,
        gain=1.0,
        seed=0,
        n=40,
        control="",
        noise=0,
        classes=("real", "fake"),
        **other,
    ):
        """Write one cell, its scores drawn by the numbers given; returns its record."""
        cell = f"c{len(list((self.out / 'cells').glob('*.json')))}"
        record = Record(
            cell=cell,
            dataset=dataset,
            row=row,
            seed=seed,
            **{
                "status": "ok",
                "split": "test",
                "tuned_on": "validation",
                "classes": list(classes),
                "positive": 1 if len(classes) == 2 else None,
                "n_train": 120,
                "n_test": n,
                "n_features": 48,
                "fit_seconds": 1.25,
                "predict_images_per_second": 1234.5,
                "tuning": Tuning(
                    trials=5, seconds=2.0, best_value=0.9, default_value=0.8, stopped_by="trials"
                ),
                "fingerprint": "aa",
                **other,
            },
        )
        record = ResultsFolder(self.out).write_cell(record, self.scores(record, gain, noise))
        self.place(dataset, row, cell, seed=seed, control=control)
        return record

    def fail(self, dataset, row, reason, *, status="failed", seed=0):
        cell = f"c{len(list((self.out / 'cells').glob('*.json')))}"
        record = Record(
            cell=cell, dataset=dataset, row=row, seed=seed, status=status, reason=reason
        )
        ResultsFolder(self.out).write_cell(record, None)
        self.place(dataset, row, cell, seed=seed)
        return record

    def place(self, dataset, row, cell, *, seed=0, control=""):
        entry = Entry(dataset=dataset, row=row, seed=seed, cell=cell, control=control)
        ResultsFolder(self.out).write_entries([entry])

    @staticmethod
    def scores(record, gain, noise=0):
        n, k = record.n_test, len(record.classes)
        labels = np.arange(n) % k
        raw = np.random.default_rng(noise).normal(size=(n, k))
        raw[np.arange(n), labels] += gain
        raw = np.exp(raw)
        return Scores(
            images=[f"{i:03}.png" for i in range(n)],
            labels=labels,
            groups=np.arange(n) // 3 if record.grouped else None,
            probabilities=raw / raw.sum(axis=1, keepdims=True),
        )


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "out")


@pytest.fixture
def full(folder):
    """Three data sets of all kinds, with gaps, ties, controls, failures and awkward names."""
    for dataset, extra in (
        ("faces", {"n_left_out": 2}),
        ("frames", {"grouped": True}),
        ("five_generators", {"split": "validation", "classes": ["real", *"abcd"], "n": 75}),
    ):
        folder.add(dataset, "hsv/knn", gain=1.0, **extra)
        folder.add(dataset, "hsv+lbp+fft/xgboost", gain=2.0, **extra)
        folder.add(dataset, "metadata/svm", gain=0.0, control="no pixels", **extra)
        folder.fail(dataset, "embedding/knn", "weights are absent", status="skipped")
        folder.fail(dataset, "embedding/svm", "weights are absent", status="skipped")
    folder.add("faces", "a<b>|c&'\"/x_", gain=-1.0)
    folder.fail("frames", "a<b>|c&'\"/x_", "it broke: <tag> | pipe\nsecond line")
    folder.place("five_generators", "cnn-3conv", "never")
    return folder

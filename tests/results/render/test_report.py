"""The report: one file with all figures, safe text, warnings first."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from dfbench.results.board.arrange import arrange
from dfbench.results.board.board import Line
from dfbench.results.render.report import write_report
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import METRICS

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def line(row: str, auc: float | None = 0.8, **more: object) -> Line:
    metrics = {name: Estimate(value=auc) for name in METRICS}
    known = {
        "dataset": "faces <b>", "row": row, "seeds": [0], "status": "ok", "split": "test",
        "n_test": 30, "n_train": 60, "metrics": metrics, "classes": ["real", "fake"],
        "cells": [row.replace("/", "")], "fit_seconds": 1.0, **more,
    }  # fmt: skip
    return Line.model_validate(known)


def test_one_file_with_everything(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(PIXEL)
    board = arrange(
        [
            line("hsv/svm", threshold=0.4),
            line("lbp/<svm>", 0.7),
            line("net", None, status="skipped", reason="weights <absent>"),
        ]
    )
    figures = {
        "hsvsvm": [("curves & more", picture), ("gone", tmp_path / "missing.png")],
        "lbp<svm>": [],
    }
    path = write_report(tmp_path, board, {"faces <b>": picture}, figures)
    text = path.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64," + base64.b64encode(PIXEL).decode()) == 2
    assert "curves &amp; more" in text
    assert "gone" not in text
    assert "threshold 0.400 from the tuning split" in text
    assert "<b>hsv/svm</b><span>ROC AUC 0.800" in text
    for raw in ("faces <b>", "lbp/<svm>", "<absent>"):
        assert raw not in text
    warning = text.index('<div class="notices">')
    assert warning < text.index("<table")
    assert "weights &lt;absent&gt;" in text[warning : text.index("</div>", warning)]
    assert not re.search(r"(src|href)=\"https?:", text)
    assert text.count("<details><summary><b>hsv/svm</b>") == 1
    assert "<summary><b>lbp/" not in text, "a row without figures has nothing to unfold"


def test_a_board_without_rows_is_a_page_too(tmp_path: Path) -> None:
    assert "<h1>Report</h1>" in write_report(tmp_path, arrange([]), {}, {}).read_text(
        encoding="utf-8"
    )


def test_large_pictures_are_embedded_as_jpeg(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    picture = tmp_path / "noise.png"
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)
    Image.fromarray(noise).save(picture)
    figures = {"hsvsvm": [("noise", picture)]}
    text = write_report(tmp_path, arrange([line("hsv/svm")]), {}, figures).read_text(
        encoding="utf-8"
    )
    coded = re.search(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    assert coded is not None
    content = base64.b64decode(coded[1])
    assert content[:2] == b"\xff\xd8"
    assert len(content) < picture.stat().st_size / 2

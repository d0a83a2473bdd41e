"""The report: one file with all figures, safe text, warnings first."""

from __future__ import annotations

import base64
import os
import re
import shutil
from pathlib import Path

import pytest

from dfbench.results.board.arrange import arrange
from dfbench.results.board.board import Line
from dfbench.results.board.build import build_board
from dfbench.results.render.report import Shown, _charts, write_report
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
        "cells": [row.replace("/", "")], "fit_seconds": 1.0,
        "fits": [{"cell": row.replace("/", ""), "seed": 0, "threshold": more.get("threshold")}],
        **more,
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
        "hsvsvm": [
            Shown("curves & more", picture, True, lambda: ["fake/<b> 中.png", "real/" + "x" * 300]),
            Shown("gone", tmp_path / "missing.png"),
        ],
        "lbp<svm>": [],
    }
    path = write_report(tmp_path, board, {"faces <b>": picture}, figures)
    text = path.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64," + base64.b64encode(PIXEL).decode()) == 2
    assert "curves &amp; more" in text
    assert "gone" not in text
    # what was compared, and the files that a picture shows, in full
    title = "3 rows on faces &lt;b&gt;"
    assert f"<h1>{title}</h1>" in text
    assert f"<title>{title} \N{MIDDLE DOT} dfbench</title>" in text
    files = ["fake/&lt;b&gt; 中.png", "real/" + "x" * 300]
    assert f'alt="curves &amp; more: {", ".join(files)}"' in text
    assert all(f"<li>{file}</li>" in text for file in files)
    assert text.count('<figure class="drawing">') == 1
    assert "threshold 0.400 from the tuning split" in text
    assert "<b>hsv/svm</b><span>ROC AUC 0.800" in text
    for raw in ("faces <b>", "lbp/<svm>", "<absent>"):
        assert raw not in text
    warning = text.index('<div class="notices">')
    assert warning < text.index("<table")
    assert "weights &lt;absent&gt;" in text[warning : text.index("</div>", warning)]
    assert not re.search(r"(src|href)=\"https?:", text)
    assert text.count('<details class="row"><summary><b>hsv/svm</b>') == 1
    assert "<summary><b>lbp/" not in text, "a row without figures has nothing to unfold"


def test_pictures_of_a_seed_stand_under_its_own_figure(tmp_path: Path) -> None:
    """And not under the mean, which is that of the row."""
    picture = tmp_path / "a.png"
    picture.write_bytes(PIXEL)
    fits = [
        {"cell": "a", "seed": 0, "metrics": {"roc_auc": 0.748}},
        {"cell": "b", "seed": 7, "metrics": {"roc_auc": 0.7241}, "threshold": 0.4},
    ]
    row = line("hsv/svm", 0.736, seeds=[0, 7], cells=["a", "b"], fits=fits)
    figures = {cell: [Shown(f"of {cell}", picture)] for cell in "ab"}
    text = write_report(tmp_path, arrange([row]), {}, figures).read_text(encoding="utf-8")
    found = re.findall(r"<summary><b>(.*?)</b><span>(.*?)<|<figcaption>(.*?)<", text)
    assert ["".join(each) for each in found] == [
        "hsv/svmROC AUC 0.736, over 2 seeds",
        *("seed 0ROC AUC 0.748", "of a"),
        *("seed 7ROC AUC 0.724", "of b"),
    ]
    assert "threshold 0.400" not in text.split("<b>seed 7</b>")[0]


def test_rows_that_no_picture_shows_are_named(folder) -> None:
    for dataset in "abc":
        for place, row in enumerate(("hsv/knn", "fft/svm")):
            folder.add(dataset, row, gain=1.0 + place)
        folder.add(dataset, "metadata/svm", gain=0.0, control="no pixels")
        folder.add(dataset, "timeless", predict_images_per_second=None)
    folder.add("a", "only here")
    captions = [chart.caption for chart in _charts(build_board(folder.out))]
    assert captions[0].endswith("Not drawn: metadata/svm, only here.")
    assert all(caption.endswith("in the tables. Not drawn: timeless.") for caption in captions[1:])


def test_the_page_fits_screens_and_paper(full, tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("DFBENCH_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    full.add("faces", "a+rather+long+name+of/a-row", seed=1, n_left_out=2)
    path = write_report(tmp_path, build_board(full.out), {}, {})
    wide = "Array.from(document.querySelectorAll('.scroll'), x => x.scrollWidth - x.clientWidth)"
    looks = "getComputedStyle(document.querySelector('{}')).{}"
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1300, "height": 900}, color_scheme="dark")
        page.goto(path.as_uri())
        assert max(page.evaluate(wide)) <= 0
        assert page.evaluate(looks.format("body", "backgroundColor")) == "rgb(20, 24, 29)"
        # A4 between its margins
        page.set_viewport_size({"width": 703, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth") <= 703
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.querySelectorAll('main details:not([open])').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 703
        assert page.evaluate(looks.format("body", "backgroundColor")) == "rgb(255, 255, 255)"
        assert page.evaluate(looks.format("form.filters", "display")) == "none"
        browser.close()


def test_a_board_without_rows_is_a_page_too(tmp_path: Path) -> None:
    assert "<h1>Nothing run yet</h1>" in write_report(tmp_path, arrange([]), {}, {}).read_text(
        encoding="utf-8"
    )


def test_large_pictures_are_embedded_as_jpeg(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    picture = tmp_path / "noise.png"
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)
    Image.fromarray(noise).save(picture)
    figures = {"hsvsvm": [Shown("noise", picture)]}
    text = write_report(tmp_path, arrange([line("hsv/svm")]), {}, figures).read_text(
        encoding="utf-8"
    )
    coded = re.search(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    assert coded is not None
    content = base64.b64decode(coded[1])
    assert content[:2] == b"\xff\xd8"
    assert len(content) < picture.stat().st_size / 2

"""What a paper says of a run, and shows of it: from its records alone."""

import re

import pytest
from typer.testing import CliRunner

from dfbench import __version__
from dfbench.benchmark.methods import _extractors, methods
from dfbench.cli import app
from dfbench.references import parse
from dfbench.registry import EXTRACTORS, Registry
from dfbench.results.render import cited
from tests.conftest import SUITE

OWN = '''
import dfbench
import numpy as np
@dfbench.extractor
def mine(image):
    return image.mean(axis=(0, 1))
mine.references = """@misc{mine2026,
  author = {Doe, Jane and others}, title = {Mean \\\\& more}, year = {2026}
}"""
'''


@pytest.fixture(scope="module")
def made(run_once, tmp_path_factory):
    plugin = tmp_path_factory.mktemp("plugin") / "mine.py"
    plugin.write_text(OWN)
    suite = SUITE.replace("[budget]", f"seeds = [0, 1]\nplugins = ['{plugin}']\n[budget]")
    suite = suite.replace('["hsv"]', '["pixels[size=4]+mine"]').replace("trials = 1", "trials = 2")
    suite += '[[derived]]\nname = "both"\nof = ["pixels[size=4]+mine/knn"]\ncombine = "greedy"\n'
    return run_once("methods", suite) / "out", plugin


def test_a_paragraph_says_how_it_was_made_and_names_its_sources(made):
    out, plugin = made
    told = methods(out, [plugin])
    text = cited.to_markdown(told)
    for part in (
        "faces:", "(positive: fake)", "the seeds 0 and 1", "within 2 trials or 60 s a row",
        "both is greedy ensemble selection of pixels[size=4]+mine/knn", f"dfbench {__version__}",
        "Jane Doe et al. Mean \\& more. 2026.", "Rich Caruana et al.",
        "DeLong", "Optuna",
    ):  # fmt: skip
        assert part in text, part
    # neither what no row is of, nor what there was no call for
    for part in ("support vector", "whole groups", "Friedman", "torch", "xgboost", "control"):
        assert part not in text, part
    # each number that is cited stands in the list, in the order in which it comes
    body, _, listed = text.partition("## References")
    numbers = [int(n) for cite in re.findall(r" \[([\d, ]+)\]", body) for n in cite.split(",")]
    assert list(dict.fromkeys(numbers)) == list(range(1, 1 + len(listed.strip().splitlines())))
    keys = {each.key for each in parse(cited.to_bibtex(told))}
    cites = re.findall(r"\\cite\{([^}]*)\}", cited.to_tex(told))
    assert {key for cite in cites for key in cite.split(",")} == keys >= {"mine2026", "cover1967"}


def test_what_a_plugin_is_from_is_not_known_without_it(made):
    said = CliRunner().invoke(app, ["cite", str(made[0]), "--format", "bib"]).stdout
    assert {"cover1967"} <= {each.key for each in parse(said)}
    assert "mine2026" not in said


def test_embeddings_are_named_by_weights_and_block():
    params = {
        "backbone": "torchvision:mobilenet_v2",
        "weights": {"sha256": "0123456789ab" + "c" * 52},
    }
    of_block = {**params, "block": 13, "pool": "mean"}
    tables = [{"extractor": "embedding", "params": each} for each in (params, of_block, params)]
    said = [part.said for part in _extractors([{"features": tables}], Registry(EXTRACTORS))]
    ends = "torchvision:mobilenet_v2, weights of a file (SHA-256 0123456789ab)"
    assert [each.rpartition(": ")[2] for each in said] == [f"{ends})", f"{ends}, block 13 (mean))"]


def test_figures_for_a_paper_are_the_same_again(made, tmp_path):
    for name in ("a", "b"):
        words = ["figures", str(made[0]), "--out", str(tmp_path / name), "--format", "pdf,svg"]
        ended = CliRunner().invoke(app, [*words, "--rows", "both"])
        assert not ended.exit_code, ended.output
    files = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    for name in ("scores-faces-both-seed-1.pdf", "scores-faces-both-seed-1.svg"):
        assert files[name] == (tmp_path / "b" / name).read_bytes()
    for name, content in files.items():
        if name.endswith(".pdf"):
            # outlines of TrueType, and no date
            assert b"/FontFile2" in content
            assert b"/Type3" not in content
            assert b"CreationDate" not in content
    shown = re.findall(
        r"\\includegraphics\[width=\\(\w+)\]\{(.*?)\}", files["figures.tex"].decode()
    )
    assert {f"{name}.pdf" for _, name in shown} == {x for x in files if x.endswith(".pdf")}
    assert ("textwidth", "scores-faces-both-seed-1") in shown

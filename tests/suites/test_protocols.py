"""``[[protocols]]`` of a suite, and ``--protocol``."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfbench.benchmark.protocols.robustness import Robustness
from dfbench.errors import CardError, UnknownNameError
from dfbench.registry import PROTOCOLS, Registry
from dfbench.suites.protocols import with_defaults
from dfbench.suites.suite import load_suite

KINDS = Registry(PROTOCOLS).names()
ROWS = 'name = "x"\n[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'


def test_a_kind_that_the_suite_has_stays_as_it_is() -> None:
    given = [Robustness(kind="robustness", changes=["jpeg=70"])]
    found = with_defaults(given, ["cross-dataset", "robustness", "cross-dataset"])
    assert [protocol.kind for protocol in found] == ["robustness", "cross-dataset"]
    assert found[0] is given[0]
    alone = [kind for kind in KINDS if kind != "external"]  # it has a key that must be given
    assert [protocol.kind for protocol in with_defaults([], alone)] == alone
    with pytest.raises(UnknownNameError, match="did you mean 'robustness'"):
        with_defaults([], ["robust"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "robustness"\nchange = ["jpeg=70"]', "unknown key 'change' .*'changes'"),
        ('kind = "learning-curve"\nfractions = [2]', "key .protocols.0.fractions"),
        ('kind = "robust"', "'cross-dataset', 'robustness'"),
        ('kind = "robust"', r"unknown protocol 'robust' \(did you mean 'robustness'\?\)"),
        (
            'kind = "robustness"\n[[systems]]\nname = "a"\nmodel = "b"\n'
            'reported = { figures = "", data = "", source = "", dat = "" }',
            "unknown key 'dat' .*'data'",
        ),
        ('rows = ["a"]', "protocols.0.kind.: is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(f"{ROWS}[[protocols]]\n{text}\n")
    with pytest.raises(CardError, match=message):
        load_suite(path)

"""The statistics as somebody uses them who needs nothing else of dfbench."""

import doctest
import subprocess
import sys

from dfbench.results import statistics
from dfbench.results.statistics.metrics import ENTRIES, MAIN, METRICS

_LOADED = """
import sys
import numpy as np
from dfbench.results import statistics
statistics.figures(np.array([0, 1, 0, 1]), np.full((4, 2), 0.5))
print(*(name for name in sys.modules if name.startswith("dfbench.")))
"""


def test_the_examples_of_the_package_print_what_they_say():
    found = doctest.testmod(statistics)
    assert found.attempted > 15
    assert not found.failed


def test_all_public_names_are_there():
    assert all(hasattr(statistics, name) for name in statistics.__all__)


def test_nothing_but_what_dfbench_loads_anyway_and_the_statistics_is_loaded():
    """That rooms beside it stay out; import-linter holds whatever is imported only in functions."""

    def loaded(code):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return set(run.stdout.split())

    anyway = loaded("import sys, dfbench.jit, dfbench.results; print(*sys.modules)")
    own = {name for name in loaded(_LOADED) - anyway if not name.startswith(statistics.__name__)}
    assert not own


def test_the_figures_of_every_table_come_first_and_have_a_short_title():
    assert METRICS[: len(MAIN)] == MAIN
    assert all(each.short for each in ENTRIES if each.in_every_table)
    assert len(set(METRICS)) == len(METRICS)

"""What a card lists of its images, and how it fails, for tests of the layouts."""

from __future__ import annotations

import pytest

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.scan import check_fit, scan


def rows(path, root):
    return [
        (r.path, r.label, r.split, r.group, r.fault) for r in scan(load_card(path), root).images
    ]


def failure(path, root) -> str:
    with pytest.raises(DataError) as caught:
        check_fit(load_card(path), root)
    assert "\n" not in str(caught.value)
    return str(caught.value)

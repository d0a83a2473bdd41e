"""The conformance kit: whether a part is sound that somebody else wrote.

For the tests of a plugin::

    from dfbench.testing import check_extractor
    from my_package import mean_colour


    def test_it_is_sound():
        check_extractor(mean_colour)

``dfbench plugin check`` makes the same checks.
"""

from dfbench.testing.apart import Limits
from dfbench.testing.asserting import check_extractor, check_model, check_network
from dfbench.testing.checks import Outcome, Report

__all__ = ["Limits", "Outcome", "Report", "check_extractor", "check_model", "check_network"]

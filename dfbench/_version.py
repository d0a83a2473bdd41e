"""The version, alone, so that packaging and ``--version`` read it without importing anything."""

import time

BEGUN = time.time_ns()
"""When this process took dfbench up, in nanoseconds: code that is newer may not be what it runs."""
__version__ = "0.1.0"

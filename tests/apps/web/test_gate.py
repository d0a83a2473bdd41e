"""What comes through to the page, and what is refused before anything reads it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dfbench.apps.web.gate import Gate
from dfbench.apps.web.held import MOST_BYTES, Pictures
from tests_web import bomb, coded  # noqa: F401 - replaced below

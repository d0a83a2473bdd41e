"""A results folder of made-up scores, as the tests of boards have it."""

from tests.results.conftest import folder

__all__ = ["folder"]

"""Metrics, intervals and tests from arrays of scores; nothing else of dfbench is needed."""

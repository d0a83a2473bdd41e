"""The scores of a cell made ready for figures, as its record says they are to be read."""

from __future__ import annotations

from dfbench.results.records.records import Record, Scores
from dfbench.results.statistics.sample import Sample, prepare


def sample_of(record: Record, scores: Scores) -> Sample:
    """Prepare the scores of a cell, see `dfbench.results.statistics.sample.prepare`."""
    told = record.elsewhere
    return prepare(
        scores.labels,
        scores.probabilities,
        positive=record.positive,
        threshold=record.threshold,
        decides=told is None or told.decides,
        probable=told is None or told.probabilities,
    )

"""What is written of a job whose worker is gone."""

from __future__ import annotations

from dfbench.benchmark.execution.evaluating import give_up
from dfbench.benchmark.execution.job import Job
from dfbench.results.records.records import Record


def lost(job: Job, reason: str) -> Record:
    """Write and give the record of a job whose worker was lost; a result of its own stays."""
    record = job.out.read_cell(job.record["cell"])
    if record is not None and record.status == "ok":
        # what it lacks is a figure or an evaluation
        give_up(job, status="failed", reason=reason)
        return record
    record = Record.model_validate({**job.record, "status": "failed", "reason": reason})
    job.out.write_cell(record, None)
    return record


def out_of_time(seconds: float) -> str:
    """Word that a cell was stopped after so many seconds."""
    return f"out of time: stopped after {seconds:g} s (--cell-timeout)"

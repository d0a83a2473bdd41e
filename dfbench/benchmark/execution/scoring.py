"""What a worker does with a fitted model, and with an error."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np

from dfbench import errors
from dfbench.benchmark.execution.images import Images
from dfbench.benchmark.execution.job import Job
from dfbench.errors import DfbenchError, UnavailableError
from dfbench.files import write_text
from dfbench.models.base import Inputs, Model
from dfbench.results.records.records import Scores
from dfbench.results.records.scores import numbered


def score(
    job: Job, images: Images, model: Model, inputs: Inputs, *, grouped: bool | None = None
) -> Scores:
    """Let a model score images.

    Parameters
    ----------
    job
        Whose model it is.
    images
        With labels and groups.
    model
        Fitted.
    inputs
        Of the images, as the model wants them.
    grouped
        Whether the images share sources; by default as those of the cell.

    Raises
    ------
    DfbenchError
        If a score is not finite.
    """
    probabilities = model.predict_proba(inputs)
    if not np.isfinite(probabilities).all():
        raise DfbenchError("the model's probabilities are not finite", where=job.record["row"])
    paths, kinds = images.paths, images.kinds
    shared = job.record["grouped"] if grouped is None else grouped
    return Scores(
        images=paths,
        labels=images.labels,
        groups=numbered(images.groups, paths) if shared else None,
        probabilities=probabilities,
        kinds=tuple(kinds) if any(kinds) else None,
    )


def worded(job: Job, error: BaseException) -> dict[str, Any]:
    """Give status and reason of what an error ended; the log has the traceback of a strange one."""
    if isinstance(error, DfbenchError):
        status = "skipped" if isinstance(error, UnavailableError) else "failed"
        return {"status": status, "reason": str(error)}
    write_text(job.log, "".join(traceback.format_exception(error)))
    reason = f"{errors.worded(error)} (traceback in {job.log.relative_to(job.out.path)})"
    return {"status": "failed", "reason": reason}

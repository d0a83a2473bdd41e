"""What a worker does with a fitted model, and with an error."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np

from dfbench import errors
from dfbench.benchmark.execution.images import Images
from dfbench.benchmark.execution.job import Job
from dfbench.errors import DfbenchError, UnavailableError, first_line
from dfbench.files import write_text
from dfbench.models.base import Inputs, Model, Probabilities
from dfbench.results.records.records import Scores
from dfbench.results.records.scores import check_probabilities, numbered


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
        If what the model gives is not what its record will call it, see `_checked`.
    """
    paths, kinds = images.paths, images.kinds
    probabilities = _checked(job, model.predict_proba(inputs), len(paths))
    shared = job.record["grouped"] if grouped is None else grouped
    return Scores(
        images=paths,
        labels=images.labels,
        groups=numbered(images.groups, paths) if shared else None,
        probabilities=probabilities,
        kinds=tuple(kinds) if any(kinds) else None,
    )


def _checked(job: Job, found: Any, n: int) -> Probabilities:
    """Give what a model gives as an array, shape (n, K), of probabilities unless the row says else.

    A board refuses a table that is none: who wrote the model hears of it while the run goes on.
    """
    row, k = job.record["row"], len(job.record["classes"])
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DfbenchError(
            f"predict_proba gives no numbers: {first_line(error)}", where=row
        ) from None
    if values.shape != (n, k):
        raise DfbenchError(
            f"predict_proba gives an array of shape {values.shape}, where {n} images of "
            f"{k} classes want {(n, k)}",
            where=row,
        )
    if not np.isfinite(values).all():
        raise DfbenchError("the model's probabilities are not finite", where=row)
    told = job.record.get("elsewhere")
    if told is None or told.probabilities:
        try:
            check_probabilities(values)
        except ValueError as error:
            raise DfbenchError(
                f"predict_proba gives no probabilities: {error}", where=row
            ) from None
    return values


def worded(job: Job, error: BaseException) -> dict[str, Any]:
    """Give status and reason of what an error ended; the log has the traceback of a strange one."""
    if isinstance(error, DfbenchError):
        status = "skipped" if isinstance(error, UnavailableError) else "failed"
        return {"status": status, "reason": str(error)}
    write_text(job.log, "".join(traceback.format_exception(error)))
    reason = f"{errors.worded(error)} (traceback in {job.log.relative_to(job.out.path)})"
    return {"status": "failed", "reason": reason}

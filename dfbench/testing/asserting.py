"""The kit for a plugin's own tests."""

from __future__ import annotations

from typing import Any

from dfbench.testing.apart import Limits
from dfbench.testing.checks import Report
from dfbench.testing.examining import examine
from dfbench.testing.subject import subject_of


def check_extractor(
    part: Any, *, limits: Limits | None = None, apart: bool = True, **params: Any
) -> Report:
    """Make all checks of an extractor.

    Parameters
    ----------
    part
        A function under ``@dfbench.extractor``, a subclass of `dfbench.features.base.Extractor` or
        one that is made, a name, or an import path ``module:name``.
    limits
        What a check may take.
    apart
        Whether the checks are made in a process of their own, so that one that dies or hangs is
        told like any other fault. In this process they are quicker.
    **params
        Parameters of the part that are not its defaults.

    Returns
    -------
    Report
        What was checked; warnings are in it.

    Raises
    ------
    AssertionError
        If it is not sound: all that is wrong, in words.
    DfbenchError
        If there is no such part.
    """
    return _checked("extractor", part, params, limits, apart)


def check_model(
    part: Any, *, limits: Limits | None = None, apart: bool = True, **params: Any
) -> Report:
    """Make all checks of a model over features; see `check_extractor`.

    Parameters
    ----------
    part
        A function under ``@dfbench.model``, a subclass of `dfbench.models.base.Model`, a class with
        scikit-learn's interface, a name, or an import path ``module:class``.
    limits, apart, **params
        As of `check_extractor`.
    """
    return _checked("model", part, params, limits, apart)


def check_network(
    part: Any, *, limits: Limits | None = None, apart: bool = True, **params: Any
) -> Report:
    """Make all checks of a network that is trained by dfbench; see `check_extractor`.

    Parameters
    ----------
    part
        A subclass of `dfbench.models.networks.network.Network`, a name, or an import path.
    limits, apart, **params
        As of `check_extractor`. It is trained for an epoch in batches of 8.
    """
    return _checked("network", part, params, limits, apart)


def _checked(
    kind: str, part: Any, params: dict[str, Any], limits: Limits | None, apart: bool
) -> Report:
    subject = subject_of(part, params)
    if subject.kind and subject.kind != kind:
        raise AssertionError(f"{subject.name!r} is of the kind {subject.kind}, not {kind}")
    report = examine(subject, limits, apart=apart)
    if not report.sound:
        raise AssertionError(str(report))
    return report

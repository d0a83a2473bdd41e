"""What a detector says of a picture in a sentence, for the page and the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfbench.detectors.verdict import Verdict


def said(verdict: Verdict, positive: int | None) -> str:
    """Say in a sentence how sure a verdict is, and when it would be the other one."""
    if verdict.score is None or verdict.threshold is None or positive is None:
        return f"probability {verdict.probability:.2f}"
    fake = verdict.classes[positive]
    score, threshold = apart(verdict.score, verdict.threshold)
    return f"{score} for {fake}; from {threshold} on it says {fake}"


def apart(score: float, threshold: float) -> tuple[str, str]:
    """Write two numbers with so many digits that they are seen to be on the side they are on."""
    digits = 2
    while digits < 6 and (
        (round(score, digits) >= round(threshold, digits)) != (score >= threshold)
    ):
        digits += 1
    return f"{score:.{digits}f}", f"{threshold:.{digits}f}"

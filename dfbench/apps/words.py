"""What a detector says of a picture in a sentence, for the page and the window."""

from __future__ import annotations

from dfbench.detectors.verdict import Verdict, apart


def said(verdict: Verdict, positive: int | None) -> str:
    """Say in a sentence how sure a verdict is, and when it would be the other one."""
    if verdict.score is None or verdict.threshold is None or positive is None:
        return f"probability {verdict.probability:.2f}"
    fake = verdict.classes[positive]
    score, threshold = apart(verdict.score, verdict.threshold)
    if verdict.label != fake and score == threshold:
        return f"{score} for {fake}, no more than for {verdict.label}"
    return f"{score} for {fake}; from {threshold} on it says {fake}"

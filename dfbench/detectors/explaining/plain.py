"""An explanation as plain values, for JSON."""

from __future__ import annotations

from typing import Any

from dfbench.detectors.explaining import words
from dfbench.detectors.explaining.contributions import Contributions
from dfbench.detectors.explaining.explanation import Explanation, Voice

_VALUES = 50
"""Of each model, those that speak most."""


def plain(found: Explanation) -> dict[str, Any]:
    """Give all of an explanation but its maps; contributions are log odds of ``explained``."""
    said, seen = found.verdict, found.occlusion
    shares = zip(said.classes, said.probabilities, strict=True)
    return {
        "image": found.picture.name,
        "model": found.detector,
        "sentences": words.sentences(found),
        "label": said.label,
        "probabilities": {name: round(float(share), 6) for name, share in shares},
        "threshold": said.threshold,
        "outside": list(said.outside),
        "explained": found.explained,
        "families": {each.name: round(each.contribution, 6) for each in found.families},
        "covered": None
        if seen is None
        else {"before": round(seen.before, 6), "after": round(seen.after, 6)},
        "models": [_voice(voice) for voice in found.voices],
    }


def _voice(voice: Voice) -> dict[str, Any]:
    told = voice.contributions
    return {
        "row": voice.row,
        "weight": voice.weight,
        "probability": round(voice.probability, 6),
        **({} if told is None else _contributions(told)),
    }


def _contributions(told: Contributions) -> dict[str, Any]:
    return {
        "base": round(told.base, 6),
        "families": {each.name: round(each.contribution, 6) for each in told.families},
        "weights_of_families": {
            each.name: round(share, 6)
            for each, share in zip(told.families, told.weights, strict=False)
        },
        "values": [
            {
                key: round(value, 6) if isinstance(value, float) else value
                for key, value in vars(each).items()
            }
            for each in told.bins[:_VALUES]
        ],
        "values_sum_to_families": told.summed,
    }

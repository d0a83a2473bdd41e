"""An explanation in sentences."""

from __future__ import annotations

from dfbench.detectors.explaining.explanation import Explanation
from dfbench.detectors.verdict import apart


def verdict(found: Explanation) -> str:
    """Say what the detector says, and from which score on it says so."""
    said = found.verdict
    if said.score is None or said.threshold is None:
        order = sorted(zip(said.probabilities, said.classes, strict=True), reverse=True)
        [(first, name), *others] = order
        rest = ", ".join(f"{other} {share:.2f}" for share, other in others[:2])
        return f"{name}, {first:.2f} (then {rest})"
    score, threshold = apart(said.score, said.threshold)
    rule = f"from {threshold} on it says {found.explained}"
    if said.label != found.explained and score == threshold:
        rule = f"no more than {said.label}"
    if said.label == found.explained:
        return f"{said.label}, {score} ({rule})"
    return f"{said.label}: {found.explained} has {score} ({rule})"


def outside(found: Explanation) -> str:
    """Say in what the picture is unlike those that the detector was trained on; or nothing."""
    if not found.verdict.outside:
        return ""
    return f"outside what it was trained on: {'; '.join(found.verdict.outside)}"


def places(found: Explanation) -> str:
    """Say what covering a place changes."""
    seen = found.occlusion
    if seen is None:
        return "it reads the file, not the pixels: no place of the picture speaks"
    name, before, after = found.explained, f"{seen.before:.2f}", f"{seen.after:.2f}"
    if not seen.heat.any():
        return f"no place by itself matters: whichever is covered, {name} keeps {before}"
    if before == after:
        return f"whichever place is covered, {name} keeps {before}: the map has the little left"
    return f"with its weightiest place covered, {name} has {after} instead of {before}"


def families(found: Explanation) -> str:
    """Say which families speak most for the class, and which against it; or nothing."""
    order = sorted(found.families, key=lambda each: -abs(each.contribution))
    sides = []
    for sign, what in ((1, f"for {found.explained}"), (-1, f"for {found.against}")):
        own = [each for each in order if sign * each.contribution >= 0.005][:3]
        if own:
            told = ", ".join(f"{each.name} {each.contribution:+z.2f}" for each in own)
            sides.append(f"{what}: {told}")
    return f"in log odds, {'; '.join(sides)}" if sides else ""


def weights(found: Explanation) -> str:
    """Say what a model weighs its families by, in any picture; or nothing.

    Of an ensemble: of its member of most weight.
    """
    leading = found.leading
    if leading is None or leading.contributions is None or not leading.contributions.weights:
        return ""
    told = leading.contributions
    order = sorted(zip(told.weights, told.families, strict=True), key=lambda each: -each[0])
    shares = ", ".join(f"{family.name} {share:.2f}" for share, family in order if share)
    none = [family.name for share, family in order if not share]
    rest = f"; none for {', '.join(none)}" if none else ""
    of = f" of {leading.row}" if found.several else ""
    return f"weights{of} in any picture: {shares}{rest}"


def reading(found: Explanation) -> str:
    """Say what the numbers are, and what none of them tells."""
    said = []
    if found.occlusion is not None:
        said.append("A place is covered by what lies half the picture away.")
    ways = {voice.contributions.summed for voice in found.voices if voice.contributions}
    if ways == {True}:
        said.append("A family adds what its values add together (TreeSHAP).")
    elif ways:
        trees = ", of trees by TreeSHAP" if True in ways else ""
        said.append(
            f"A family counts by what the score would lose, were its values typical{trees}."
        )
    said.append("All this tells how the model came to its verdict, not what is wrong here.")
    return " ".join(said)


def sentences(found: Explanation) -> list[str]:
    """Say all of it, a sentence a line."""
    told = (verdict, outside, families, weights, places)
    return [said for tell in told if (said := tell(found))]

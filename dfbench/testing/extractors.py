"""The checks of an extractor."""

from __future__ import annotations

import gc
import math
import pickle
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, UnavailableError, let_stop, one_line
from dfbench.features.base import Extractor
from dfbench.features.function import FunctionExtractor
from dfbench.images import Image, decode
from dfbench.plugins import info
from dfbench.registry import EXTRACTORS, Registry
from dfbench.testing import samples
from dfbench.testing.checks import Beside, Broken, Check, Doubtful, worded
from dfbench.testing.conduct import check_leftover, check_random
from dfbench.testing.timing import hours_told, peak, timed
from dfbench.testing.watching import place_of_error, seeded, watched

_SLOW = 10
"""Times as long as decoding the image, from which on an extractor is slow."""
_IDLE = 30
"""The same of waiting for what is no work of the processor."""
_TOO_SLOW = 0.5
"""Seconds an image from which on it is not asked for many."""
_THREADS = 4
_PATIENCE = 0.5
"""Seconds that one check goes on repeating what needs repeating, at most."""


class Tried:
    """An extractor that is tried on images.

    Parameters
    ----------
    target
        Subclass of `Extractor`, one that is made, or a function under ``@dfbench.extractor``.
    params
        Its parameters.
    own
        File that it is defined in.
    say
        Told what is under way, for the case that it never comes back.
    quick
        Whether what needs repeating is repeated a few times only, and no time is measured.
    """

    def __init__(
        self,
        target: Any,
        params: dict[str, Any],
        own: Path,
        say: Callable[[str], None],
        *,
        quick: bool = False,
    ) -> None:
        self.target, self.params, self.own, self.say = target, params, own, say
        self.quick = quick
        self.facts: dict[str, float] = {}
        self.cost = math.inf
        """Seconds an image, the least that was seen."""
        self.steady = True
        """Whether the same image gives the same vector, as far as is known."""
        self.extractor = self.make()
        self.extractor.check_available()

    @property
    def function(self) -> Callable[..., Any] | None:
        """The function, where it is one."""
        return self.target if info(self.target) is not None else None

    def make(self) -> Extractor:
        """Make it anew."""
        with watched(self.own):
            return self._made()

    def _made(self) -> Extractor:
        if self.function is not None:
            return FunctionExtractor(self.target, self.params or None)
        if isinstance(self.target, Extractor):
            from sklearn.base import clone

            made: Extractor = clone(self.target)
            return made
        return self.target(**self.params)  # type: ignore[no-any-return]

    def given(self, images: Sequence[Image]) -> list[Any]:
        """Give images in the form that it reads; each call gives copies."""
        if self.extractor.reads == "file":
            return [samples.as_file(image) for image in images]
        return [image.copy() for image in images]

    def raw(self, images: Sequence[Image], what: str, extractor: Extractor | None = None) -> Any:
        """Give what comes of a batch."""
        self.say(what)
        batch = self.given(images)
        start = time.perf_counter()
        with watched(self.own):
            found = (extractor or self.extractor).transform(batch)
        self.cost = min(self.cost, (time.perf_counter() - start) / len(images))
        return found

    def rows(
        self, images: Sequence[Image], what: str, extractor: Extractor | None = None
    ) -> NDArray[np.float64]:
        """Give the vectors of a batch, as a copy."""
        try:
            found = self.raw(images, what, extractor)
        except UnavailableError:
            raise
        except BaseException as error:
            let_stop(error)
            raise Broken(
                f"{worded(error)}, on {what}", where=place_of_error(error, self.own)
            ) from error
        values = np.array(found, dtype=np.float64)
        if values.ndim != 2 or len(values) != len(images) or not values.shape[1]:
            raise Broken(
                f"gives an array of shape {values.shape} for {what}, where "
                f"({len(images)}, d) is wanted: a row an image"
            )
        return values

    def once(self) -> None:
        """Let it work on an image."""
        self.rows(samples.ordinary(1), "an ordinary image")

    @property
    def length(self) -> int:
        """Length of the vector of an ordinary image."""
        return int(self.rows(samples.ordinary(1), "an ordinary image").shape[1])


def differs(left: NDArray[Any], right: NDArray[Any]) -> str:
    """Say which feature is another in two rows; empty where they agree but for rounding."""
    if left.shape != right.shape:
        return f"{left.size} numbers, then {right.size}"
    near = np.isclose(left, right, rtol=1e-4, atol=1e-5 * _size(left), equal_nan=True)
    if near.all():
        return ""
    at = int(np.flatnonzero(~near)[0])
    a, b = _told(left[at], right[at])
    return f"number {at} of the vector is {a}, then {b}"


def _told(a: float, b: float) -> tuple[str, str]:
    """Write two numbers with as many digits as tell them apart."""
    for digits in (4, 8, 17):
        words = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if words[0] != words[1]:
            break
    return words


def _size(values: NDArray[Any]) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 1.0


def _runs(its: Tried) -> None:
    its.rows(samples.ordinary(1), "an ordinary image")


def _shape(its: Tried) -> None:
    rows = its.rows(samples.ordinary(), "four images of different sizes")
    names = [str(name) for name in its.extractor.get_feature_names_out()]
    if its.function is not None:
        return  # its numbers have no names
    if len(names) != rows.shape[1]:
        raise Broken(
            f"gives {rows.shape[1]} numbers an image, and names {len(names)} of them",
            advice="let get_feature_names_out give a name a column",
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Broken(
            f"names two numbers {twice!r}", advice="let get_feature_names_out give different names"
        )


def _dtype(its: Tried) -> None:
    if its.function is not None:
        return  # dfbench casts it, and says so
    found = its.raw(samples.ordinary(2), "two images")
    told = getattr(found, "dtype", None)
    if told is None:
        raise Broken(f"gives a {type(found).__name__} where an array is wanted")
    if str(told) != its.extractor.dtype:
        raise Broken(f"gives {told} where {its.extractor.dtype} is wanted")


def _finite(its: Tried) -> None:
    _check_finite(its, its.rows(samples.ordinary(), "ordinary images"), "an ordinary image")


def _check_finite(its: Tried, rows: NDArray[Any], what: str) -> None:
    with np.errstate(over="ignore"):
        values = rows.astype(np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        at = int(bad[0, 1])
        large = np.isfinite(rows[bad[0, 0], at])
        value = "too large for float32" if large else str(rows[bad[0, 0], at])
        raise Broken(f"number {at} of the vector of {what} is {value}")


def _state(its: Tried) -> None:
    its.steady = False
    _check_state(its)
    its.steady = True


def _check_state(its: Tried) -> None:
    image, other = samples.ordinary(2, seed=7)
    first = its.raw([image], "an image")
    held = np.array(first, dtype=np.float64)
    for n in range(3):
        again = its.rows([image], "the same image again")
        if found := differs(held[0], again[0]):
            raise Broken(f"gives another vector for the same image when it is asked again: {found}")
        its.rows([other], "another image")
        if isinstance(first, np.ndarray) and not np.array_equal(held, first, equal_nan=True):
            raise Broken(
                "gives the same array each time, and writes the next vector into it",
                advice="make a new array in each call, or return a copy",
            )
        if n == 0:
            with seeded(99):
                changed = its.rows([image], "the same image again")
            if found := differs(held[0], changed[0]):
                raise Broken(f"gives another vector for the same image by chance: {found}")
    fresh = its.rows([image], "the same image, by one made anew", its.make())
    if found := differs(held[0], fresh[0]):
        raise Broken(f"gives another vector when it is made anew: {found}")


def _steady(its: Tried) -> None:
    if not its.steady:
        raise Beside("it gives other vectors each time: what else they depend on cannot be told")


def _batch(its: Tried) -> None:
    _steady(its)
    images = samples.ordinary(4, seed=20)
    alone = [its.rows([image], "an image alone")[0] for image in images]
    orders = {
        "in a batch with others": [0, 1, 2, 3],
        "in a batch of another order": [3, 1, 0, 2],
        "in a batch of two": [2, 0],
        "twice in a batch": [1, 1, 3],
    }
    for what, order in orders.items():
        rows = its.rows([images[k] for k in order], f"images {what}")
        for row, k in zip(rows, order, strict=True):
            if found := differs(alone[k], row):
                raise Broken(f"gives another vector alone than {what}: {found}")


def _threads(its: Tried) -> None:
    if not its.extractor.threads:
        raise Beside("it says that it works in one thread alone")
    _steady(its)
    images = samples.ordinary(8, seed=40)
    alone = [its.rows([image], "an image alone")[0] for image in images]
    what = f"images in {_THREADS} threads at once"

    def together(k: int) -> NDArray[np.float64]:
        row: NDArray[np.float64] = its.rows([images[k]], what)[0]
        return row

    interval = sys.getswitchinterval()
    until = time.monotonic() + (0.05 if its.quick else _PATIENCE)
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            for n in range(30):
                order = [(k * 3 + n) % 8 for k in range(8)]
                rows = list(pool.map(together, order))
                for row, k in zip(rows, order, strict=True):
                    if found := differs(alone[k], row):
                        raise Broken(f"gives another vector where threads work at once: {found}")
                if n >= 2 and time.monotonic() > until:
                    break
    finally:
        sys.setswitchinterval(interval)


def _input(its: Tried) -> None:
    image = samples.ordinary(1, seed=50)[0]
    if its.extractor.reads == "file":
        return  # bytes cannot be changed
    given = image.copy()
    if its.function is not None:
        its.say("an image")
        its.function(given, **its.params)
        if not np.array_equal(given, image):
            raise Doubtful(
                "writes into the image that it is given (a run gives it a copy, others may not)"
            )
        return
    with watched(its.own):
        its.extractor.transform([given])
    if not np.array_equal(given, image):
        changed = int((given != image).any(axis=2).sum())
        raise Broken(f"writes into the image that it is given: {changed} pixels are others after")


def _odd(its: Tried, image: Image, what: str) -> None:
    length = its.length
    rows = its.rows([image], what)
    if rows.shape[1] != length:
        raise Broken(f"gives {rows.shape[1]} numbers for {what}, and {length} for others")
    _check_finite(its, rows, what)


def _grey(its: Tried) -> None:
    _odd(its, samples.grey(), "a grey image")


def _constant(its: Tried) -> None:
    for name, image in samples.constant().items():
        _odd(its, image, f"an image that is {name} all over")


def _tiny(its: Tried) -> None:
    for (height, width), image in zip(samples.TINY, samples.tiny(), strict=True):
        _odd(its, image, f"an image of {height} x {width} pixels")


def _pickle(its: Tried) -> None:
    its.say("pickling")
    try:
        content = pickle.dumps(its.extractor)
    except BaseException as error:
        let_stop(error)
        raise Broken(f"cannot be pickled: {worded(error).removeprefix('raises ')}") from error
    image = samples.ordinary(1, seed=60)
    try:
        copy = pickle.loads(content)  # noqa: S301 - pickled three lines above
    except BaseException as error:
        let_stop(error)
        raise Broken(f"cannot be unpickled: {worded(error)}") from error
    rows = its.rows(image, "an image"), its.rows(image, "an image, by its copy", copy)
    if its.steady and (found := differs(rows[0][0], rows[1][0])):
        raise Broken(f"gives another vector after it was pickled: {found}")


def _parameters(its: Tried) -> None:
    import json

    from sklearn.base import clone

    extractor = its.extractor
    try:
        copy = clone(extractor)
        told = extractor.identity()
    except DfbenchError:
        raise
    except BaseException as error:
        let_stop(error)
        said = one_line(str(error))
        raise Broken(f"cannot be made again from its parameters: {said}") from error
    try:
        json.dumps(told)
    except (TypeError, ValueError):
        odd = next(k for k, v in told["params"].items() if not _plain(v))
        raise Broken(f"has a parameter that cannot be written down: {odd}") from None
    if copy.identity() != told:
        raise Broken("has other parameters after it was made again from them")
    image = samples.ordinary(1, seed=70)
    rows = its.rows(image, "an image"), its.rows(image, "an image, by its clone", copy)
    if its.steady and (found := differs(rows[0][0], rows[1][0])):
        raise Broken(f"gives another vector when it is made again from its parameters: {found}")


def _plain(value: Any) -> bool:
    import json

    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _random(its: Tried) -> None:
    check_random(lambda: its.rows(samples.ordinary(2, seed=80), "images"))


def _leftover(its: Tried) -> None:
    check_leftover(lambda: its.rows(samples.ordinary(1, seed=90), "an image"))


def _keeps(its: Tried) -> None:
    if its.cost > _TOO_SLOW:
        raise Beside("it takes too long an image to be tried on many")
    images = samples.ordinary(26, seed=100)
    batches = [its.given([image]) for image in images]
    for batch in batches[:2]:
        its.extractor.transform(batch)
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    gc.freeze()  # what was there before is not looked through each time
    try:
        held = []
        for part in (batches[2:8], batches[8:14], batches[14:20], batches[20:]):
            for batch in part:
                its.say("images, one after the other")
                its.extractor.transform([_copied(batch[0])])
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        gc.unfreeze()
        if not tracing:
            tracemalloc.stop()
    each = [(b - a) / 6 for a, b in pairwise(held)]
    smallest = min(image.nbytes for image in images)
    if min(each) > smallest / 2:
        n_bytes = statistics.median(each)
        raise Doubtful(
            f"keeps {n_bytes / 1e6:.2g} MB of each image: {n_bytes * 1e5 / 1e9:.2g} GB after "
            "100,000 images"
        )


def _copied(given: Any) -> Any:
    return given.copy() if isinstance(given, np.ndarray) else bytes(bytearray(given))


def _speed(its: Tried) -> None:
    image = samples.picture(samples.SIDE, samples.SIDE)
    jpeg = samples.as_file(image, "JPEG")
    hsv = Registry(EXTRACTORS).get("hsv").load()()
    given = its.given([image])
    work: dict[str, Callable[[], Any]] = {
        "decoding": lambda: decode(jpeg),
        "hsv": lambda: hsv.transform([image]),
        "own": lambda: its.extractor.transform(given),
    }
    its.say(f"an image of {samples.SIDE} x {samples.SIDE} pixels")
    for each in work.values():
        each()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    until = time.monotonic() + (0.05 if its.quick else _PATIENCE)
    while len(found["own"]) < 7 and (len(found["own"]) < 2 or time.monotonic() < until):
        for name, each in work.items():
            found[name].append(timed(each))
    # both in turns, and the middle of several: other programs have the machine too
    cpu = {name: statistics.median(pair[0] for pair in pairs) for name, pairs in found.items()}
    idle = min(pair[1] for pair in found["own"])
    waits = idle > _IDLE * cpu["decoding"]
    own, base = cpu["own"] + (idle if waits else 0), cpu["decoding"]
    its.facts |= {"ms": own * 1e3, "hsv_ms": cpu["hsv"] * 1e3, "decoding_ms": base * 1e3}
    its.facts |= {"mb": peak(work["own"]) / 1e6, "hsv_mb": peak(work["hsv"]) / 1e6}
    if own > _SLOW * base:
        does = "waits" if waits else "works"
        raise Doubtful(
            f"{does} {own * 1e3:,.{0 if own > 0.1 else 1}f} ms an image of {samples.SIDE} x "
            f"{samples.SIDE} pixels, {own / base:,.0f} times as long as decoding it "
            f"({base * 1e3:.2g} ms): {hours_told(own * 1e5 / 3600)} for 100,000 images on one core"
        )


STORED = "vectors are stored and never computed again: what is stored would be chance"

CHECKS: tuple[Check[Tried], ...] = (
    Check(
        "runs",
        "gives a vector for an ordinary image",
        "without it there is nothing to look at",
        "try it on an image in a Python session",
        _runs,
        vital=True,
    ),
    Check(
        "shape",
        "gives a row an image, as long for every size, each number with a name",
        "vectors of all images stand below each other in one table",
        "return one flat vector, whose length does not follow the image's size",
        _shape,
    ),
    Check(
        "dtype",
        "gives float32",
        "the store holds float32; another type takes twice the memory on its way and is cast",
        "return array.astype(np.float32)",
        _dtype,
    ),
    Check(
        "finite",
        "gives finite numbers",
        "no model can be fitted on NaN or infinity: all of its rows would fail",
        "look for divisions by 0, logarithms of 0, and sums beyond float32",
        _finite,
    ),
    Check(
        "state",
        "gives the same vector when it is asked again",
        STORED,
        "keep nothing between calls, and seed what is drawn by the image itself",
        _state,
    ),
    Check(
        "batch",
        "gives the same vector alone, in any batch and in any order",
        "batches follow from the number of workers and from what is stored: figures would too",
        "compute each row from its own image alone",
        _batch,
    ),
    Check(
        "threads",
        "gives the same vector where several threads work at once",
        "a run works in several threads, which would mix up their images",
        "keep nothing on self or in globals meanwhile, or say threads = False"
        " (@dfbench.extractor(threads=False))",
        _threads,
    ),
    Check(
        "input",
        "leaves the image as it was",
        "other extractors see the same array: their features would be of another image",
        "work on image.copy(), or on image.astype(np.float32)",
        _input,
    ),
    Check(
        "grey",
        "takes a grey image",
        "data sets hold some, and one image that fails takes all rows of the extractor down",
        "look for divisions by a saturation or a variance of 0",
        _grey,
    ),
    Check(
        "constant",
        "takes images of one colour",
        "data sets hold some, and one image that fails takes all rows of the extractor down",
        "add a small number to what is divided by, or treat 0 apart",
        _constant,
    ),
    Check(
        "tiny",
        "takes images of 1 x 1, 3 x 5 and 8 x 8 pixels, and gives as many numbers",
        "one image that fails takes all rows of the extractor down",
        "resize or pad images that are smaller than what you need, and fix the vector's length",
        _tiny,
    ),
    Check(
        "pickle",
        "can be sent to workers",
        "workers in other processes are sent the extractor",
        "make locks, files and models when they are first needed, not in __init__; functions stand"
        " at the level of their module",
        _pickle,
    ),
    Check(
        "parameters",
        "can be made again from its parameters",
        "vectors are stored under them: two settings would be taken for one",
        "store each argument of __init__ untouched under its own name; they are numbers, text,"
        " true or false, or lists of them",
        _parameters,
    ),
    Check(
        "random",
        "leaves the global random state alone",
        "what is drawn after it, in the run or by other parts, would follow from it",
        "use rng = np.random.default_rng(seed), and draw from rng",
        _random,
    ),
    Check(
        "leftover",
        "leaves no threads behind",
        "after some thousand images no further thread can be started, and the run ends",
        "end each thread that you start: with ThreadPoolExecutor(...) as pool:",
        _leftover,
    ),
    Check(
        "keeps",
        "keeps nothing of the images",
        "a run over a large data set would fill the memory",
        "look for lists and caches (lru_cache) that grow with every image",
        _keeps,
    ),
    Check(
        "speed",
        f"takes less than {_SLOW} times as long as decoding",
        "the pass over the images waits for it",
        "work on whole arrays instead of loops over pixels (or compile these: numba.njit), or on"
        " a smaller copy (cv2.resize)",
        _speed,
    ),
)

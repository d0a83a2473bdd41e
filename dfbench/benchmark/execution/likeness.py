"""Whether the workers of a cluster are like the run that asks them, found out before any work."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfbench._version import __version__
from dfbench.benchmark.execution.remote import Terms, introduce, seen_place, versions_of_work
from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import WorkerError
from dfbench.files import cache_dir, cache_url, resolved, unwritable
from dfbench.received.files import read_bytes
from dfbench.suites.datasets.manifest import Dataset

if TYPE_CHECKING:
    from distributed import Client

_SHOWN = 5
"""Workers, and packages, that are named."""
_ALIKE = ("dask", "distributed")
"""What must be of one version on all sides; of Python the first two numbers."""


@contextmanager
def terms_of(session: Session) -> Iterator[Terms]:
    """Give what workers are told of a run, and leave files for them to see while it lasts.

    Raises
    ------
    OutputError
        Where the folder of the results or the cache cannot be written.
    """
    settings, url = session.settings, cache_url()
    folders = [session.out.path.absolute()]
    if url is None:
        folders.append(cache_dir().absolute())
    with ExitStack() as stack:
        tokens = [stack.enter_context(_token(folder)) for folder in folders]
        yield Terms(
            versions=versions_of_work(),
            files=(*tokens, *_images(session)),
            folders=tuple(folders),
            cache=url or str(folders[-1]),
            seen="" if url is None else stack.enter_context(_token_at(url)),
            plugins=tuple((resolved(path), read_bytes(path)) for path in settings.plugins),
            n_threads=None if settings.scheduler else settings.n_threads,
        )


@contextmanager
def _token(folder: Path) -> Iterator[tuple[Path, str]]:
    """Leave a file that no other folder has, and give it with its SHA-256."""
    text = secrets.token_hex()
    path = folder / f".seen-by-workers-{text[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield path, hashlib.sha256(text.encode("ascii")).hexdigest()
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _token_at(url: str) -> Iterator[str]:
    """Leave a file where the store is, and give its name."""
    place, name = seen_place(url), secrets.token_hex(4)
    place.write(name, [b""])
    try:
        yield name
    finally:
        place.remove(name)


def _images(session: Session) -> Iterator[tuple[Path, str]]:
    """Give an image of each data set that work is to be done on."""
    datasets: dict[str, Dataset] = {}
    for cell in session.plan.cells:
        if cell.fits and cell.dataset is not None:
            datasets[cell.dataset.name] = cell.dataset
        datasets |= {each.dataset.name: each.dataset for each in cell.evaluations}
    for dataset in datasets.values():
        readable = dataset.manifest[dataset.manifest["error"] == ""]
        if len(readable):
            first = readable.iloc[0]
            yield (dataset.root / first["path"]).absolute(), str(first["sha256"])


@dataclass(frozen=True)
class Introduced:
    """What a worker said of itself.

    Attributes
    ----------
    fault
        In what it is unlike the run; empty where it is not.
    room
        Bytes that processes can take on its host; None where nothing tells.
    """

    fault: str
    room: int | None


def introduced(
    client: Client, terms: Terms, workers: Sequence[str] | None = None
) -> dict[str, Introduced]:
    """Hold workers against the run, by default all; one that cannot be reached is left out."""
    answers = client.run(introduce, terms, workers=workers, on_error="return")
    found = {}
    for address, answer in answers.items():
        if isinstance(answer, tuple):
            found[address] = Introduced(", ".join(answer[0]), answer[1])
        elif not isinstance(answer, OSError):
            found[address] = Introduced(_worded(answer), None)
    return found


def check_workers(
    client: Client, terms: Terms, patience: float, reporter: Reporter
) -> dict[str, Introduced]:
    """Hold each worker against the run, and tell of differences that do not matter.

    Parameters
    ----------
    client
        Of the cluster.
    terms
        Of the run.
    patience
        Seconds to wait for a worker.
    reporter
        Hears of such differences.

    Returns
    -------
    dict
        What each said, by its address.

    Raises
    ------
    WorkerError
        If there is no worker, or one is unlike the run.
    """
    where = f"scheduler {client.scheduler.address}"
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise WorkerError(
            f"it has no workers after {patience:g} s",
            where=where,
            hint="start some: dask worker ADDRESS --nthreads 1; DASK_DFBENCH__PATIENCE=SECONDS"
            " waits longer",
        ) from None
    _check_dask(client.get_versions(), reporter)
    _check_scheduler(client, where)
    met = introduced(client, terms)
    found = {address: its.fault for address, its in met.items() if its.fault}
    if found:
        shown = "; ".join(f"{address}: {what}" for address, what in list(found.items())[:_SHOWN])
        raise WorkerError(
            f"{len(found)} of its workers cannot do this work: {shown}",
            where=where,
            hint="each worker needs the same environment, and sees the folders of the results, of"
            " the cache (DFBENCH_CACHE) and of the images under the same paths",
        )
    return met


def _check_scheduler(client: Client, where: str) -> None:
    """See that the scheduler, which looks at tasks before it hands them out, knows them."""
    try:
        has = client.run_on_scheduler(versions_of_work)["dfbench"]
    except Exception as error:
        raise WorkerError(
            _worded(error), where=where, hint="it needs the same environment"
        ) from error
    if has != __version__:
        raise WorkerError(f"it has dfbench {has}, this is {__version__}", where=where)


def _worded(error: BaseException) -> str:
    # Dask gives what breaks at unpickling as the text of an exception
    absent = re.search(r"(ModuleNotFoundError|ImportError|AttributeError)", repr(error))
    return f"it has no dfbench of this version: {error}" if absent else repr(error)


def _check_dask(found: Mapping[str, Any], reporter: Reporter) -> None:
    """Compare what Dask itself rests on, on all sides."""
    own = found["client"]["packages"]
    others = {"the scheduler": found["scheduler"]} | {
        f"worker {address}": each for address, each in found["workers"].items()
    }
    grave: list[str] = []
    slight: dict[str, None] = {}
    for who, each in others.items():
        packages = (each or {}).get("packages") or {}
        for name, wanted in own.items():
            has = packages.get(name)
            if has == wanted:
                continue
            said = f"{who} has {name} {has}, this machine {wanted}"
            if name in _ALIKE or (name == "python" and _release(has) != _release(wanted)):
                grave.append(said)
            else:
                slight[said] = None
    if grave:
        raise WorkerError(
            "versions that cannot work together: " + "; ".join(grave[:_SHOWN]),
            hint="install the same on all machines",
        )
    if slight:
        more = f"; and {len(slight) - _SHOWN} more" if len(slight) > _SHOWN else ""
        reporter.note(f"other versions in the cluster: {'; '.join(list(slight)[:_SHOWN])}{more}")


def _release(version: str | None) -> list[str]:
    """Give the first two numbers of a version of Python."""
    return str(version).split(".")[:2]

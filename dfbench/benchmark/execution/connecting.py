"""Reaches a cluster of Dask: one that is there, or one of this machine that the run begins."""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.spawning import named
from dfbench.errors import UnavailableError, WorkerError
from dfbench.files import at_home
from dfbench.installed import THREAD_VARIABLES
from dfbench.received.files import read_bytes
from dfbench.received.texts import SMALL, from_json

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

_BROKEN = (OSError, ValueError, TypeError, RuntimeError, ImportError, KeyError)
"""What Dask raises where it cannot connect: no answer, no address, no certificates, no file."""


def load() -> Any:
    """Import Dask.

    Raises
    ------
    UnavailableError
        If it is not installed.
    """
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError as error:
        raise UnavailableError(
            f"the executor 'dask' needs a package that is not installed: {error.name}",
            hint="pip install 'dfbench-toolkit[dask]'",
        ) from None
    return dask


def patience() -> float:
    """Seconds that a cluster may be without workers, which Dask's configuration can tell."""
    import dask

    return float(dask.utils.parse_timedelta(dask.config.get("dfbench.patience", "5 minutes")))


@contextmanager
def connected(settings: Settings) -> Iterator[Client]:
    """Connect to the cluster that the settings name, or to one that is begun for them and ended.

    Raises
    ------
    WorkerError
        Where it cannot be reached.
    UnavailableError
        If Dask is not installed.
    """
    dask = load()
    from distributed.utils import silence_logging_cmgr

    # what one task is given is as large as a data set has images
    large = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
    with (
        dask.config.set(large),
        silence_logging_cmgr(logging.CRITICAL),  # what goes wrong is told by errors and records
        _named(settings.scheduler) if settings.scheduler else _begun(settings) as client,
    ):
        yield client


@contextmanager
def _named(scheduler: str) -> Iterator[Client]:
    import distributed
    from distributed import Client
    from distributed.security import Security
    from distributed.versions import VersionMismatchWarning

    address, security = _address(scheduler), Security()
    where = f"scheduler {scheduler}"
    if address.startswith("tls:") and (fault := _certificates(security)):
        raise WorkerError(
            fault,
            where=where,
            hint="set DASK_DISTRIBUTED__COMM__TLS__CA_FILE and those of the client, see"
            " docs/distributed.md",
        )
    try:
        has = _version(address, security)
    except _BROKEN as error:
        raise WorkerError(
            f"it could not be reached: {_brief(error)}",
            where=where,
            hint="is it running, does a firewall let this machine through, and are both to talk"
            " by TLS or neither?",
        ) from error
    if has != distributed.__version__:
        raise WorkerError(
            f"it has distributed {has}, this machine {distributed.__version__}",
            where=where,
            hint="install the same on all machines",
        )
    with warnings.catch_warnings():
        # `dfbench.benchmark.execution.likeness` tells of other versions
        warnings.simplefilter("ignore", VersionMismatchWarning)
        client = Client(address, security=security, set_as_default=False, name="dfbench")
    with client:
        yield client


def _certificates(security: Security) -> str:
    """Say why there are none to talk with; nothing where there are."""
    try:
        found = security.get_connection_args("client")["ssl_context"]
    except OSError as error:  # of SSL too; Python does not name the file
        return f"the certificates to talk to it with cannot be read: {_brief(error)}"
    return "there are no certificates to talk to it with" if found is None else ""


def _version(address: str, security: Security) -> str:
    """Ask a scheduler for its version of distributed, before a client relies on it."""
    import dask
    from distributed import rpc

    timeout = dask.utils.parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))

    async def ask() -> str:
        arguments = security.get_connection_args("client")
        async with rpc(address, timeout=timeout, connection_args=arguments) as scheduler:
            return str((await scheduler.versions())["packages"]["distributed"])

    # in a thread: a notebook has a loop of its own in this one
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result()


def _address(scheduler: str) -> str:
    """Give the address that was named, or that a scheduler file tells."""
    if re.fullmatch(r"((tcp|tls)://)?[^/\\]+:\d+", scheduler):
        return scheduler
    file = at_home(scheduler)
    try:
        return str(from_json(read_bytes(file, most=SMALL))["address"])
    except OSError:
        what = "neither an address nor a file"
    except (ValueError, KeyError, TypeError):
        what = "not what a scheduler writes of itself"
    raise WorkerError(
        what,
        where=f"scheduler {scheduler}",
        hint="as in tcp://HOST:8786, or what `dask scheduler --scheduler-file FILE` writes",
    )


@contextmanager
def _begun(settings: Settings) -> Iterator[Client]:
    """Begin single-threaded workers of this machine, which nobody else on it can talk to."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    try:
        # whoever reaches a scheduler can have it run anything as the user who began it
        security = Security.temporary()
    except ImportError as error:
        raise UnavailableError(
            "the executor 'dask' needs the package cryptography",
            hint="pip install 'dfbench-toolkit[dask]'",
        ) from error
    changes = {
        "distributed.worker.multiprocessing-method": named(),
        "distributed.nanny.pre-spawn-environ": {},  # it would be this process that is changed
        # no pages are served
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with dask.config.set(changes):
        try:
            cluster = LocalCluster(
                n_workers=settings.jobs,
                threads_per_worker=1,
                memory_limit=None,  # as of the pool
                dashboard_address="127.0.0.1:0",
                security=security,
                silence_logs=logging.CRITICAL,
                env=dict.fromkeys(THREAD_VARIABLES, str(settings.n_threads)),
            )
        except _BROKEN as error:
            raise WorkerError(f"no workers could be begun: {_brief(error)}") from error
        with cluster, Client(cluster, set_as_default=False, name="dfbench") as client:
            yield client


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

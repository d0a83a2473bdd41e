"""One package opens what comes from strangers: what else opens is listed here, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dfbench

ROOT = Path(dfbench.__file__).parent

READING = {
    *("read_bytes", "read_text", "imread", "fromfile", "memmap", "memory_map", "loadtxt"),
    *("genfromtxt", "read_csv", "read_parquet", "read_table", "read_json", "read_metadata"),
    *("read_schema", "connect"),
}
"""Names of what opens a file by its path, or decodes what may be anything."""
LIBRARIES = {"ParquetFile", "ZipFile", "TarFile", "safe_open"}
"""The same, also where they are called by their name alone."""
FROM = {
    "json": {"load", "loads"},
    "tomllib": {"load", "loads"},
    "pickle": {"load", "loads", "Unpickler"},
    "torch": {"load"},
    "np": {"load"},
    "h5py": {"File"},
}
"""The same, where the name alone says little, by the module that it is of."""

SELF = "a text or an object of this process, or of one that it started"
PACKAGE = "a file of the package itself"
SYSTEM = "figures of the system, which are no regular files"
RUN = "a file that this run has written, named by its digest"
METHOD = "no file: a method of that name"
DEVICE = "the null device"

ALLOWED: dict[str, dict[str, str]] = {
    "received.files": {"os.open": "this is where files are opened"},
    "received.texts": {"json.loads": "within bounds", "tomllib.loads": "within bounds"},
    "received.archives": {"TarFile": "within bounds", ".open": "a member"},
    "received.hdf5": {"h5py.File": "within bounds"},
    "received.containers.places": {"read_bytes": "of received.files, within bounds"},
    "received.containers.rows": {"ParquetFile": "within bounds"},
    "received.parquet": {"ParquetFile": "within bounds"},
    "received.zips": {"ZipFile": "within bounds", ".open": "a member"},
    "received.tensors": {"safe_open": "within bounds", "torch.load": "tensors alone"},
    "references": {"read_text": PACKAGE},
    "rasters.pillow": {".open": "bytes, as the one format that they are of"},
    "apps.desktop.window": {".open": METHOD},
    "apps.web.page": {"read_text": PACKAGE},
    "apps.web.table": {"read_text": PACKAGE},
    "benchmark.execution.images": {"read_table": RUN},
    "benchmark.execution.remote": {"pickle.loads": "bytes of the run, over what the user runs"},
    "benchmark.machine": {"read_text": SYSTEM},
    "benchmark.memory": {"read_text": SYSTEM},
    "cache.checking": {".open": METHOD},
    "cli.streams": {"os.open": DEVICE},
    "compiled": {"read_bytes": PACKAGE},
    "contained.child": {"os.open": DEVICE, "read_text": SYSTEM},
    "contained.frames": {"pickle.loads": SELF},
    "contained.process": {"read_text": SYSTEM},
    "features.contained.child": {"pickle.loads": SELF},
    "hosted": {"pickle.loads": SELF},
    "features.pipeline.place": {".open": "to write, at a place that fsspec knows"},
    "features.pipeline.shard": {".open": METHOD},
    "features.pipeline.store": {".open": METHOD},
    "features.pipeline.table": {".open": METHOD},
    "files": {"os.open": "what was left behind, to be locked and removed: none of it is read"},
    "models.classical.column_sets": {"json.loads": SELF},
    "results.records.packing": {".open": "a member of an archive that is being written"},
    "results.records.sealed": {"json.loads": SELF},
    "suites.datasets.facts": {"read_bytes": PACKAGE},
    "testing.apart": {"read_text": SYSTEM},
    "testing.extractors": {"pickle.loads": SELF},
    "testing.models": {"json.loads": SELF},
    "testing.subject": {"pickle.loads": SELF},
    "videos.decoding": {".open": "a file that is open, as one of the containers that are read"},
}
"""Module to the calls that it may make, and why."""


def opening(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Find calls that open or decode, with their lines; those that write are none."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name):
            if function.id == "open" and not _writes(node, 1):
                yield "open", node.lineno
            elif function.id in LIBRARIES and not _writes(node, 1):
                yield function.id, node.lineno
        elif isinstance(function, ast.Attribute):
            of = function.value.id if isinstance(function.value, ast.Name) else ""
            if function.attr in FROM.get(of, ()) or (of, function.attr) == ("os", "open"):
                if of != "os" or not _creates(node):
                    yield f"{of}.{function.attr}", node.lineno
            elif function.attr == "open" and not _writes(node, 0):
                yield ".open", node.lineno
            elif function.attr in READING or (function.attr in LIBRARIES and not _writes(node, 1)):
                yield function.attr, node.lineno


def _writes(call: ast.Call, at: int) -> bool:
    given = [*call.args[at : at + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and str(mode.value)[:1] in "wax" for mode in given)


def _creates(call: ast.Call) -> bool:
    return any(
        isinstance(each, ast.Attribute) and each.attr in ("O_WRONLY", "O_CREAT")
        for each in ast.walk(call)
    )


def _name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def test_nothing_else_opens_files() -> None:
    found: dict[str, set[str]] = {}
    lines = []
    for file in sorted(ROOT.rglob("*.py")):
        for call, line in opening(ast.parse(file.read_bytes())):
            found.setdefault(_name(file), set()).add(call)
            if call not in ALLOWED.get(_name(file), {}):
                lines.append(f"dfbench/{file.relative_to(ROOT)}:{line}: {call}")
    assert not lines, "open it by dfbench.received, or say here why not:\n" + "\n".join(lines)
    stale = [
        f"{m}: {c}" for m, calls in ALLOWED.items() for c in calls.keys() - found.get(m, set())
    ]
    assert not stale, f"no longer needed: {stale}"


@pytest.mark.parametrize(
    "code",
    [
        "open(path)",
        "open(path, 'rb')",
        "open(path, mode)",
        "path.open()",
        "Image.open(path)",
        "path.read_text()",
        "json.loads(text)",
        "np.load(path)",
        "os.open(path, os.O_RDONLY)",
        "pq.ParquetFile(path)",
        "zipfile.ZipFile(path)",
        "pickle.loads(data)",
    ],
)
def test_the_net_catches(code: str) -> None:
    assert list(opening(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["open(path, 'w')", "path.open('ab')", "os.open(p, os.O_RDWR | os.O_CREAT)", "loads(x)"]
)
def test_the_net_lets_writing_pass(code: str) -> None:
    assert not list(opening(ast.parse(code)))

"""What readers of strangers' files do with files that are damaged in any way.

    python benchmarks/fuzz.py                      # every kind
    python benchmarks/fuzz.py cards images --cases 100000 --seconds 1800

Cases are seeds, such as the project itself writes them, changed at random: bits, bytes, pieces,
lengths, words of the kind. Each is read as a person's file would be. An error that is meant for a
person is right; a traceback, a process that dies, more than 5 seconds or more than 1 GB of memory
above that of the idle process are faults, and are printed with the number of the case, which
`--only KIND:NUMBER` writes to a file to be looked at.

With ``--engine atheris`` cases are led by the code that they reach (`pip install atheris`).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SLOW = 5.0
"""Seconds."""
LARGE = 1 << 30
"""Bytes."""
SILENT = 60.0
"""Seconds without a word of a process, after which it is ended."""

Read = Callable[[bytes], None]
"""Reads a case; raises where it is refused."""


# --- cases -----------------------------------------------------------------------------------

WORDS = [
    *(b"[", b"{", b"]", b"}", b'"', b"'", b",", b"=", b"\n", b"\r", b"\0", b"\x1b[31m", b"\xff"),
    *(b"nan", b"inf", b"-1", b"1e400", b"1e-400", b"-0", b"true", b"null", b"''", b"2020-01-01"),
    *(b"~nosuch", b"../../../etc/passwd", b"/dev/zero", b"/proc/self/environ", b"\xed\xa0\x80"),
    *(b"1" * 5000, b"[" * 3000, b"{" * 3000, b'{"a":' * 3000, b"a." * 3000, b"a" * 200_000),
    *(
        b"99999999999999999999",
        b"\\ud800",
        b"\\u0000",
        "é‮😀".encode(),
        b"[/red]",
        b"=1+1",
        b"(a+)+b",
    ),
]
TOKEN = re.compile(rb'"[^"\n]*"|-?[0-9][0-9.e+-]*|[A-Za-z_][A-Za-z_0-9]*')
NUMBERS = [0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def changed(seed: bytes, others: list[bytes], rng: random.Random, words: list[bytes]) -> bytes:
    """Change a seed once or several times."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(12)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 2:
            del data[at : at + rng.choice((1, 2, 4, 16, 64, 1024))]
        elif kind == 3:
            data[at:at] = data[at : at + rng.choice((1, 4, 16, 256))] * rng.choice((1, 2, 50))
        elif kind == 4:
            number = rng.choice(NUMBERS)
            form = rng.choice(("<I", ">I", "<H", ">H", "<Q", ">Q"))
            packed = struct.pack(form, number & (256 ** struct.calcsize(form) - 1))
            data[at : at + len(packed)] = packed
        elif kind == 5:
            word = rng.choice(words)
            data[at : at + rng.choice((0, 0, len(word)))] = word
        elif kind == 6:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            data[at:at] = other[begin : begin + rng.choice((4, 64, 1024))]
        elif kind == 7:
            del data[at:]
        elif kind in (8, 9, 10) and (found := TOKEN.search(data, at)):  # what is read as one thing
            other = rng.choice(others)
            theirs = TOKEN.findall(other[: 1 << 16]) or [other[:8]]
            data[found.start() : found.end()] = rng.choice((rng.choice(words), rng.choice(theirs)))
        else:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 8, 64))))
    return bytes(data[: 4 << 20])


# --- what is read ------------------------------------------------------------------------------


def _cards(folder: Path) -> tuple[list[bytes], Read]:
    from dfbench.suites.datasets.cards.reading import load_card
    from dfbench.suites.datasets.loading import load_dataset

    root = folder / "data"
    for n in range(12):
        place = root / ("fake" if n % 2 else "real") / f"v{n // 2}_{n % 2}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_picture("PNG", seed=n))
    paths = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*.png"))]
    lines = [f"{path},{int(path.startswith('fake'))},v{n % 6}" for n, path in enumerate(paths)]
    (root / "labels.csv").write_text("\n".join(["file,label,set", *lines]) + "\n")
    head = 'name = "faces"\nclasses = ["real", "fake"]\npositive = "fake"\n'
    seeds = [
        head + '[layout]\nkind = "folders"\nfolders = { real = "real", fake = ["fake"] }\n'
        '[split]\npolicy = "grouped"\nfractions = { train = 0.5, validation = 0.25, test = 0.25 }\n'
        'seed = 1\n[group]\npattern = "(?P<group>v[0-9]+)_"\n'
        "[normalise]\nsize = 64\nquality = 90\n",
        head + '[layout]\nkind = "table"\nid_column = "file"\nlabel_column = "label"\n'
        'labels = { "0" = "real", "1" = "fake" }\n\n'
        'splits.all = { csv = "labels.csv", images = "." }\n',
        head + '[layout]\nkind = "filename"\npattern = "(?P<group>v.+)_(?P<label>[01])\\\\.png"\n'
        'labels = { "0" = "real", "1" = "fake" }\n[split]\npolicy = "grouped"\n',
        *(path.read_text() for path in _package("suites/datasets/cards/public", ".toml")),
    ]
    file = folder / "card.toml"

    def read(case: bytes) -> None:
        file.write_bytes(case)
        load_card(file)
        load_dataset(file, root=root)

    return [seed.encode() for seed in seeds], read


def _suites(folder: Path) -> tuple[list[bytes], Read]:
    from dfbench.benchmark.planning.rows import rows
    from dfbench.registry import EXTRACTORS, MODELS, Registry
    from dfbench.suites.suite import load_suite

    file = folder / "suite.toml"

    def read(case: bytes) -> None:
        file.write_bytes(case)
        suite = load_suite(file)
        rows(suite, Registry(EXTRACTORS, []), Registry(MODELS, []), [], "cpu")

    return [path.read_bytes() for path in _package("suites", ".toml")], read


def _expressions(folder: Path) -> tuple[list[bytes], Read]:
    from dfbench.features.expression import build, parse
    from dfbench.registry import EXTRACTORS, Registry

    registry = Registry(EXTRACTORS, [])
    names = (
        "hsv",
        "lbp",
        "fft",
        "pixels",
        "dct",
        "cooccurrence",
        "wavelet",
        "glcm",
        "hog",
        "colour",
    )
    seeds = [
        *names,
        "hsv[bins=8]+lbp[points=8, radius=1]+fft",
        "hsv[bins=[8, 8, 8]]",
        'pixels[size=32]+dct[size=64]+"x"',
        "hog[cell=8]+glcm[distances=[1, 2]]",
    ]

    def read(case: bytes) -> None:
        build(parse(case.decode("utf-8", "surrogateescape")), registry)

    return [seed.encode() for seed in seeds], read


def _records(folder: Path) -> tuple[list[bytes], Read]:
    from dfbench import load_results

    out = _run(folder)
    files = [
        path
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.suffix in (".json", ".csv", ".parquet") and path.parent != out
    ]
    files += [
        path for path in (out / "run.json", out / "probes.json", out / "made.json") if path.exists()
    ]
    seeds = [path.read_bytes() for path in files]
    # a case begins with which file it is
    named = [bytes([number]) + seed for number, seed in enumerate(seeds)]

    def read(case: bytes) -> None:
        at = (case[0] if case else 0) % len(files)
        files[at].write_bytes(case[1:])
        (out / "board" / "state.json").unlink(missing_ok=True)
        try:
            results = load_results(out)
            _ = results.board
            for each in results.board.tables:
                _ = each.lines
        finally:
            files[at].write_bytes(seeds[at])

    return named, read


def _tables(folder: Path) -> tuple[list[bytes], Read]:
    from dfbench.suites.datasets.tables.reading import read_table

    seeds = [
        (".csv", "image,label,split\na.png,real,train\nb.png,fake,test\n"),
        (".csv", 'image;label\n"a ""x"".png";0\nb.png;1\n'),
        (".tsv", "image\tlabel\na.png\t0\nb.png\t1\n"),
        (".txt", "a.png 0\nb.png 1\n"),
        (".json", '{"a.png": {"label": "REAL", "split": "train"}, "b.png": {"label": "FAKE"}}'),
        (".json", '[{"file": "a.png", "label": 0}, {"file": "b.png", "label": 1}]'),
        (".json", '{"file": ["a.png", "b.png"], "label": [0, 1]}'),
        (".jsonl", '{"file": "a.png", "label": 0}\n{"file": "b.png", "label": 1}\n'),
    ]
    suffixes = [suffix for suffix, _ in seeds]
    seeds_of = [bytes([n]) + text.encode() for n, (_, text) in enumerate(seeds)]
    seeds_of += [
        bytes([0]) + seeds[0][1].encode("utf-16"),
        bytes([4]) + seeds[4][1].encode("utf-8-sig"),
    ]

    def read(case: bytes) -> None:
        file = folder / f"table{suffixes[(case[0] if case else 0) % len(suffixes)]}"
        file.write_bytes(case[1:])
        read_table(file)

    return seeds_of, read


def _archives(folder: Path) -> tuple[list[bytes], Read]:
    import tarfile

    from dfbench.detectors.sources import Sources, Unread
    from dfbench.errors import DataError

    pictures = {"a/1.png": _picture("PNG"), "a/2.jpg": _picture("JPEG"), "b/3.png": _picture("PNG")}
    seeds = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", method) as archive:
            for name, content in pictures.items():
                archive.writestr(name, content)
        seeds.append(held.getvalue())
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode=mode) as tar:
            for name, content in pictures.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        seeds.append(held.getvalue())

    def read(case: bytes) -> None:
        file = folder / ("x.zip" if case[:2] == b"PK" else "x.tar")
        file.write_bytes(case)
        with Sources([file]) as found:
            for each in found:
                if not isinstance(each, Unread):
                    try:
                        each.read()
                    except DataError:
                        continue

    return seeds, read


def _models(folder: Path) -> tuple[list[bytes], Read]:
    import hashlib

    import h5py
    import numpy as np
    import torch
    from safetensors.numpy import save

    from dfbench import load_model
    from dfbench.backbones.weights import read_file
    from dfbench.models.networks.torch_modules.keras_weights import read as read_layers

    out = _run(folder, "--keep-models", "all")
    seeds = [b"\0" + path.read_bytes() for path in sorted((out / "models").glob("*.dfb"))]
    tensors = {"a.weight": np.ones((4, 3), np.float32), "a.bias": np.zeros(4, np.float32)}
    seeds.append(b"\1" + save(tensors))
    held = io.BytesIO()
    torch.save({name: torch.from_numpy(each) for name, each in tensors.items()}, held)
    seeds.append(b"\2" + held.getvalue())
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file.create_dataset("conv2d_1/conv2d_1/kernel:0", data=np.ones((3, 3, 3, 8), np.float32))
        file.create_dataset("conv2d_1/conv2d_1/bias:0", data=np.ones(8, np.float32), chunks=(4,))
    seeds.append(b"\3" + held.getvalue())
    picture = folder / "x.png"
    picture.write_bytes(_picture("PNG"))
    suffixes = [".dfb", ".safetensors", ".pth", ".h5"]

    def read(case: bytes) -> None:
        which = (case[0] if case else 0) % 4
        content = case[1:]
        if (
            which == 0 and len(content) > 86
        ):  # the digest is made to fit: what lies behind it counts
            mark = content[-86:-64]
            content = content[:-86] + mark + hashlib.sha256(content[:-86]).hexdigest().encode()
        path = folder / f"model{suffixes[which]}"
        path.write_bytes(content)
        if which == 0:
            load_model(path).predict(picture)
        elif which == 3:
            read_layers(path, 1_000_000)
        else:
            read_file(path)

    return seeds, read


def _images(folder: Path) -> tuple[list[bytes], Read]:
    from dfbench.errors import ImageError
    from dfbench.images import decode, read_header

    forms = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "PPM", "TGA", "ICO", "AVIF")
    seeds = []
    for form in forms:
        for mode in ("RGB", "L", "RGBA", "P", "CMYK", "I;16", "1"):
            try:
                seeds.append(_picture(form, mode))
            except Exception:  # noqa: BLE001 - Pillow writes no such picture
                continue

    def read(case: bytes) -> None:
        refused = None
        for step in (read_header, decode):
            try:
                step(case)
            except ImageError as error:
                refused = error
        if refused is not None:
            raise refused

    return seeds, read


KINDS = {
    "cards": _cards,
    "suites": _suites,
    "expressions": _expressions,
    "records": _records,
    "tables": _tables,
    "archives": _archives,
    "models": _models,
    "images": _images,
}


def _picture(form: str, mode: str = "RGB", seed: int = 0) -> bytes:
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    held = io.BytesIO()
    (image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)).save(held, form)
    return held.getvalue()


def _package(folder: str, suffix: str) -> list[Path]:
    import dfbench

    return sorted(Path(str(dfbench.__file__)).parent.joinpath(folder).glob(f"*{suffix}"))


def _run(folder: Path, *more: str) -> Path:
    """Give a finished run of two rows on a few small pictures."""
    data, out = folder / "faces", folder / "out"
    for n in range(60):
        place = data / ("real" if n % 2 else "fake") / f"{n}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_picture("PNG", seed=n))
    command = [sys.executable, "-m", "dfbench", "run", "--suite", "smoke", "--data", str(data)]
    command += ["--only", "hsv/knn", "--only", "lbp/svm", "--trials", "1", "--figures", "none"]
    done = subprocess.run([*command, "--out", str(out), *more], capture_output=True, text=True)
    if not (out / "leaderboard.md").exists():
        raise SystemExit(f"the run that seeds are taken of failed:\n{done.stdout}{done.stderr}")
    return out


# --- running -----------------------------------------------------------------------------------


def case_of(kind: str, number: int, seed: int, seeds: list[bytes]) -> bytes:
    """Make a case: the same for the same kind, seed and number."""
    rng = random.Random(f"{seed} {kind} {number}")
    return changed(rng.choice(seeds), seeds, rng, WORDS)


def _peak() -> int:
    """Give the most bytes held since this was asked before."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def _try(read: Read, case: bytes) -> tuple[str, str]:
    """Give what came of a case: ok, refused or traceback; and the traceback."""
    from dfbench.errors import DfbenchError

    try:
        read(case)
    except DfbenchError as error:
        if "\n" in str(error):
            return "several lines", repr(str(error))[:300]
        return "refused", ""
    except BaseException:  # noqa: BLE001 - whatever it is, is a fault
        return "traceback", "".join(traceback.format_exc().splitlines(keepends=True)[-9:])
    return "ok", ""


def work(kind: str, first: int, last: int, seed: int, seconds: float) -> None:
    """Work on cases, and say what came of them, a line of JSON each that is at fault."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DFBENCH_CACHE"] = f"{scratch}/cache"
        os.environ["DFBENCH_CONFIG"] = f"{scratch}/config"
        seeds, read = KINDS[kind](Path(scratch))
        taken = 0
        for each in seeds:
            outcome, said = _try(read, each)  # warm; most seeds are sound
            taken += outcome == "ok"
            if outcome == "traceback":
                print(json.dumps({"seed": outcome, "said": said}), flush=True)
        print(json.dumps({"at": first, "sound": f"{taken} of {len(seeds)} seeds"}), flush=True)
        _peak()
        idle = _peak()
        counts: Counter[str] = Counter()
        ends = time.time() + seconds
        for number in range(first, last):
            if time.time() > ends:
                break
            print(json.dumps({"at": number}), flush=True)
            case = case_of(kind, number, seed, seeds)
            start = time.perf_counter()
            outcome, said = _try(read, case)
            took, held = time.perf_counter() - start, _peak() - idle
            faults = [outcome] if outcome in ("traceback", "several lines") else []
            faults += [f"{took:.1f} s"] if took > SLOW else []
            faults += [f"{held / 1e9:.2f} GB"] if held > LARGE else []
            counts[outcome] += 1
            if faults:
                print(json.dumps({"fault": faults, "number": number, "said": said}), flush=True)
        print(json.dumps({"counts": counts}), flush=True)


def drive(kind: str, cases: int, seconds: float, seed: int) -> int:
    """Work on a kind in processes of its own, one after the other; give the number of faults."""
    import selectors

    first, faults, left = 0, 0, seconds
    start = time.time()
    counts: Counter[str] = Counter()
    told: Counter[str] = Counter()
    while first < cases and left > 0:
        command = [
            sys.executable,
            __file__,
            "--work",
            kind,
            str(first),
            str(cases),
            str(seed),
            str(left),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        lines = selectors.DefaultSelector()
        lines.register(process.stdout, selectors.EVENT_READ)
        at, whole, begun = first, False, 0.0
        while lines.select(SILENT if begun else 10 * SILENT):
            line = process.stdout.readline()
            if not line:
                break
            word = json.loads(line)
            begun = begun or time.time()
            at = word.get("at", at)
            if "sound" in word:
                print(f"{kind}: {word['sound']} are sound", flush=True)
            elif "at" in word:
                counts["cases"] += 1
            if "counts" in word:
                counts.update(word["counts"])
                whole = True
            for key in ("fault", "seed"):
                if key in word:
                    faults += 1
                    last = (word["said"].strip().splitlines() or [""])[-1][:60]
                    told[last] += 1
                    if told[last] <= 2:
                        print(
                            f"{kind}:{word.get('number', 'seed')}: {word[key]}\n{word['said']}",
                            flush=True,
                        )
        process.kill()
        process.wait()
        if whole:
            break
        if not begun:
            raise SystemExit(f"{kind}: nothing was begun: {' '.join(command)}")
        left -= time.time() - begun
        faults += 1
        print(f"{kind}:{at}: the process died or hung ({process.returncode})", flush=True)
        first = at + 1
    took = time.time() - start
    print(
        f"{kind}: {counts['cases']} cases in {took:.0f} s: {dict(counts)}, {faults} faults",
        flush=True,
    )
    for said, count in told.most_common(20):
        print(f"    {count:6} x {said}")
    return faults


def lead(kind: str, cases: int, seconds: float) -> None:
    """Let atheris lead the cases of a kind; it stops at the first fault."""
    import atheris

    scratch = Path(tempfile.mkdtemp())
    os.environ["DFBENCH_CACHE"], os.environ["DFBENCH_CONFIG"] = (
        f"{scratch}/cache",
        f"{scratch}/config",
    )
    with atheris.instrument_imports(include=["dfbench"]):
        seeds, read = KINDS[kind](scratch)
    corpus = scratch / "corpus"
    corpus.mkdir()
    for number, each in enumerate(seeds):
        (corpus / str(number)).write_bytes(each)

    def one(case: bytes) -> None:
        from dfbench.errors import DfbenchError

        with contextlib.suppress(DfbenchError):
            read(case)

    options = [f"-runs={cases}", f"-max_total_time={int(seconds)}", f"-timeout={int(SLOW)}"]
    atheris.Setup([sys.argv[0], *options, "-rss_limit_mb=2048", str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    """Parse, work, print."""
    if sys.argv[1:2] == ["--work"]:
        kind, first, last, seed, seconds = sys.argv[2:]
        work(kind, int(first), int(last), int(seed), float(seconds))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help="by default all")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1800, help="for each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=["own", "atheris"], default="own")
    parser.add_argument(
        "--only", metavar="KIND:NUMBER", help="write this case to a file, and read it"
    )
    asked = parser.parse_args()
    if asked.only:
        kind, _, number = asked.only.partition(":")
        scratch = Path(tempfile.mkdtemp())
        seeds, read = KINDS[kind](scratch)
        case = case_of(kind, int(number), asked.seed, seeds)
        place = Path(f"{kind}-{number}")
        place.write_bytes(case)
        print(f"{place}: {len(case)} bytes\n{case[:400]!r}")
        print(*_try(read, case))
        return
    faults = 0
    for kind in asked.kinds or KINDS:
        if asked.engine == "atheris":
            lead(kind, asked.cases, asked.seconds)
        else:
            faults += drive(kind, asked.cases, asked.seconds, asked.seed)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

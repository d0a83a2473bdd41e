"""Tables written at random, whose right reading is known: no wrong label is read in silence."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.inference.tables import find_tables
from dfbench.suites.datasets.scan import scan

# column of labels, label of a real image, of a fake
SPELLINGS = [
    ("label", "0", "1"),
    ("Label", "0.0", "1.0"),
    ("class", "REAL", "FAKE"),
    ("y", "real", "fake"),
    ("target", "0", "1"),
    ("Ground Truth", "authentic", "generated"),
    ("is_fake", "0", "1"),
    ("isFake", "False", "True"),
    ("is_real", "1", "0"),
    ("real", "yes", "no"),
    ("étiquette", "réel", "faux"),
    ("verdict", "bonafide", "spoof"),
    ("what", "Original", "Deepfake"),
]
IDS = {
    "path": lambda path: path,
    "stem": lambda path: posixpath.splitext(path)[0],
    "base": posixpath.basename,
    "base stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
    "dot": lambda path: "./" + path,
    "unix": lambda path: "/home/somebody/my set/" + path,
    "windows": lambda path: "C:\\Users\\Somebody\\set\\" + path.replace("/", "\\"),
    "other folder": lambda path: "/kaggle/input/" + posixpath.basename(path),
}
FORMS = [
    "csv",
    "csv",
    "csv",
    "csv",
    "tsv",
    "txt",
    "json list",
    "json keys",
    "json columns",
    "jsonl",
]
STEMS = ["007", "a b", "é-1", "x,y", "p;q", "0001", "12", "f.g", "it's", "Ω", "img_3", "a|b", "9"]
EXTRAS = {
    "width": lambda rng: str(rng.choice([256, 512, 1024])),
    "score": lambda rng: f"{rng.random():.3f}",
    "comment": lambda rng: rng.choice(["", "ok, fine", "blurred; dark", 'said "no"']),
    "person": lambda rng: str(rng.randrange(50)),
    "generator": lambda rng: rng.choice(["stylegan", "sdxl", "flux"]),
    "age": lambda rng: str(rng.randrange(2)),
}


def written(form, header, rows, rng, path: Path) -> Path:
    objects = [dict(zip(header, row, strict=True)) for row in rows]
    if form == "json list":
        return _json(path, objects)
    if form == "json keys":
        return _json(path, {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows})
    if form == "json columns":
        cells = zip(*rows, strict=True)
        return _json(path, dict(zip(header, map(list, cells), strict=True)))
    if form == "jsonl":
        path = path.with_suffix(".jsonl")
        path.write_text("\n".join(json.dumps(entry) for entry in objects), encoding="utf-8")
        return path
    order = list(range(len(header)))
    rng.shuffle(order)
    rows = [[row[at] for at in order] for row in [header, *rows]]
    if rng.random() < 0.3:
        rows = [["" if not n else str(n - 1), *row] for n, row in enumerate(rows)]
    out = io.StringIO()
    csv.writer(
        out,
        delimiter="\t" if form == "tsv" else rng.choice(",;\t|"),
        quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        lineterminator=rng.choice(["\n", "\r\n"]),
    ).writerows(rows)
    text = out.getvalue()
    encodings = ["utf-8", "utf-8-sig", "utf-16"]
    try:
        text.encode("cp1252")
        encodings.append("cp1252")
    except UnicodeEncodeError:
        pass
    path = path.with_suffix(f".{form}")
    path.write_bytes(text.encode(rng.choice(encodings)))
    return path


def _json(path: Path, value: object) -> Path:
    path = path.with_suffix(".json")
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**9),
    n=st.integers(6, 30),
    tree=st.sampled_from(
        [[""], ["images/"], ["a/", "b/c/"], ["train/", "test/"], ["real/", "fake/"]]
    ),
    spelling=st.sampled_from(SPELLINGS),
    ids=st.sampled_from(sorted(IDS)),
    id_column=st.sampled_from(["filename", "image_id", "Bild", "path", "id", "Unnamed"]),
    form=st.sampled_from(FORMS),
    extras=st.sets(st.sampled_from(sorted(EXTRAS)), max_size=3),
    gone=st.integers(0, 3),
    numbered=st.booleans(),
)
def test_no_label_is_read_wrongly(
    seed, n, tree, spelling, ids, id_column, form, extras, gone, numbered
):
    rng = random.Random(seed)
    stems = [f"{rng.choice(STEMS)}{'' if at < 2 else f'-{at}x'}" for at in range(n)]
    stems = [str(at) for at in range(n)] if numbered else list(dict.fromkeys(stems))
    worded = tree == ["real/", "fake/"]
    twice = "base" not in ids and ids != "other folder"  # the same name in each folder
    paths = {
        f"{folder}{stem}{suffix}": rng.random() < 0.5 if not worded else folder == "fake/"
        for stem, suffix in ((stem, rng.choice([".png", ".JPG"])) for stem in stems)
        for folder in (tree if twice else [rng.choice(tree)])
    }
    first, *_, last = sorted(paths)
    paths |= {} if worded and twice else {first: worded and first[0] == "f", last: not worded}
    label_column, real, fake = spelling
    header = [id_column, label_column, *sorted(extras)]
    rows = [
        [IDS[ids](path), fake if told else real, *(EXTRAS[name](rng) for name in sorted(extras))]
        for path, told in paths.items()
    ]
    rng.shuffle(rows)
    if numbered:  # rows are counted as the images are
        header.append("nr")
        rows = [[*row, str(n)] for n, row in enumerate(rows)]
    absent = set(rng.sample(sorted(paths), min(gone, len(paths) // 3)))
    assume(len({told for path, told in paths.items() if path not in absent}) == 2)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path in paths.keys() - absent:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        file = written(form, header, rows, rng, root / "labels")
        there = sorted(paths.keys() - absent)
        result = find_tables(root, there, [file.name])
        found = result.found
        if numbered and found is None:
            assert "name different images" in result.aside[0][1]
            return
        assert found is not None, (result.aside, file.read_bytes())
        assert len(found.classes) == 2
        assert found.positive
        expected = {path: paths[path] for path in there}
        assert {path: name == found.positive for path, name in found.labels.items()} == expected
        card = Card.model_validate(
            {
                "name": "x",
                "classes": found.classes,
                "positive": found.positive,
                "layout": found.layout,
            }
        )
        listed = {i.path: bool(i.label) for i in scan(card, root).images if not i.fault}
        assert listed == expected
        missing = f"{len(absent)} of {len(paths)} rows of {file.name} name no image"
        assert (missing in found.warnings) == bool(absent)

"""The guide "Your own data": each tree in it is made, and read as it says; each card is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dfbench.errors import DfbenchError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.inference.reading import read_folder
from dfbench.suites.datasets.scan import check_fit

PAGE = Path(__file__).parents[3] / "docs" / "your-own-data.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n(?:> ([^\n]*)\n)?", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str, str]]:
    """Give each tree with the files shown below it, and what is said of it: a line or a card."""
    found: list[tuple[str, str, str]] = []
    tree = ""
    for kind, body, said in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        first = body.partition("\n")[0]
        if re.match(r"[\w-]+/(\s|$)", first):
            tree = body
        elif re.fullmatch(r"# \S+\.(csv|json|jsonl|tsv|txt)", first):
            tree += "\n" + body
        elif kind == "toml" and tree:
            found.append((tree, "card", body))
        if said and tree:
            what, _, text = said.partition(": ")
            found.append((tree, what, text))
    return found


def expand(pattern: str) -> list[str]:
    """Give the names that a shell makes of ``a{01..12}.jpg``."""
    head, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    span, _, tail = rest.partition("}")
    first, _, last = span.partition("..")
    numbers = range(int(first), int(last) + 1)
    return [name for n in numbers for name in expand(f"{head}{n:0{len(first)}}{tail}")]


def build(tree: str, outer: Path) -> Path:
    """Make the folders, images and tables of an example; returns its root."""
    drawn, *tables = re.split(r"\n(?=# \S+\.\w+\n)", tree)
    path: list[str] = []
    for line in drawn.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, rest = line.strip().partition("  ")
        path[depth:] = [name.rstrip("/")]
        place = outer.joinpath(*path)
        images = re.fullmatch(r"(\d+) images(?:: (.+))?", rest.strip())
        if name.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
        if images:
            count = int(images[1])
            files = expand(images[2] or f"{{0000..{count - 1:04}}}.jpg")
            assert len(files) == count
            for file in files:
                (place / file).touch()
        elif not name.endswith("/") and "." in name:
            place.touch()
    root = outer / path[0]
    for text in tables:
        name, _, content = text.partition("\n")
        (root / name.removeprefix("# ")).write_text(content, encoding="utf-8")
    return root


@pytest.mark.parametrize(("tree", "what", "said"), examples())
def test_each_example_does_what_the_guide_says(tmp_path, tree, what, said):
    root = build(tree, tmp_path)
    if what == "read as":
        assert read_folder(root).line == said
    elif what == "error":
        with pytest.raises(DfbenchError) as caught:
            read_folder(root)
        assert str(caught.value).partition(": ")[2] == said
    else:
        (root / "card.toml").write_text(said, encoding="utf-8")
        card = load_card(root / "card.toml")
        assert check_fit(card, root / card.root) > 0

from __future__ import annotations

from pathlib import Path

import pytest

from dfbench.errors import CardError, DataError
from dfbench.suites.datasets.cards.reading import load_card
from dfbench.suites.datasets.cards.writing import to_toml
from dfbench.suites.datasets.scan import scan
from tests.suites.datasets.layouts.listed import failure, rows

PATHS = "[[layout.paths]]\npattern = '(?P<label>real|fake)/(?P<key>[^/]+)/[^/]+'\n"


@pytest.fixture
def with_layout(card_file):
    def card(text: str, policy: str = "stratified"):
        return card_file(
            'name = "clips"\nclasses = ["real", "fake"]\npositive = "fake"\n'
            f'[layout]\nkind = "paths"\n{text}\n[split]\npolicy = "{policy}"\n'
        )

    return card


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def warnings(path: Path, root: Path) -> list[str]:
    return scan(load_card(path), root).warnings


def test_what_fits_no_pattern_is_left_out_and_counted(make, with_layout):
    for path in ("real/a/1.png", "fake/b/1.png", "other/1.png", "other/2.png", "masks/a/1.png"):
        make.image(path)
    card = with_layout("ignore = 'masks/.*'\n" + PATHS)
    assert [row[:2] for row in rows(card, make.root)] == [("fake/b/1.png", 1), ("real/a/1.png", 0)]
    assert warnings(card, make.root) == ["2 images of no form in layout.paths, in other: left out"]


def test_where_nothing_fits_the_message_says_what_would(make, with_layout):
    make.image("somewhere/1.png")
    message = failure(with_layout(PATHS), make.root)
    assert "none of 1 images lies as 'clips' does, such as somewhere/1.png" in message
    assert "patterns in layout.paths are of whole paths" in message


def test_the_first_pattern_that_fits_counts_and_tells_what_no_group_does(make, with_layout):
    for path in ("a/x/1.png", "a/y/1.png", "b/1.png"):
        make.image(path)
    card = with_layout(
        "splits = ['train', 'test']\nrest = 'train'\nkinds = { x = 'EX' }\n"
        "[[layout.paths]]\npattern = 'a/(?P<kind>x)/.*'\nlabel = 'fake'\nsplit = 'test'\n"
        "[[layout.paths]]\npattern = 'a/.*'\nlabel = 'fake'\nkind = 'why'\n"
        "[[layout.paths]]\npattern = '.*'\nlabel = 'real'\n",
        policy="given",
    )
    images = scan(load_card(card), make.root).images
    assert [(each.path, each.label, each.split, each.kind) for each in images] == [
        ("a/x/1.png", 1, "test", "EX"),
        ("a/y/1.png", 1, "train", "why"),
        ("b/1.png", 0, "train", ""),
    ]


def test_lists_tell_splits_and_groups_and_names_of_originals_count(make, with_layout):
    for path in ("real/071/1.png", "real/054/1.png", "fake/071_054/1.png", "real/999/1.png"):
        make.image(path)
    write(make.root, "splits/train.json", '[["071", "054"]]')
    write(make.root, "fakes.csv", "name,original\nfake/071_054.mp4,071.mp4\n")
    card = with_layout(
        "splits = ['train', 'test']\n"
        + PATHS
        + "[[layout.lists]]\nfile = 'splits/train.json'\npattern = '(?P<key>\\d+)'\n"
        + "split = 'train'\n"
        + "[[layout.lists]]\nfile = 'fakes.csv'\ncolumns = { key = 'name', group = 'original' }\n"
        + "split = 'train'\n",
        policy="given",
    )
    assert [row[:4] for row in rows(card, make.root)] == [
        ("fake/071_054/1.png", 1, "train", "071"),
        ("real/054/1.png", 0, "train", ""),
        ("real/071/1.png", 0, "train", "071"),
    ]
    assert warnings(card, make.root) == ["1 image in none of the lists, in real/999: left out"]


def test_names_in_a_list_may_be_relative_to_its_folder(make, with_layout):
    make.image("part/1.png")
    make.image("other/1.png")
    write(make.root, "part/labels.txt", "1.png fake\n")
    write(make.root, "other/labels.txt", "1.png real\n")
    card = with_layout(
        "[[layout.paths]]\npattern = '(?P<key>.*)'\n"
        "[[layout.lists]]\nfile = '*/labels.txt'\nwithin = true\n"
        "pattern = '^(?P<key>\\S+) (?P<label>\\w+)$'\n"
    )
    assert [row[:2] for row in rows(card, make.root)] == [("other/1.png", 0), ("part/1.png", 1)]


def test_lists_that_contradict_each_other_are_an_error(make, with_layout):
    make.image("real/a/1.png")
    write(make.root, "one.txt", "train a\ntest a\n")
    card = with_layout(
        "splits = ['train', 'test']\n" + PATHS + "[[layout.lists]]\nfile = 'one.txt'\n"
        "pattern = '^(?P<split>\\w+) (?P<key>\\w+)$'\n",
        policy="given",
    )
    message = failure(card, make.root)
    assert f"{make.root}/one.txt: tells split 'test' of 'a', after 'train'" in message


@pytest.mark.parametrize("folder", [True, False])
def test_a_key_without_folders_is_of_the_entry_whose_folders_it_lies_in(make, with_layout, folder):
    for path in ("a/frames/v/1.png", "b/frames/v/1.png"):
        make.image(path if folder else path.replace("a/", "c/"))
    write(make.root, "list.csv", "key,label\na/v.mp4,real\nb/v.mp4,fake\n")
    card = with_layout(
        "[[layout.paths]]\npattern = '[abc]/frames/(?P<key>[^/]+)/[^/]+'\n"
        "[[layout.lists]]\nfile = 'list.csv'\ncolumns = { key = 'key', label = 'label' }\n"
    )
    if folder:
        expected = [("a/frames/v/1.png", 0), ("b/frames/v/1.png", 1)]
        assert [row[:2] for row in rows(card, make.root)] == expected
    else:
        message = failure(card, make.root)
        assert "'v' is several in the lists" in message
        assert "'a/v', 'b/v'" in message
        assert "c/frames/v/1.png" in message


def test_what_a_list_names_in_vain_is_counted_and_a_list_that_fits_nothing_is_refused(
    make, with_layout
):
    for path in ("real/a/1.png", "fake/b/1.png"):
        make.image(path)
    card = with_layout(
        "splits = ['train', 'test']\nrest = 'train'\n" + PATHS + "[[layout.lists]]\n"
        "file = 'test.txt'\npattern = '^(?P<key>[\\w-]+)(?:\\.\\w+)?$'\nsplit = 'test'\n",
        policy="given",
    )
    write(make.root, "test.txt", "a.mp4\nb-.mp4\n")
    assert warnings(card, make.root) == ["1 of 2 names in test.txt is of no image, such as 'b-'"]
    write(make.root, "test.txt", "a-.mp4\nb-.mp4\n")
    assert "the list names no image that is there, but 'a-', 'b-'" in failure(card, make.root)
    write(make.root, "test.txt", "<html>404</html>")
    assert "test.txt: the list names nothing" in failure(card, make.root)


def test_a_list_that_is_absent_is_an_error_unless_it_is_optional(make, with_layout):
    make.image("real/a/1.png")
    each = "[[layout.lists]]\nfile = ['one.txt', 'or/two.txt']\npattern = '(?P<key>.+)'\n"
    message = failure(with_layout(PATHS + each), make.root)
    assert f"{make.root}/one.txt: no such list" in message
    assert "put it there or or/two.txt" in message
    assert rows(with_layout(PATHS + each + "optional = true\n"), make.root)
    write(make.root, "or/two.txt", "a\n")
    assert rows(with_layout(PATHS + each), make.root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[layout.paths]]\npattern = '.*'\n", "nothing tells the label"),
        ("[[layout.paths]]\npattern = '.*'\nlabel = 'odd'\n", "'odd' is none of the classes"),
        ("splits = ['train']\n" + PATHS, "nothing tells the split"),
        (
            "[[layout.paths]]\npattern = '.*'\nlabel = 'real'\n"
            "[[layout.lists]]\nfile = 'a'\npattern = '(?P<key>.)'\n",
            "lists need a named group (?P<key>...)",
        ),
        (PATHS + "[[layout.lists]]\nfile = 'a'\n", "needs a pattern or columns, one of them"),
        (PATHS + "[[layout.lists]]\nfile = '../a'\npattern = '(?P<key>.)'\n", "layout"),
        (PATHS + "[[layout.lists]]\nfile = 'a'\npattern = '.'\n", "key"),
    ],
)
def test_a_card_that_cannot_be_read_by_is_refused(with_layout, text, said):
    with pytest.raises(CardError) as caught:
        load_card(with_layout(text))
    assert said in str(caught.value)


def test_a_split_that_is_none_is_an_error(make, with_layout):
    make.image("real/odd/1.png")
    card = with_layout(
        "splits = ['train', 'test']\n[[layout.paths]]\n"
        "pattern = '(?P<label>real)/(?P<split>[^/]+)/.*'\n",
        policy="given",
    )
    with pytest.raises(DataError, match=r"'odd' is no split.*layout.split_values"):
        scan(load_card(card), make.root)


def test_a_card_of_paths_can_be_written_and_read_again(with_layout, tmp_path):
    card = load_card(
        with_layout(
            "labels = { REAL = 'real' }\n"
            + PATHS
            + "[[layout.lists]]\nfile = ['a.csv', 'b.csv']\ncolumns = { key = 'name' }\n"
        )
    )
    again = tmp_path / "again.toml"
    again.write_text(to_toml(card))
    assert load_card(again) == card

from __future__ import annotations

from tests.suites.datasets.layouts.listed import failure, rows


def test_labels_and_groups_from_names(make, names_card):
    make.image("clip001_a_b_1.jpg")
    make.image("deep/clip002_c_0.jpg")
    assert rows(names_card(), make.root) == [
        ("clip001_a_b_1.jpg", 1, "", "clip001", ""),
        ("deep/clip002_c_0.jpg", 0, "", "clip002", ""),
    ]


def test_a_name_that_does_not_match_is_an_error(make, names_card):
    make.image("clip001_a_1.jpg")
    make.image("odd.jpg")
    message = failure(names_card(), make.root)
    assert f"{make.root}/odd.jpg: the name does not match layout.pattern" in message
    assert "nor do" not in message
    make.image("other.jpg")
    assert "(nor do 1 of 2 others)" in failure(names_card(), make.root)


def test_a_matched_label_outside_the_classes_is_an_error(make, names_card):
    make.image("clip001_a_7.jpg")
    message = failure(names_card(), make.root)
    assert "clip001_a_7.jpg: label '7' is none of the classes of 'clips' (real, fake)" in message
    assert "layout.labels knows 0, 1" in message


def test_a_pattern_with_a_slash_sees_the_folders(make, card_file):
    make.image("id1/fake/1.jpg")
    make.image("id2/real/1.jpg")
    card = card_file(
        'name = "x"\nclasses = ["real", "fake"]\n[layout]\nkind = "filename"\n'
        "pattern = '(?P<group>\\w+)/(?P<label>\\w+)/.*'\n"
    )
    assert [r[1:4] for r in rows(card, make.root)] == [(1, "", "id1"), (0, "", "id2")]

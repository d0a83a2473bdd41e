from __future__ import annotations

from dfbench.suites.datasets.tables.originals import groups_with_originals


def test_an_original_belongs_to_its_fakes():
    ids = ["v/a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"]
    groups = ["", "a.mp4", "x/a.avi", "", "d"]
    assert groups_with_originals("original", ids, groups) == ["a", "a", "a", "d", "d"]


def test_columns_of_people_stay_as_they_are():
    assert groups_with_originals("person", ["1.jpg", "2.jpg"], ["", "1"]) == ["", "1"]
    assert groups_with_originals("video", ["a", "b"], ["x.mp4", "y.mp4"]) == ["x.mp4", "y.mp4"]


def test_names_that_several_folders_have_keep_their_folder():
    ids = ["a/0001.png", "b/0001.png", "f/1.png", "f/2.png"]
    groups = ["", "", "a/0001.png", "b/0001.png"]
    assert groups_with_originals("source", ids, groups) == ["a/0001", "b/0001", "a/0001", "b/0001"]

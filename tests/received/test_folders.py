"""Folders of others: each real one once, whatever links lead where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dfbench.received.folders import below


def listed(folder: Path) -> dict[str, list[str]]:
    return {
        prefix: sorted(entry.name for entry in entries)
        for prefix, entries in below(folder, lambda name: not name.startswith("."))
    }


def test_folders_are_listed_with_what_is_no_folder(tmp_path: Path) -> None:
    for name in ("a/b/1", "a/2", ".hidden/3", "4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "gone").symlink_to("nowhere")
    assert listed(tmp_path) == {"": ["4"], "a/": ["2", "gone"], "a/b/": ["1"]}


def test_links_that_fan_out_are_followed_once(tmp_path: Path) -> None:
    names = [f"s{n:02}" for n in range(30)]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.png").touch()
        for other in names:
            if other != name:
                (tmp_path / name / f"to-{other}").symlink_to(tmp_path / other)
    assert listed(tmp_path) == {"": [], **{f"{name}/": [f"{name}.png"] for name in names}}


def test_a_folder_elsewhere_is_known_by_the_first_of_its_links(tmp_path: Path) -> None:
    pool, root = tmp_path / "pool", tmp_path / "root"
    (pool / "inner").mkdir(parents=True)
    (pool / "inner" / "1").touch()
    root.mkdir()
    for name in ("z", "a", "m"):
        (root / name).symlink_to(pool)
    (root / "inner").symlink_to(pool / "inner")
    (pool / "back").symlink_to(root)
    assert listed(root) == {"": [], "a/": [], "a/inner/": ["1"]}


def test_its_own_name_goes_before_that_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "z" / "deep").mkdir(parents=True)
    (tmp_path / "a").symlink_to("z/deep")
    assert set(listed(tmp_path)) == {"", "z/", "z/deep/"}


def test_no_link_leads_up_or_into_what_the_system_makes_up(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for name, target in {"up": "..", "all": "/", "p": "/proc", "s": "/sys", "d": "/dev"}.items():
        (root / name).symlink_to(target)
    assert set(listed(root)) == {""}
    for place in ("/proc", "/sys/class", "/dev"):
        with pytest.raises(OSError, match="the system makes it up"):
            listed(Path(place))


def test_a_root_that_is_a_link_is_gone_into(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "1").touch()
    (tmp_path / "link").symlink_to("real")
    assert listed(tmp_path / "link") == {"": ["1"]}


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Make 1,100 folders, one in the other; what removes them by recursion would break."""
    made = tmp_path / "deep"
    for n in range(1100):
        (tmp_path / f"{n}").mkdir()
        if n:
            made.rename(tmp_path / f"{n}" / "d")
        (tmp_path / f"{n}").rename(made)
    yield made
    for n in range(1100):
        if (made / "d").exists():
            (made / "d").rename(tmp_path / f"{n}")
            made.rmdir()
            (tmp_path / f"{n}").rename(made)


def test_folders_far_down_are_listed(deep: Path) -> None:
    assert len(listed(deep)) == 1100


def test_the_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        listed(tmp_path / "absent")
    assert caught.value.filename == str(tmp_path / "absent")

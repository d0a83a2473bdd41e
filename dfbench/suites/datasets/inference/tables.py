from typing import NamedTuple


class FoundTable(NamedTuple):
    layout: object


class Tables(NamedTuple):
    found: FoundTable | None
    aside: list


def find_tables(root, images, files, columns):
    return Tables(None, [])

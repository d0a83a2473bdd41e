"""What divides the images of tables: a column, or the folders that they lie in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dfbench.suites.datasets.inference.choosing import Chosen
from dfbench.suites.datasets.inference.columns import (
    SplitChoice,
    read_splits,
    split_column,
    values,
)
from dfbench.suites.datasets.inference.places import find_name
from dfbench.suites.datasets.inference.read_as import NONE, Level, Names, ReadAs
from dfbench.suites.datasets.listing import SPLITS, SplitName
from dfbench.suites.datasets.words import split_of


class TableSplits:
    """Finds what divides the images of the chosen tables.

    Parameters
    ----------
    chosen
        The tables.
    given
        What somebody says of them: ``splits`` is a column, folders, a level of these, or none.

    Attributes
    ----------
    asked
        What has to be asked, with the options that settle it.
    turned
        Whether a column and folders contradict each other.
    warnings, missing
        What may mislead; what was given, but is not there: a sentence each.
    """

    def __init__(self, chosen: Chosen, given: Mapping[str, str]) -> None:
        self.chosen = chosen
        self.given = given
        self.labelled = chosen.labelled
        self.asked: tuple[str, str] | None = None
        self.turned = False
        self.warnings: list[str] = []
        self.missing: list[str] = []

    def guessed(self) -> SplitChoice:
        """Find the column of the one table that tells splits, if one does."""
        if list(self.chosen.all) != ["all"] or self.by_folders:
            return SplitChoice()
        one = self.labelled["all"]
        return split_column(one.table, one.labels.column)

    def hold_against_folders(self, column: SplitChoice) -> None:
        """Ask where the column of splits and the names of folders contradict each other."""
        [one] = self.labelled.values()
        folders: dict[SplitName, str] = {}
        against: list[str] = []
        for text, row in zip(one.table.cells(column.column), one.named, strict=True):
            for path in row.images:
                said = {split: part for part in path.split("/")[:-1] if (split := split_of(part))}
                folders |= said
                if len(said) == 1 and (column.values.get(text) or split_of(text)) not in said:
                    against.append(path)
        if len(folders) > 1 and against:
            names = ",".join(f"{split}={folder}" for split, folder in folders.items())
            self.turned = True
            self.asked = (
                f"column {column.column!r} of {one.file} and the names of folders tell different"
                f" splits of {len(against):,} images, such as {against[0]}",
                f"--splits {column.column} goes by the column, --splits {names} by the folders",
            )

    @property
    def by_folders(self) -> bool:
        """Whether the user says which folders are the splits."""
        said = self.given.get("splits", "")
        how = ReadAs(splits=said).said("splits")
        if how is None or self._in_all(said):
            return False
        named = isinstance(how, Names) and all(map(split_of, how.by_name))
        return named or isinstance(how, Level)

    def _in_all(self, column: str) -> bool:
        return all(column in one.table.columns for one in self.labelled.values())

    def read(self, name: str) -> SplitChoice:
        """Read a column that somebody says tells the splits."""
        one = next(iter(self.labelled.values()))
        read = read_splits(name, values(one.table, name))
        if read.reason or read.column != name:
            self.missing.append(f"splits: {read.reason or f'column {name!r} tells no splits'}")
        return read

    def folders(self, labels: Mapping[str, str]) -> dict[SplitName, list[str]]:
        """Find the folders that divide the images of the one table."""
        said = self.given.get("splits", "")
        if said.lower() == NONE:
            return {}
        of = self._folder_splits(said)
        told = {path: of(path) for path in labels}
        present = {split for found in told.values() for split in found}
        unclear = [path for path, found in told.items() if len({*found.values()} or found) != 1]
        if list(self.labelled) != ["all"] or (self.chosen.unlabelled and "test" in present):
            self._check_folders()
            return {}
        named = self.by_folders
        if not present and named:
            self.asked = (
                f"--splits {said}: no image in {self.labelled['all'].file} lies in such a folder",
                "names of folders, --splits train=FOLDER,test=FOLDER, or a column",
            )
        if not present or (said and not named) or (len(present) == 1 and not (unclear or said)):
            return {}
        if unclear or "train" not in present or len(present) < 2:
            names = ", ".join(sorted(present))
            lies = f"of its images {len(unclear):,} lie in no folder of one split"
            what = (
                f"{lies}, such as {unclear[0]}, others in one of {names}"
                if unclear
                else (f"its images lie in folders of {names}: nothing to train on, or to test on")
            )
            self.asked = (
                f"{self.labelled['all'].file} tells the labels, but {what}",
                "--splits train=FOLDER,test=FOLDER says which is which, --splits none divides all"
                " images anew",
            )
            return {}
        # rows of test without a label are of the same table
        whole = self.labelled["all"]
        others = {path: of(path) for path in whole.images - told.keys()}
        told |= {path: found for path, found in others.items() if "test" in found}
        result: dict[SplitName, list[str]] = {}
        for split in SPLITS:
            own = {found[split] for found in told.values() if split in found}
            if own:
                result[split] = sorted(own)
        return result

    def _folder_splits(self, said: str) -> Callable[[str], dict[SplitName, str]]:
        """Give what tells the splits of a path, each with the folder that says so."""
        how = ReadAs(splits=said).said("splits")
        named: dict[str, SplitName] = {}
        if isinstance(how, Names) and self.by_folders:
            for name, folders in how.by_name.items():
                known = split_of(name)
                if known:
                    named |= dict.fromkeys(folders, known)

        def of(path: str) -> dict[SplitName, str]:
            parts = tuple(path.split("/")[:-1])
            if named:
                match = find_name(parts, named)
                return {} if match is None else {match[2]: match[1]}
            if isinstance(how, Level):
                at = how.of(parts)
                parts = () if at is None else parts[at : at + 1]
            return {split: part for part in reversed(parts) if (split := split_of(part))}

        return of

    def _check_folders(self) -> None:
        """Warn where the tables of splits name images in folders of another."""
        for role, one in self.labelled.items():
            against = [
                path
                for path in one.told()
                if role != "all"
                and len(found := {split_of(part) for part in path.split("/")[:-1]} - {None}) == 1
                and role not in found
            ]
            if against:
                self.warnings.append(
                    f"{len(against)} images of {one.file} lie in folders of another split, such as"
                    f" {against[0]}: the table counts"
                )
        whole = self.labelled.get("all")
        if whole is not None:
            told = {split_of(part) for path in whole.told() for part in path.split("/")[:-1]}
            if len(told - {None}) > 1:
                self.warnings.append(
                    f"the images of {whole.file} are divided, not by the folders they lie in"
                )

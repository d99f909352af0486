"""The leaderboard of a page, which has room for some columns, and on a telephone for few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mnist_mlflow.reports.figures import SHORT

TITLES = {  # of the columns that are shown
    "rank": "rank",
    "algorithm": "algorithm",
    "val acc. %": "accuracy %",
    "±": "±",
    "seeds": "seeds",
    "95 % interval": "95 % interval",
    "vs best, points": "vs best, points",
    "p": "p",
    "sure %": "sure %",
    "wrong of sure %": "wrong of the sure %",
    "test %": "test accuracy %",
    "ms/image": "ms/image",
    "MB": "MB",
    "fit s": "seconds to learn",
    "run": "run",
}
WORDS = ("algorithm", "run")  # all other columns are numbers
ON_TELEPHONES = ("algorithm", "val acc. %", "test %", "ms/image")


class Board:
    """The leaderboard that a selection has logged, which anybody may have changed since; one row is the champion's."""

    def __init__(self, rows: Sequence[Mapping[str, str]], champion: str) -> None:
        self.rows, self.champion = rows, champion
        self.columns = [column for column in TITLES if rows and column in rows[0]]

    @property
    def head(self) -> list[tuple[str, str]]:
        """The title of each column, and the classes of its cells."""
        return [(TITLES[column], self._classes(column)) for column in self.columns]

    @property
    def body(self) -> list[tuple[bool, list[tuple[str, str]]]]:
        """Of each row whether it is the champion's, and its cells with their classes."""
        return [
            (row.get("run") == self.champion, [self._cell(row, name) for name in self.columns]) for row in self.rows
        ]

    def _cell(self, row: Mapping[str, str], column: str) -> tuple[str, str]:
        text = row.get(column) or ""
        return text[:SHORT] if column == "run" else text, self._classes(column)

    def _classes(self, column: str) -> str:
        kinds = {"number": column not in WORDS, "on-wide": column not in ON_TELEPHONES}
        return " ".join(kind for kind, is_so in kinds.items() if is_so)

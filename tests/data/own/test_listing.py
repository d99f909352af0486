import os
import re
from pathlib import Path

import pytest

from mnist_mlflow.data.own.listing import list_pictures
from mnist_mlflow.errors import DataError


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def listed(folder: Path) -> list[tuple[str, int, bool]]:
    return [picture[1:] for picture in list_pictures(folder).pictures]


def skipped(folder: Path) -> dict[str, str]:
    return dict(list_pictures(folder).skipped)


class TestFoldersByClass:
    def test_the_name_of_the_folder_is_the_label_however_deep(self, tmp_path: Path) -> None:
        make(tmp_path, "7/b.png", "7/a.png", "0/anna/page 1/c.jpg")
        assert listed(tmp_path) == [("0/anna/page 1/c.jpg", 0, False), ("7/a.png", 7, False), ("7/b.png", 7, False)]

    def test_a_name_that_is_no_text_is_told_with_escapes(self, tmp_path: Path) -> None:
        make(tmp_path, os.fsdecode(b"7/\xe9.png"), os.fsdecode(b"\xe9.txt"))
        assert listed(tmp_path) == [("7/\\udce9.png", 7, False)]
        assert list(skipped(tmp_path)) == ["\\udce9.txt"]

    def test_what_systems_hide_is_passed_over(self, tmp_path: Path) -> None:
        make(tmp_path, "1/a.png", "1/.DS_Store", ".git/config", "__MACOSX/1/a.png")
        assert (listed(tmp_path), skipped(tmp_path)) == ([("1/a.png", 1, False)], {})

    def test_a_test_part_is_kept_apart(self, tmp_path: Path) -> None:
        make(tmp_path, "training/3/a.png", "test/3/b.png")
        assert listed(tmp_path) == [("test/3/b.png", 3, True), ("training/3/a.png", 3, False)]

    def test_a_file_beside_the_folders_is_left_out(self, tmp_path: Path) -> None:
        make(tmp_path, "1/a.png", "lost.png")
        assert skipped(tmp_path) == {"lost.png": "it lies in no folder of a digit"}

    @pytest.mark.parametrize(
        ("names", "problem"),
        [
            (["1/a.png", "ten/b.png"], r"/ten is no folder of a digit; accepted are folders named 0 to 9. Rename it"),
            (["10/a.png"], "/10 is no folder of a digit"),
            (["mine/3/a.png"], "/mine is no folder of a digit; accepted are folders named 0 to 9. Type data=/.*/mine$"),
            (["train/1/a.png", "validation/1/a.png"], "/train is no folder of a digit"),
            (["a.png", "b.png"], r"holds a.png, b.png, and nothing says which digits these are. Put them into folders"),
            ([".hidden"], "is empty"),
        ],
    )
    def test_a_folder_that_says_nothing_is_refused(self, tmp_path: Path, names: list[str], problem: str) -> None:
        with pytest.raises(DataError, match=problem):
            list_pictures(make(tmp_path, *names))


class TestTableOfLabels:
    @pytest.mark.parametrize(
        "table",
        [
            "file,label\na.png,3\n",
            "\ufeffsource;Digit;FileName\nanna;3;a.png\n",
            "image\tclass\na.png\t3.0\n",
            '"path","y"\r\n"a.png","3"\r\n\r\n',
        ],
    )
    def test_the_columns_have_usual_names_and_others_are_ignored(self, tmp_path: Path, table: str) -> None:
        (make(tmp_path, "a.png") / "labels.csv").write_text(table, encoding="utf-8")
        assert listed(tmp_path) == [("a.png", 3, False)]

    def test_what_lacks_a_label_or_a_row_is_left_out(self, tmp_path: Path) -> None:
        make(tmp_path, "a.png", "b.png", "sub/c.png", "sub/d.png")
        (tmp_path / "labels.csv").write_text("file,label\na.png,3\nb.png,\nsub/c.png,9\n")
        assert listed(tmp_path) == [("a.png", 3, False), ("sub/c.png", 9, False)]
        assert skipped(tmp_path) == {
            "b.png": "it has no label in labels.csv",
            "sub/d.png": "it is not in labels.csv",
        }

    @pytest.mark.parametrize("label", ["ten", "10", "-1", "3.5"])
    def test_a_label_that_is_no_digit_is_refused_with_its_row(self, tmp_path: Path, label: str) -> None:
        (tmp_path / "labels.csv").write_text(f"file,label\na.png,3\nb.png,{label}\n")
        with pytest.raises(DataError, match=re.escape(f"row 3: the label of b.png is '{label}'; accepted are 0 to 9")):
            list_pictures(tmp_path)

    @pytest.mark.parametrize("table", ["", "a.png,3\n", "file,weather\na.png,3\n", '"' + "x" * 200_000])
    def test_a_table_without_the_columns_is_refused(self, tmp_path: Path, table: str) -> None:
        (tmp_path / "labels.csv").write_text(table)
        with pytest.raises(DataError, match=r"labels.csv (has the columns .*accepted are file and label|is no table)"):
            list_pictures(tmp_path)

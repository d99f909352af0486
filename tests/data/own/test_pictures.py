import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.data.own import pictures
from mnist_mlflow.data.own.pictures import read_pictures
from mnist_mlflow.errors import ImageError
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.types import silent
from tests.pictures import few_digits, write_folder, write_png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mine", each=2)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of pictures in each making of canonical digits."""
    counts: list[int] = []

    def counted(images: list[np.ndarray]) -> object:
        counts.append(len(images))
        return canonical_digits(images)

    monkeypatch.setattr(pictures, "canonical_digits", counted)
    return counts


def read(folder: Path) -> dict[Path, np.ndarray | ImageError]:
    return read_pictures(folder, sorted(folder.glob("*/*")), silent)


def as_bytes(results: dict[Path, np.ndarray | ImageError]) -> list[bytes]:
    return [image.tobytes() for image in results.values() if not isinstance(image, ImageError)]


def test_each_picture_becomes_its_canonical_digit(folder: Path) -> None:
    expected = canonical_digits([*few_digits(2).images]).images
    assert as_bytes(read(folder)) == [image.tobytes() for image in expected]


def test_canonical_digits_are_made_once(folder: Path, made: list[int]) -> None:
    first = as_bytes(read(folder))
    assert sum(made) == len(first) == 20
    assert as_bytes(read(folder)) == first
    assert sum(made) == 20


def test_a_picture_more_and_a_picture_less_cost_that_picture(folder: Path, made: list[int]) -> None:
    read(folder)
    made.clear()
    write_png(folder / "3" / "new.png", few_digits(3).images[-1])
    next((folder / "5").iterdir()).unlink()
    assert len(as_bytes(read(folder))) == 20
    assert sum(made) == 1


def cut(cache: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:-200])


def empty(cache: Path) -> None:
    cache.write_bytes(b"")


def change_code(cache: Path) -> None:
    with np.load(cache) as arrays:
        changed = {**arrays, "code": "another", "images": 255 - arrays["images"]}
    np.savez(cache, **changed)


@pytest.mark.parametrize("spoil", [cut, empty, change_code])
def test_a_cache_that_cannot_be_trusted_is_made_again(
    folder: Path, made: list[int], spoil: Callable[[Path], None]
) -> None:
    expected = as_bytes(read(folder))
    (cache,) = (cache_folder() / "canonical").glob("*.npz")
    spoil(cache)
    assert as_bytes(read(folder)) == expected
    assert sum(made) == 40


def test_without_a_cache_they_are_made_each_time(
    folder: Path, made: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (folder.parent / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder.parent / "file"))
    with caplog.at_level(logging.WARNING):
        assert len(as_bytes(read(folder))) == len(as_bytes(read(folder))) == 20
    assert "cannot be kept" in caplog.text
    assert sum(made) == 40


def test_what_is_no_picture_costs_the_others_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = as_bytes(read(folder))
    (folder / "4" / "notes.txt").write_text("four")
    (folder / "4" / "cut.png").write_bytes(next((folder / "5").glob("*.png")).read_bytes()[:60])
    (folder / "4" / "link.png").symlink_to("nowhere")
    (folder / "4" / "back").symlink_to(folder)
    (folder / "4" / "huge.png").write_bytes(bytes(2_000))
    monkeypatch.setattr(pictures, "LARGEST", 1_500)
    results = read(folder)
    reasons = {path.name: str(error) for path, error in results.items() if isinstance(error, ImageError)}
    assert as_bytes(results) == good
    assert "are no picture" in reasons["notes.txt"]
    assert "cannot be read" in reasons["cut.png"]
    assert reasons["back"] == "It is no file."
    assert reasons["link.png"] == "There is no such file."
    assert reasons["huge.png"] == "The file has 2,000 bytes; accepted are 1,500 at most."


def test_a_file_that_may_not_be_read_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read_bytes = next((folder / "5").iterdir()), Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert str(read(folder)[path]) == "The file cannot be read: Permission denied."

import io
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
from PIL import Image

from mnist_mlflow.data.pages import files
from mnist_mlflow.data.pages.files import find_pictures, open_pages
from mnist_mlflow.errors import UsageError

GREY = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("page10.png", "page2.png", "below/scan.jpg", ".hidden/a.png", ".b.png", "Thumbs.db", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(folder: Path, *endings: str) -> list[str]:
    return [str(folder / ending) for ending in endings]


def test_a_folder_stands_for_all_files_in_it_and_below_but_hidden_ones(folder: Path) -> None:
    assert find_pictures(str(folder)) == names(folder, "below/scan.jpg", "notes.txt", "page2.png", "page10.png")


def test_a_file_a_glob_and_stdin_are_names_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_pictures(str(folder / "page2.png")) == names(folder, "page2.png")
    assert find_pictures(str(folder / "page*.png")) == names(folder, "page2.png", "page10.png")
    assert find_pictures(str(folder / "**/*.jpg")) == names(folder, "below/scan.jpg")
    assert find_pictures(str(folder / "*.png")) == names(folder, "page2.png", "page10.png")
    assert find_pictures("-") == ["-"]
    monkeypatch.chdir(folder)
    assert find_pictures("p*2.png") == ["page2.png"]
    (folder / "a[1].png").touch()
    assert find_pictures("a[1].png") == ["a[1].png"]


@pytest.mark.parametrize("typed", ["", "none.jpg", "*.webp", "empty", "**a/*"])
def test_what_stands_for_no_file_is_refused_with_what_is_accepted(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    reasons = {"": "nothing is named", "empty": "the folder holds no files"}
    reason = reasons.get(typed, "there is no such file")
    with pytest.raises(
        UsageError, match=rf"^pictures=.*: {reason}\. Accepted: a file, a folder .* pictures=photo.jpg$"
    ):
        find_pictures(typed)


def test_a_home_that_nobody_has_is_the_name_of_a_folder() -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        find_pictures("~nobody-has-this-name/a.png")


def test_a_name_that_is_no_text_is_told_with_escapes(tmp_path: Path) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/\xe9.png")
    for content in (b"", cv2.imencode(".png", GREY)[1].tobytes()):
        Path(name).write_bytes(content)
        assert [page.title for page in open_pages(name)] == [f"{tmp_path}/\\udce9.png"]


def pdf(*sizes: tuple[float, float]) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for size in sizes:
        document.new_page(*size)
    document.save(buffer := io.BytesIO())
    return buffer.getvalue()


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def shapes(name: str) -> list[Any]:
    return [page.reason if page.picture is None else page.picture.shape for page in open_pages(name)]


def test_every_page_of_a_tiff_and_a_pdf_is_a_page(tmp_path: Path) -> None:
    images = [Image.fromarray(GREY[:height]) for height in (12, 10, 5)]
    images[0].save(buffer := io.BytesIO(), "TIFF", save_all=True, append_images=images[1:])
    assert shapes(written(tmp_path / "a.tif", buffer.getvalue())) == [(12, 20), (10, 20), (5, 20)]
    assert shapes(written(tmp_path / "a.pdf", pdf((72, 36), (36, 36)))) == [(100, 200, 3), (100, 100, 3)]


def test_a_large_page_is_drawn_in_fewer_pixels(tmp_path: Path) -> None:
    ((height, width, _),) = shapes(written(tmp_path / "a.pdf", pdf((14_400, 14_400))))
    assert 40e6 < height * width <= 50.2e6


def test_of_an_animation_the_first_picture_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(buffer := io.BytesIO(), "PNG", save_all=True, append_images=frames[1:])
    (page,) = open_pages(written(tmp_path / "a.png", buffer.getvalue()))
    assert page.picture is not None
    assert np.array_equal(page.picture, GREY)


def test_stdin_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(GREY).save(buffer := io.BytesIO(), "PNG")
    buffer.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(buffer))
    assert shapes("-") == [(12, 20)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "are no picture"), (b"digits: 4", "are no picture"), (b"%PDF-1.7 and nothing", "The PDF cannot be read")],
)
def test_a_file_that_cannot_be_read_is_a_page_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (page,) = open_pages(written(tmp_path / "a", content))
    assert page.picture is None
    assert reason in page.reason
    assert "\n" not in page.reason


def test_a_damaged_page_is_skipped_and_the_others_are_read(tmp_path: Path) -> None:
    images = [Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)) for _ in range(2)]
    images[0].save(buffer := io.BytesIO(), "TIFF", save_all=True, append_images=images[1:])
    first, second = shapes(written(tmp_path / "a.tif", buffer.getvalue()[:-2000]))
    assert first == (60, 60)
    assert "cannot be read" in second


def test_missing_and_forbidden_files_are_told_in_the_words_of_the_system(tmp_path: Path) -> None:
    assert shapes(str(tmp_path / "none.png")) == [os.strerror(2)]
    assert shapes(str(tmp_path)) == [os.strerror(21)]


def test_files_and_pages_beyond_the_limits_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = written(tmp_path / "a.pdf", pdf(*[(36, 36)] * 4))
    monkeypatch.setattr(files, "MOST_PAGES", 2)
    assert shapes(name)[1:] == [(100, 100, 3), "2 more pages: 2 of a file are read"]
    monkeypatch.setattr(files, "LARGEST", 0)
    assert shapes(name) == ["The file has more than 0 megabytes."]

"""Pictures by what people type: a file, a folder, a glob, or `-`; and the pages in their files."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mnist_mlflow.data.folders import is_hidden, visible_files
from mnist_mlflow.errors import ImageError, UsageError, one_line, printable
from mnist_mlflow.model.decoding import MEGAPIXELS, decode
from mnist_mlflow.parameters import expanded
from mnist_mlflow.types import Picture

STDIN = "-"
FORMS = f"a file, a folder (with the folders in it), a glob like 'scans/*.jpg', or {STDIN} for one file on stdin"
LARGEST = 200  # megabytes of a file
MOST_PAGES = 100  # of a file
DPI = 200  # of a page of PDF, as a scanner
TIFF, PDF = (b"II*\0", b"MM\0*"), b"%PDF-"


@dataclass(frozen=True)
class Page:
    """A page of a file, from 1: its picture, or the reason why there is none. `name` is for people."""

    name: str
    number: int
    picture: Picture | None
    reason: str = ""

    @property
    def title(self) -> str:
        """The name of its file, with the number of a later page."""
        return f"{self.name} page {self.number}" if self.number > 1 else self.name


def find_pictures(pictures: str) -> list[str]:
    """The files that are meant, in the order of their names.

    Of a folder these are all in it and below, but for hidden ones. Raises UsageError where there is none.
    """
    if pictures == STDIN:
        return [STDIN]
    path = expanded(Path(pictures))
    names = [str(one) for one in _paths(path) if one.is_file()] if pictures else []
    if not names:
        missing = "the folder holds no files" if path.is_dir() else "there is no such file"
        problem = missing if pictures else "nothing is named"
        raise UsageError(f"pictures={pictures}: {problem}. Accepted: {FORMS}. For example: pictures=photo.jpg")
    return sorted(names, key=_natural)


def _paths(path: Path) -> Iterable[Path]:
    """The paths that one stands for; none for a pattern that is wrong."""
    if path.is_dir():
        return visible_files(path)
    if path.exists():
        return [path]
    with contextlib.suppress(ValueError):
        return [one for one in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if not is_hidden(one)]
    return []


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that puts page2.png before page10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def open_pages(name: str) -> Iterator[Page]:
    """The pages of a file, one at a time; those that cannot be read have the reason."""
    title = printable(name)
    try:
        content = _read(name)
        pages, decode_page = _pages_of(content)
    except (ImageError, OSError) as error:
        yield Page(title, 1, None, error.strerror if isinstance(error, OSError) and error.strerror else one_line(error))
        return
    for number in range(min(pages, MOST_PAGES)):
        try:
            yield Page(title, number + 1, decode_page(number))
        except ImageError as error:
            yield Page(title, number + 1, None, one_line(error))
    if pages > MOST_PAGES:
        yield Page(title, MOST_PAGES + 1, None, f"{pages - MOST_PAGES} more pages: {MOST_PAGES} of a file are read")


def _read(name: str) -> bytes:
    limit = LARGEST * 1_000_000
    if name == STDIN:
        content = sys.stdin.buffer.read(limit + 1)
    else:
        with Path(name).open("rb") as file:
            content = file.read(limit + 1)
    if len(content) > limit:
        raise ImageError(f"The file has more than {LARGEST} megabytes.")
    return content


def _pages_of(content: bytes) -> tuple[int, Callable[[int], Picture]]:
    """The number of pages of a file, and what decodes one of them by its number from 0."""
    if content.startswith(PDF):
        return _pdf_pages(content)
    pages = _tiff_pages(content) if content.startswith(TIFF) else 1
    return pages, partial(decode, content)


def _tiff_pages(content: bytes) -> int:
    from PIL.Image import open as open_picture

    try:
        with warnings.catch_warnings(action="ignore"), open_picture(io.BytesIO(content), formats=["TIFF"]) as file:
            return int(file.n_frames)  # type: ignore[attr-defined]
    except Exception:  # bytes of unknown origin may raise anything; `decode` says what is wrong
        return 1


def _pdf_pages(content: bytes) -> tuple[int, Callable[[int], Picture]]:
    """The pages of a PDF, drawn as a scanner would see them."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise ImageError(f"The PDF cannot be read ({one_line(error)}).") from error

    def draw(number: int) -> Picture:
        try:
            page = document[number]
            scale = min(DPI / 72, (MEGAPIXELS * 1e6 / max(1, page.get_width() * page.get_height())) ** 0.5)
            return np.array(page.render(scale=scale, rev_byteorder=True).to_numpy()[..., :3])
        except pypdfium2.PdfiumError as error:
            raise ImageError(f"The page cannot be read ({one_line(error)}).") from error

    return len(document), draw

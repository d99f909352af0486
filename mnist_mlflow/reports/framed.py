"""The picture of a page that was read. Each digit is in a frame with its answer, and what the model saw is beside it.

Sure answers have whole blue frames, doubtful ones broken orange frames and a question mark: so nobody needs colours.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mnist_mlflow.data.pages.finding import Box, FoundDigit
from mnist_mlflow.evaluation.drawing import BLUE, GREY, NOTICE
from mnist_mlflow.model.ink import scaled
from mnist_mlflow.model.readings import Readings
from mnist_mlflow.types import SIDE, Picture

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SURE, DOUBTFUL, QUIET = BLUE, NOTICE, GREY
INK, GROUND, PAPER = "#1c1f24", "#f3f5f7", "#ffffff"
SMALLEST_PAGE, LARGEST_PAGE = 700, 1400  # pixels of the longer side
EDGE, HEAD = 28, 84  # pixels around everything, and of the headline
TILE, CELL = 2 * SIDE, (92, 108)  # pixels of a canonical digit, and of the cell around it with its captions
LABEL = 36  # pixels above a row of cells
CAPTION = 180  # pixels that the words beside the page take
MOST_TILES = 400


class Tile(NamedTuple):
    """A digit on the page, with what the model saw of it and made of it."""

    place: FoundDigit
    image: Picture
    digit: int
    confidence: float
    why: str

    @property
    def colour(self) -> str:
        """The colour of its frames."""
        return DOUBTFUL if self.why else SURE


def framed(
    picture: Picture, digits: Sequence[FoundDigit], readings: Readings, title: str, texts: Sequence[str]
) -> bytes:
    """A PNG file of a page with its digits in frames. Beside it is what the model saw, a row of it under its text."""
    from PIL import Image, ImageDraw

    answers = readings.probabilities.argmax(axis=1), readings.probabilities.max(axis=1)
    tiles = [Tile(*one) for one in zip(digits, readings.images, *answers, readings.why, strict=True)]
    rows = [[*row] for _, row in groupby(tiles[:MOST_TILES], lambda tile: tile.place.row)]
    page, scale = _page(picture)
    columns = _columns(tiles, page.height)
    beside = LABEL + sum(_height(row, columns) for row in rows) + (LABEL if len(tiles) > MOST_TILES else 0)
    width = page.width + max(columns * CELL[0], CAPTION) + 3 * EDGE
    sheet = Image.new("RGB", (width, HEAD + max(page.height, beside) + EDGE), GROUND)
    sheet.paste(page, (EDGE, HEAD))
    draw = ImageDraw.Draw(sheet)
    _headline(draw, title, tiles)
    for tile in tiles:
        _frame(draw, tile, scale)
    _beside(sheet, draw, page.width + 2 * EDGE, rows, texts, columns)
    if len(tiles) > MOST_TILES:
        place = page.width + 2 * EDGE, HEAD + beside - LABEL
        draw.text(place, f"and {len(tiles) - MOST_TILES} more digits", QUIET, _font(17))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _page(picture: Picture) -> tuple[Image, float]:
    """The page in a size for screens, and its scale; transparent pixels are white."""
    from PIL import Image

    page = Image.fromarray(picture)
    if page.mode == "RGBA":
        page = Image.alpha_composite(Image.new("RGBA", page.size, PAPER), page)
    scale = min(max(1.0, SMALLEST_PAGE / max(page.size)), LARGEST_PAGE / max(page.size))
    size = scaled(page.width, page.height, scale)
    return page.convert("RGB").resize(size, Image.Resampling.LANCZOS), scale


def _columns(tiles: Sequence[Tile], height: int) -> int:
    """The number of cells side by side, with which the longest row takes a line, or all fit the page."""
    longest = max(tile.place.column for tile in tiles)
    return min(longest, max(12, -(-len(tiles) * CELL[1] // height)))


def _height(row: Sequence[Tile], columns: int) -> int:
    return LABEL + CELL[1] * -(-len(row) // columns)


def _headline(draw: ImageDraw, title: str, tiles: Sequence[Tile]) -> None:
    doubtful = sum(bool(tile.why) for tile in tiles)
    draw.text((EDGE, 18), title, INK, _font(24))
    x = EDGE
    for colour, is_broken, text in (
        (SURE, False, f"{len(tiles) - doubtful} sure"),
        (DOUBTFUL, True, f"{doubtful} doubtful"),
    ):
        _box(draw, (x, 52, 24, 16), colour, is_broken, 3)
        draw.text((x + 32, 50), text, QUIET, _font(17))
        x += 60 + round(draw.textlength(text, _font(17)))


def _frame(draw: ImageDraw, tile: Tile, scale: float) -> None:
    """The frame of a digit on the page, and its answer above it."""
    x, y, w, h = (round(side * scale) for side in tile.place.box)
    x, y, w, h = x + EDGE - 5, y + HEAD - 5, w + 10, h + 10
    _box(draw, (x, y, w, h), tile.colour, bool(tile.why), 3)
    font = _font(int(np.clip(0.3 * h, 13, 30)))
    text = f"{tile.digit}?" if tile.why else str(tile.digit)
    left, top, right, bottom = draw.textbbox((0, 0), text, font)
    wide, high = right - left + 8, bottom - top + 8
    above = max(0, y - high)
    draw.rectangle((x, above, x + wide, above + high), tile.colour)
    draw.text((x + 4 - left, above + 4 - top), text, PAPER, font)


def _box(draw: ImageDraw, box: Box, colour: str, is_broken: bool, width: int) -> None:
    x, y, w, h = box
    if not is_broken:
        draw.rectangle((x, y, x + w, y + h), outline=colour, width=width)
        return
    dash = max(3, min(10, min(w, h) // 4))
    for start in range(0, w, 2 * dash):
        for side in (y, y + h - width + 1):
            draw.rectangle((x + start, side, min(x + start + dash, x + w), side + width - 1), colour)
    for start in range(0, h, 2 * dash):
        for side in (x, x + w - width + 1):
            draw.rectangle((side, y + start, side + width - 1, min(y + start + dash, y + h)), colour)


def _beside(
    sheet: Image, draw: ImageDraw, left: int, rows: Sequence[Sequence[Tile]], texts: Sequence[str], columns: int
) -> None:
    """Draw what the model saw: the text of each row, and under it a cell for each of its digits."""
    top = HEAD
    draw.text((left, top - 2), "What the model saw", QUIET, _font(17))
    top += LABEL
    for row, text in zip(rows, texts, strict=False):
        draw.text((left, top), text, INK, _font(22))
        for number, tile in enumerate(row):
            corner = left + number % columns * CELL[0], top + LABEL + number // columns * CELL[1]
            _tile(sheet, draw, corner, tile)
        top += _height(row, columns)


def _tile(sheet: Image, draw: ImageDraw, corner: tuple[int, int], tile: Tile) -> None:
    from PIL import Image

    x, y = corner
    image = Image.fromarray(tile.image).resize((TILE, TILE), Image.Resampling.NEAREST)
    sheet.paste(image, (x + 5, y + 5))
    _box(draw, (x + 1, y + 1, TILE + 7, TILE + 7), tile.colour, bool(tile.why), 3)
    draw.text((x + 1, y + TILE + 11), f"{tile.digit}   {_percent(tile.confidence)}", INK, _font(14))
    if tile.why:
        draw.text((x + 1, y + TILE + 27), tile.why, DOUBTFUL, _font(13))


def _percent(share: float) -> str:
    """A share in percent, rounded down: 100 % is certain."""
    return f"{np.floor(1000 * share) / 10:.1f} %"

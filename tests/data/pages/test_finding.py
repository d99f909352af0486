from collections.abc import Callable

import cv2
import numpy as np
import pytest

from mnist_mlflow.data.pages.finding import FoundDigit, find_digits
from mnist_mlflow.errors import ImageError
from tests.pages import DIGIT, PAPER, Page, in_shadow, page, ruled, with_grain

ROWS = ["3141592653", "2718 28182", "577 215664"]


def boxed(sheet: Page) -> Page:
    """The sheet with a box around each place of a digit, as forms have."""
    sheet = sheet.copy()
    for top in range(DIGIT // 4, sheet.shape[0] - 2 * DIGIT, 2 * DIGIT):
        for left in range(28, sheet.shape[1] - 70, 70):
            cv2.rectangle(sheet, (left, top), (left + 70, top + 3 * DIGIT // 2), 90, 2)
    return sheet


def places(digits: list[FoundDigit]) -> list[str]:
    """The rows, with a letter for each digit and a space for each place that is empty."""
    rows = [[" "] * 10 for _ in range(max(one.row for one in digits))]
    for one in digits:
        rows[one.row - 1][round((one.box[0] + one.box[2] / 2 - 63) / 70)] = "d"
    return ["".join(row) for row in rows]


EXPECTED = ["".join(" " if sign == " " else "d" for sign in row) for row in ROWS]
PAPERS: dict[str, Callable[[Page], Page]] = {
    "plain": lambda sheet: sheet,
    "grainy": with_grain,
    "bright on dark": lambda sheet: 255 - sheet,
    "in a shadow": in_shadow,
    "ruled": lambda sheet: ruled(sheet, 56),
    "ruled in a shadow": lambda sheet: with_grain(in_shadow(ruled(sheet, 56))),
    "squared": lambda sheet: ruled(sheet, 30, squared=True),
    "boxed": boxed,
}


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_digits_are_found_in_reading_order_on_any_paper(paper: Callable[[Page], Page]) -> None:
    digits = find_digits(paper(page(ROWS)))
    assert places(digits) == EXPECTED
    assert [(one.row, one.column) for one in digits] == [
        (row, column) for row, signs in enumerate(EXPECTED, 1) for column in range(1, signs.count("d") + 1)
    ]


def test_boxes_and_cuts_are_in_the_pixels_of_a_large_picture() -> None:
    small, large = page(["12"]), cv2.resize(page(["12"]), None, fx=16, fy=16, interpolation=cv2.INTER_CUBIC)
    for one, other in zip(find_digits(small), find_digits(large), strict=True):
        assert np.abs(np.array(one.box) * 16 - other.box).max() <= 2 * 16
        assert other.picture.shape[0] > 16 * DIGIT


def test_a_cut_shows_its_digit_alone() -> None:
    sheet = ruled(page(["88"], apart=46), 19)
    for one in find_digits(sheet):
        w, h = one.box[2:]
        ink = one.picture < PAPER - 40
        assert ink.any()
        assert not ink[:, :5].any()
        assert not ink[:, -5:].any()
        assert ink.any(axis=0).sum() <= w + 4
        assert ink.any(axis=1).sum() <= h + 4


def test_colours_and_transparency_are_ink_too() -> None:
    strength = 255 - page(["47", "19"])
    red = np.dstack([np.full_like(strength, 200), 255 - strength, 255 - strength])
    drawn = np.dstack([np.zeros_like(red), np.where(strength > 60, 255, 0).astype(np.uint8)])
    for picture in (red, drawn):
        assert places(find_digits(picture)) == ["dd" + " " * 8] * 2


def test_a_digit_that_is_broken_is_one_digit() -> None:
    sheet = page(["55555"])
    rows = np.flatnonzero((sheet < 150).any(axis=1))
    sheet[rows[0] + 14 : rows[0] + 17, :100] = PAPER
    assert len(find_digits(sheet)) == 5


def test_specks_and_dashes_are_no_digits() -> None:
    sheet = page(["40", "17"])
    for x, y in ((5, 5), (100, 140), (150, 60), (20, 180)):
        cv2.circle(sheet, (x, y), 2, 40, -1)
    cv2.line(sheet, (60, 115), (85, 115), 40, 3)
    assert len(find_digits(sheet)) == 4


@pytest.mark.parametrize("size", [28, 30, 200])
def test_one_digit_alone_is_handed_over_whole(size: int) -> None:
    picture = cv2.resize(page(["7"], apart=80)[:90, :90], (size, size), interpolation=cv2.INTER_AREA)
    (one,) = find_digits(picture)
    assert one.picture is picture


EMPTY = {
    "paper": np.full((200, 300), PAPER, np.uint8),
    "grain": with_grain(np.full((200, 300), PAPER, np.uint8)),
    "a shadow": in_shadow(np.full((200, 300), PAPER, np.uint8)),
    "lines": ruled(np.full((200, 300), PAPER, np.uint8), 40),
    "squares": ruled(np.full((200, 300), PAPER, np.uint8), 40, squared=True),
    "black": np.zeros((200, 300), np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "one row": np.full((1, 3000), PAPER, np.uint8),
    "nothing to see": np.zeros((50, 50, 4), np.uint8),
}


@pytest.mark.parametrize("picture", EMPTY.values(), ids=EMPTY)
def test_a_picture_without_digits_is_said_to_show_none(picture: Page) -> None:
    with pytest.raises(ImageError, match="shows no digits"):
        find_digits(picture)


def test_a_crowd_of_marks_is_no_page_of_digits() -> None:
    crowd = np.full((1200, 1200), PAPER, np.uint8)
    for y in range(10, 1190, 20):
        for x in range(10, 1190, 20):
            cv2.circle(crowd, (x, y), 5, 40, -1)
    with pytest.raises(ImageError, match=r"more than 2,000 marks"):
        find_digits(crowd)

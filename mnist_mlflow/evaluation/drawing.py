"""Drawing in one style (style.mplstyle), which all pictures share: figures with a title and a note, PNG files."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_mlflow.types import Images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("style.mplstyle")
COLOURS = ("#0072B2", "#E69F00", "#000000", "#CC79A7", "#009E73", "#56B4E9", "#D55E00", "#F0E442")  # of the style
BLUE, ORANGE, INK = COLOURS[:3]
NOTICE = "#D55E00"  # mistakes, doubts, and what was chosen
GREY, FAINT = "#5b6570", "#9aa1ab"  # words, and lines of reference
WIDTH, EDGE = 5.5, 0.1  # inches of a picture, and around its words
LONGEST = 72  # letters of a line
_drawing = threading.RLock()  # matplotlib has one style for the whole process


@functools.cache
def _style() -> dict[str, Any]:
    from matplotlib import rc_params_from_file  # a second, which commands that draw nothing do not wait for

    return dict(rc_params_from_file(STYLE, use_default_template=False))


@contextmanager
def styled() -> Iterator[None]:
    """The style of all pictures, for what is drawn inside, or in a function that this decorates.

    One thread at a time draws.
    """
    from matplotlib import rc_context

    with _drawing, rc_context(_style()):
        yield


class Margins(NamedTuple):
    """Inches around the axes of a picture; above them are its title and the label of the vertical axis."""

    left: float = 0.6
    right: float = 0.2
    bottom: float = 0.55
    top: float = 0.85


MARGINS = Margins()


@styled()
def titled_figure(title: str, about: str, height: float, margins: Margins = MARGINS) -> Figure:
    """A picture so many inches high: what it shows, and in grey about which model and images.

    Its margins are given. To measure them, as layouts of matplotlib do, takes as long as to draw.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    figure.suptitle(plain(title), x=EDGE / WIDTH, y=1 - EDGE / height, ha="left", va="top")
    about = about if len(about) <= LONGEST else f"{about[: LONGEST - 1]}…"
    figure.text(EDGE / WIDTH, 1 - 0.33 / height, plain(about), color=GREY, ha="left", va="top")
    figure.subplots_adjust(
        margins.left / WIDTH, margins.bottom / height, 1 - margins.right / WIDTH, 1 - margins.top / height
    )
    return figure


@styled()
def titled_axes(title: str, about: str, height: float, margins: Margins = MARGINS) -> tuple[Figure, Axes]:
    """A picture with a pair of axes."""
    figure = titled_figure(title, about, height, margins)
    return figure, figure.subplots()


@styled()
def add_note(figure: Figure, text: str) -> None:
    """Say at the lower edge how a picture is read."""
    figure.text(EDGE / WIDTH, 0.07 / figure.get_figheight(), plain(text), color=GREY, ha="left", va="bottom", size=9)


def plain(text: str) -> str:
    """A text in which nothing begins a formula."""
    return text.replace("$", r"\$")


@styled()
def as_png(figure: Figure) -> bytes:
    """A picture as a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def digit_png(image: Images) -> bytes:
    """One image (28, 28) as a PNG file of as many pixels, dark ink on white."""
    import cv2

    return bytes(cv2.imencode(".png", 255 - image)[1])

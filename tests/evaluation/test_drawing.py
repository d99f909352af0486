"""The one style of all pictures."""

import ast
from itertools import combinations
from pathlib import Path
from threading import Barrier, Thread

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import mnist_mlflow
from mnist_mlflow.evaluation.drawing import BLUE, COLOURS, FAINT, NOTICE, STYLE, as_png, styled, titled_axes

PACKAGE = Path(mnist_mlflow.__file__).parent
APART = 12  # steps of CIE lightness, of 100, that are seen on a grey print


def lightness(colour: str) -> float:
    """The lightness L* of a colour, 0 to 100, which is what a grey print keeps of it. Source: CIE 15, 1976."""
    values = np.array(to_rgb(colour))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(116 * np.cbrt(linear @ (0.2126, 0.7152, 0.0722)) - 16)


def test_colours_are_told_apart_on_a_grey_print() -> None:
    pairs = [*combinations(COLOURS[:3], 2), (BLUE, FAINT)]
    assert min(abs(lightness(one) - lightness(other)) for one, other in pairs) > APART
    reds = matplotlib.colormaps["Oranges"]
    steps = [lightness(reds(share)) for share in np.linspace(0, 1, 9)]
    assert steps == sorted(steps, reverse=True)


def test_what_is_to_be_noticed_is_dark_enough_to_be_read() -> None:
    assert all(lightness(colour) < 60 for colour in (BLUE, NOTICE))


def test_the_style_and_the_code_have_the_same_colours() -> None:
    with styled():
        assert pyplot.rcParams["axes.prop_cycle"].by_key()["color"] == [*COLOURS]


def test_a_notebook_has_the_style_by_its_name() -> None:
    with pyplot.style.context("mnist_mlflow.evaluation.style"):
        assert pyplot.rcParams["figure.titleweight"] == "bold"
    assert STYLE.is_file()


def test_the_style_of_others_is_theirs_again() -> None:
    with pyplot.rc_context({"font.size": 33}):
        _, axes = titled_axes("a", "b", 3.0)
        assert axes.xaxis.label.get_fontsize() == 9.5
        assert pyplot.rcParams["font.size"] == 33


def test_threads_draw_in_the_same_style_at_the_same_time() -> None:
    before, together, drawn = dict(matplotlib.rcParams), Barrier(4), []

    def draw() -> None:
        together.wait()
        for _ in range(3):
            with styled():
                figure, axes = titled_axes("a", "b", 2.0)
                axes.plot((0, 1))
            drawn.append(as_png(figure))

    threads = [Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 1
    assert len(drawn) == 12
    assert dict(matplotlib.rcParams) == before


def test_every_figure_is_made_by_the_one_function() -> None:
    makers = [
        path.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
        if (node.func.id if isinstance(node.func, ast.Name) else node.func.attr)
        in ("Figure", "savefig", "subplots_mosaic")
    ]
    assert makers == ["drawing.py", "drawing.py"]


@pytest.mark.parametrize("about", ["short", "a name that is far too long " * 9])
def test_a_picture_has_room_for_its_words(about: str) -> None:
    figure, _ = titled_axes("a title", about, 3.0)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in figure.texts)

import io

import pandas as pd

from mnist_mlflow.cli.evaluated import show_examination, show_test
from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.jobs.evaluate import Evaluation
from mnist_mlflow.jobs.examination import Examination

READINGS = pd.DataFrame(
    {
        "file": ["a.png", "b.png", "c.png", "d.png"],
        "label": [0, 4, 4, 7],
        "digit": [0, 9, 9, 1],
        "confidence": [0.99, 0.5, 0.75, 0.6],
    }
)
SHARES = {"own_accuracy": 0.25, "own_accuracy_low": 0.05, "own_accuracy_high": 0.7}


def shown(**metrics: float) -> str:
    out = io.StringIO()
    show_examination(Terminal(out, 200), Examination("m", "mine", "a-run", SHARES | metrics, READINGS))
    return out.getvalue()


def test_an_examination_shows_figures_confusions_and_the_worst() -> None:
    text = shown(own_coverage=0.5, own_coverage_low=0.2, own_coverage_high=0.8)
    assert "m on 4 pictures of mine, of which it has learned nothing:" in text
    assert text.endswith(
        "  sure of             50.00 %  (20.00 to 80.00)\n  accuracy            25.00 %  (5.00 to 70.00)\n"
    )  # what is last is read first in a terminal
    assert "It reads 4 as 9 (2), 7 as 1 (1). The worst:\n  c.png: 4 read as 9, confidence 0.750\n  d.png" in text
    assert "No picture shows 1, 2, 3, 5, 6, 8, 9." in text
    assert "readings.csv of run a-run" in text


def test_a_model_that_never_says_whether_it_is_sure_is_examined_too() -> None:
    assert "sure of" not in shown()


def test_the_accuracy_on_the_test_images_comes_last() -> None:
    names = ("accuracy", "log_loss", *(f"f1_{digit}" for digit in range(10)), "accuracy_low", "accuracy_high")
    out = io.StringIO()
    show_test(Terminal(out, 80), Evaluation("m", "mnist", {f"test_{name}": 0.5 for name in names}, 2))
    lines = out.getvalue().splitlines()
    assert lines[0] == "m on the test images of mnist:"
    assert lines[1].startswith("  test_f1_0 to test_f1_9  0.5000  0.5000")
    assert lines[-3].split() == ["test_accuracy", "0.5000", "(0.5000", "to", "0.5000)"]
    assert max(map(len, lines)) <= 80

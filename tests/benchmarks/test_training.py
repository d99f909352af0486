from typing import Any

from benchmarks.report.training import training


def test_the_page_tells_the_share_of_the_time_and_which_figures_are_the_same() -> None:
    runs = {
        "one": [{"seconds": 60.0, "work": 80.0}, {"seconds": 62.0, "work": 80.0}],
        "several": [{"seconds": 41.0, "work": 75.0}, {"seconds": 39.0, "work": 77.0}],
    }
    results: dict[str, Any] = {"data": "mnist", "cores": 2, "runs": runs, "differences": {"knn": 0.0, "cnn": 0.004}}
    times, figures = training(results)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in (times + figures).splitlines()]
    assert ["one at a time", "61.0", "100%", "80.0", "66%"] in rows
    assert ["several at a time", "40.0", "66%", "76.0", "95%"] in rows
    assert ["knn", "none"] in rows
    assert ["cnn", "0.004"] in rows

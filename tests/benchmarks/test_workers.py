from benchmarks.report.workers import workers


def test_the_page_tells_the_ratio_and_which_figures_are_the_same() -> None:
    times, figures = workers({"seconds": {"1": 60.0, "2": 40.0}, "differences": {"knn": 0.0, "cnn": 0.004}})
    assert "1.50" in times
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in figures.splitlines()]
    assert ["knn", "none"] in rows
    assert ["cnn", "0.004"] in rows

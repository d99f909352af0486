from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.measure import seeds as measure
from benchmarks.measure.store import Store
from benchmarks.report.seeds import seeds as report
from benchmarks.tasks import seeds
from benchmarks.tasks.seeds import Setting

SIMULATIONS = 400
MOST = 36  # of 400: where 5 % are told apart, one time in 2,000 it is more
SETTING = Setting((3, 3), ("moderate", "moderate"))


@pytest.mark.parametrize("setting", [SETTING, replace(SETTING, seeds=(2, 2), spreads=("none", "large"))])
def test_equal_configurations_are_seldom_told_apart(setting: Setting) -> None:
    rates = seeds._record(setting, 0.0, np.random.default_rng(1), SIMULATIONS)
    assert rates["tested"] * SIMULATIONS <= MOST < rates["lucky"] * SIMULATIONS


def test_a_difference_is_found_where_the_seeds_agree() -> None:
    rates = seeds._record(Setting((5, 5), ("small", "small")), 0.003, np.random.default_rng(1), 50)
    assert rates["tested"] > 0.8


def test_simulated_models_make_as_many_mistakes_as_they_should_and_share_half() -> None:
    random = np.random.default_rng(1)
    population = seeds._difficulty(random, 0.005, 100_000)
    first, second = seeds._pair(replace(SETTING, spreads=("none", "none"), images=400_000), 0.001, population, random)
    assert (~first).mean() == pytest.approx(0.005, rel=0.1)
    assert (~second).mean() == pytest.approx(0.004, rel=0.1)
    assert (~first[0] & ~first[1]).sum() / (~first[0]).sum() == pytest.approx(0.5, abs=0.05)


def test_the_report_names_the_worst_and_whether_it_is_within_the_target(tmp_path: Path) -> None:
    def record(counts: tuple[int, int], spreads: tuple[str, str], tested: float) -> dict[str, Any]:
        return {"images": 10_000, "seeds": counts, "spreads": spreads, "tested": tested, "lucky": 0.4, "by_seeds": 0.1}

    equal = [
        *(record((3, 3), ("none", "none"), 0.02), record((3, 3), ("large", "large"), 0.064)),
        *(record((1, 3), ("none", "none"), 0.052), record((1, 3), ("large", "none"), 0.25)),
    ]
    unequal = [record((3, 3), ("small", "small"), 0.7) | {"difference": 0.002}]
    first, second = report({"simulations": 2_000, "equal": equal, "unequal": unequal})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in first.splitlines() if line[:3] == "| 1"]
    reach = "at most 5%"
    assert rows == [
        ["10,000", "3 and 3", "6.4%", "large, large", reach, "not reached", "40.0%", "10.0%"],
        ["10,000", "1 and 3", "5.2%", "none, none", reach, "reached", "40.0%", "10.0%"],
    ]
    assert "no test can know, and 25.0% are told" in first
    assert "0.20 points | 70.0%" in second


def test_a_short_benchmark_simulates_little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measure, "run_task", lambda task, **options: {"task": task, **options})
    assert measure.measure_seeds(Store(tmp_path, 100)) == {"task": "seeds.simulate", "simulations": 5}

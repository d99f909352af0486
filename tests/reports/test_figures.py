"""Figures as texts."""

import pytest

from mnist_mlflow.reports.figures import bounds, p_text, spread


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (0.04321, "0.043"), (0.00001, "< 0.0001")])
def test_a_p_value_has_two_digits(value: float, text: str) -> None:
    assert p_text(value) == text


def test_several_values_are_a_mean_with_its_standard_deviation() -> None:
    assert spread([0.99, 0.98, 0.97], ".2f", 100) == "98.00 ± 1.00"
    assert spread([0.99], ".2f", 100) == "99.00"
    assert spread([], ".2f") == "-"
    assert bounds(-0.01, 0.02, "+.1f", 100) == "-1.0 to +2.0"

import pytest

from mnist_mlflow.protocol import OBJECTIVES
from mnist_mlflow.search.objectives import directions, knee, values_of


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_has_a_direction_and_a_value_for_each_goal(objective: str) -> None:
    metrics = {"tuning_log_loss": 0.1, "tuning_accuracy": 0.9, "tuning_ms_per_image": 2.0}
    assert len(values_of(objective, metrics)) == len(directions(objective)) == objective.count(",") + 1
    assert ("maximize" in directions(objective)) == ("accuracy" in objective)


def test_the_knee_buys_much_of_one_goal_with_a_little_of_the_other() -> None:
    front = [(0.0, 100.0), (0.1, 20.0), (1.0, 0.0)]
    assert knee(front) == 1


def test_the_knee_does_not_depend_on_units() -> None:
    front = [(0.0, 9.0), (1.0, 3.0), (2.0, 2.0), (9.0, 0.0)]
    assert knee(front) == knee([(1000 * first, second / 60) for first, second in front])


def test_the_best_of_a_single_goal_is_its_knee_and_a_front_of_one_has_one() -> None:
    assert knee([(0.2,)]) == 0
    assert knee([(0.2, 5.0)]) == 0

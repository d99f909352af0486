"""Two students and a teacher on the team's server: a champion for each, and decisions that the teacher applies."""

from dataclasses import dataclass

import pytest

from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.jobs import select
from mnist_mlflow.jobs.applying import Applied
from mnist_mlflow.jobs.recording import RunResult
from mnist_mlflow.jobs.train import train
from mnist_mlflow.protocol import DataOptions, Names
from mnist_mlflow.tracking.aliases import CHAMPION
from mnist_mlflow.tracking.signatures import read_signatures
from mnist_mlflow.types import silent
from tests.selected import choose
from tests.team import Account, Team

SMALL = DataOptions("digits", train_size=200)


@dataclass(frozen=True)
class Student:
    """An account with an experiment of its name, and a run of its own in it."""

    account: Account
    outcome: RunResult

    @property
    def names(self) -> Names:
        return Names(registered_model=f"{self.account.name}-digits", experiment=self.account.name)


@pytest.fixture(scope="module")
def students(team: Team) -> list[Student]:
    students = []
    for name, neighbours in (("ada", 3), ("bob", 100)):
        account = team.user(name)
        with team.as_user(account):
            outcome = train(Task("knn", {"n_neighbors": neighbours}, SMALL), silent)
        students.append(Student(account, outcome))
    return students


def test_each_student_has_a_champion_and_overlooks_no_neighbours_runs(team: Team, students: list[Student]) -> None:
    for student in students:
        with team.as_user(student.account) as client:
            selection = choose(**vars(student.names))
            decision = selection.decision
            assert (decision.unconsidered, decision.not_comparable, len(decision.choice.entries)) == ([], [], 1)
            champion = client.get_model_version_by_alias(student.names.registered_model, CHAMPION)
            assert champion.run_id == student.outcome.run_id
            signed = read_signatures(champion.tags)
            assert signed["decided_by"] == signed["applied_by"] == student.account.name


def test_a_student_decides_and_the_teacher_applies_that_with_a_reason(team: Team, students: list[Student]) -> None:
    ada, teacher = students[0], team.user("teacher")
    names = Names(registered_model=f"{teacher.name}-class", experiment=ada.account.name)
    with team.as_user(teacher) as client:
        client.create_registered_model(names.registered_model)
    with team.as_user(ada.account):
        decided = choose(dry_run=True, **vars(names))
        with pytest.raises(
            UserFacingError, match=rf"{ada.account.name} may not change the registered model"
        ) as refused:
            select.run(select.Params(apply=decided.run_id, **vars(names)), silent)
    assert "\n" not in str(refused.value)
    with team.as_user(teacher) as client:
        assert client.search_model_versions(f"name = '{names.registered_model}'") == []
        applied = select.run(select.Params(apply=decided.run_id, reason="it was shown in class", **vars(names)), silent)
        assert isinstance(applied, Applied)
        champion = client.get_model_version_by_alias(names.registered_model, CHAMPION)
    assert champion.run_id == ada.outcome.run_id
    tags = read_signatures(champion.tags)
    assert (tags["decided_by"], tags["decided_run_id"]) == (ada.account.name, decided.run_id)
    assert (tags["applied_by"], tags["reason"]) == (teacher.name, "it was shown in class")
    assert "it was shown in class" in champion.description
    assert f"{teacher.name}, {tags['applied_at']}, run {tags['applied_run_id']}" in champion.description

from mnist_mlflow.reports.evaluations import LATEST, examination_section
from mnist_mlflow.tracking.evaluations import BY, EXAMINATION, KIND, StoredEvaluation

TAGS = {KIND: EXAMINATION, "dataset": "mine", BY: "anna"}


def examined(run_id: str = "a-run", tags: dict[str, str] = TAGS, **shares: float) -> StoredEvaluation:
    metrics = {
        f"own_{name}{end}": share + shift
        for name, share in shares.items()
        for end, shift in {"": 0.0, "_low": -0.01, "_high": 0.005}.items()
    }
    return StoredEvaluation(run_id, 1_795_800_000_000, metrics, {"images": "164"}, tags, "")


def test_an_examination_has_a_row_with_its_intervals() -> None:
    section = examination_section([examined(accuracy=0.975, coverage=0.9, selective_error=0.0125)])
    assert section.title == "Examinations"
    assert section.rows == [
        [
            *("mine", "164", "97.50 (96.50 to 98.00)", "90.00 (89.00 to 90.50)", "1.25 (0.25 to 1.75)"),
            *("anna", "2026-11-27 17:20 UTC", "a-run"),
        ]
    ]


def test_what_a_model_does_not_say_or_somebody_has_deleted_is_left_open() -> None:
    (row,) = examination_section([examined(tags={KIND: EXAMINATION}, accuracy=0.975)]).rows
    assert (row[0], row[3:6]) == ("-", ["-", "-", "-"])
    assert not examination_section([examined()]).rows


def test_the_latest_are_shown_and_no_other_evaluations() -> None:
    stored = [examined(str(number), accuracy=0.9) for number in range(20)]
    stored.append(StoredEvaluation("test", 0, {"own_accuracy": 1.0}, {}, {KIND: "test"}, ""))
    assert [row[-1] for row in examination_section(stored).rows] == [str(number) for number in range(20)][-LATEST:]

from pathlib import Path

from benchmarks.measure.load import measure


def test_what_a_trial_asks_of_a_database_is_counted(tmp_path: Path) -> None:
    statements, commits, connections, admission, rest = measure(f"sqlite:///{tmp_path}/optuna.db", 3)
    assert 5 < statements < 30
    assert 1 < commits < statements
    assert connections <= 2
    assert admission > 0
    assert rest > 0

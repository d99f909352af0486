"""The order of the tests: each worker begins with long ones, since all others would wait for one that begins last."""

import itertools
from collections.abc import Sequence

import pytest

LONG = (
    "algorithms/test_determinism.py",
    "faults/test_cluster.py",
    "faults/test_endings.py",
    "faults/test_joined_machines.py",
    "faults/test_search_kills.py",
    "faults/test_soak.py",
    "jobs/test_requests.py",
    "test_new_algorithm.py",
    "test_project.py",
)


def long_ones_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests so that each of as many equal parts, as xdist gives to workers, begins with some of the long files."""
    files = [list(tests) for _, tests in itertools.groupby(filter(is_long, items), lambda item: item.path)]
    rest = iter([item for item in items if not is_long(item)])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        ordered += itertools.chain.from_iterable(files[worker::workers])
        end = len(items) * (worker + 1) // workers
        ordered += itertools.islice(rest, max(0, end - len(ordered)))
    return ordered


def is_long(item: pytest.Item) -> bool:
    return item.path.as_posix().endswith(tuple(f"/tests/{name}" for name in LONG))

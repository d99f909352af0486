import datetime
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from hypothesis import HealthCheck, settings

LONGEST = datetime.timedelta(seconds=30)  # of an example: longer is a hang
MOST_MEMORY = 200e6  # bytes
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]

settings.register_profile(
    "tests", max_examples=25, derandomize=True, database=None, deadline=LONGEST, suppress_health_check=SLOW
)
settings.register_profile("soak", settings.get_profile("tests"), max_examples=2_500, derandomize=False, print_blob=True)
settings.load_profile("tests")


@contextmanager
def measuring() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="session")
def bounded() -> Callable[[], AbstractContextManager[None]]:
    """Fails where what happens inside takes too much memory at once."""
    return measuring

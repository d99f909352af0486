import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.data import Dataset, features, features_of, load_dataset
from mnist_mlflow.data.folders import cache_folder
from mnist_mlflow.model.features import FEATURES
from mnist_mlflow.types import Images, Part


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images in each computation of HOG, the probes included."""
    counts: list[int] = []

    def counted(images: Images) -> np.ndarray:
        counts.append(len(images))
        return FEATURES["hog"](images)

    monkeypatch.setattr(features, "FEATURES", {**FEATURES, "hog": counted})
    return counts


def kept_files() -> list[Path]:
    return sorted((cache_folder() / "features").glob("*.npy"))


@pytest.mark.parametrize("kind", FEATURES)
def test_features_are_those_of_the_images(kind: str, digits: Dataset) -> None:
    for _ in range(2):
        assert np.array_equal(features_of(digits.train, kind), FEATURES[kind](digits.train.images))


def test_all_parts_and_subsets_of_a_data_set_share_one_file(digits: Dataset, computed: list[int]) -> None:
    features_of(digits.train, "hog")
    computed.clear()
    fewer = load_dataset("digits", train_size=200)
    for part in (digits.tuning, fewer.train, fewer.tuning):
        assert np.array_equal(features_of(part, "hog"), FEATURES["hog"](part.images))
    assert max(computed) == features.PROBES
    assert len(kept_files()) == 1


def test_what_is_kept_of_a_data_set_holds_no_test_image(digits: Dataset) -> None:
    features_of(digits.train, "hog")
    parts = (digits.train, digits.tuning, digits.validation)
    full = load_dataset("digits")
    assert len(np.load(kept_files()[0])) == sum(len(part) for part in (full.train, *parts[1:]))


def test_the_memory_is_bounded(digits: Dataset, computed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "CHUNK", 64)
    found = features_of(Part(digits.train.images, digits.train.labels), "hog")
    assert max(computed) == 64
    assert isinstance(found, np.memmap)


def spoil_by_cutting(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def spoil_by_emptying(path: Path) -> None:
    path.write_bytes(b"")


def spoil_by_other_code(path: Path) -> None:
    np.save(path, np.load(path) * 2)


@pytest.mark.parametrize("spoil", [spoil_by_cutting, spoil_by_emptying, spoil_by_other_code])
def test_a_file_that_cannot_be_trusted_is_written_again(spoil: object, digits: Dataset) -> None:
    assert callable(spoil)
    expected = np.array(features_of(digits.train, "hog"))
    spoil(kept_files()[0])
    assert np.array_equal(features_of(digits.train, "hog"), expected)
    assert np.array_equal(np.load(kept_files()[0])[digits.train.rows], expected)


def test_two_runs_at_once_compute_once(digits: Dataset, computed: list[int]) -> None:
    with ThreadPoolExecutor(2) as runs:
        first, second = runs.map(lambda part: features_of(part, "hog"), (digits.train, digits.train))
    assert np.array_equal(first, second)
    whole = digits.train.whole
    assert whole
    assert sum(count for count in computed if count > features.PROBES) == len(whole)


def test_what_is_kept_serves_where_nothing_can_be_written(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.array(features_of(digits.train, "hog"))

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(features, "FileLock", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert np.array_equal(features_of(digits.train, "hog"), expected)


def test_a_disk_that_is_full_leaves_no_half_file(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(images: Images, kind: str) -> Iterator[np.ndarray]:
        yield FEATURES[kind](images[:10])
        raise OSError("No space left on device")

    monkeypatch.setattr(features, "_chunks", full)
    with caplog.at_level(logging.WARNING), pytest.raises(OSError, match="No space left"):
        features_of(digits.train, "hog")
    assert [path.suffix for path in (cache_folder() / "features").iterdir()] == [".lock"]


def test_without_a_cache_the_features_are_computed(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        found = features_of(digits.train, "hog")
    assert "cannot be kept" in caplog.text
    assert np.array_equal(found, FEATURES["hog"](digits.train.images))

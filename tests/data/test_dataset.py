import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.data import dataset, load_dataset
from mnist_mlflow.data.dataset import stratified_split, stratified_subset
from mnist_mlflow.data.download import DownloadError
from mnist_mlflow.errors import DataError, UsageError
from mnist_mlflow.types import Part

MNIST = os.environ.get("MNIST_MLFLOW_DATA_DIR")  # before the tests' own environment hides it
PARTS = ("train", "tuning", "validation", "test")


def test_the_parts_have_mnists_proportions() -> None:
    digits = load_dataset("digits")
    sizes = [len(getattr(digits, part)) for part in PARTS]
    assert sum(sizes) == 1797
    assert np.allclose(np.array(sizes) / 1797, np.array([45, 5, 10, 10]) / 70, atol=0.002)


def test_the_parts_are_stratified() -> None:
    digits = load_dataset("digits")
    shares = [np.bincount(getattr(digits, part).labels, minlength=10) / len(getattr(digits, part)) for part in PARTS]
    assert np.ptp(shares, axis=0).max() < 0.02


def test_the_parts_share_no_image() -> None:
    digits = load_dataset("digits")
    seen = [{image.tobytes() for image in getattr(digits, part).images} for part in PARTS]
    everything = load_dataset("digits", split_seed=9)
    assert len(set.union(*seen)) == sum(map(len, seen))
    assert everything.digest == digits.digest


def test_the_split_follows_its_seed_alone() -> None:
    first, again, other = (load_dataset("digits", split_seed=seed) for seed in (1, 1, 2))
    assert first.split_digest == again.split_digest != other.split_digest
    assert np.array_equal(first.train.images, again.train.images)


def test_fewer_training_images_leave_the_split_as_it_is() -> None:
    whole, fewer = load_dataset("digits"), load_dataset("digits", train_size=300)
    assert len(fewer.train) == 300
    assert (fewer.digest, fewer.split_digest) == (whole.digest, whole.split_digest)
    assert set(fewer.train.labels) == set(range(10))


def test_the_digest_depends_on_every_byte() -> None:
    digits = load_dataset("digits")
    labels = digits.test.labels.copy()
    labels[-1] = (labels[-1] + 1) % 10
    changed = replace(digits, test=Part(digits.test.images, labels))
    digests = [dataset._sha256((part.validation, part.test)) for part in (digits, changed)]
    assert digests[0] == digits.split_digest != digests[1]


@pytest.mark.parametrize("size", [1, 99, 1155])
def test_refuses_a_train_size_that_cannot_be(size: int) -> None:
    with pytest.raises(UsageError, match=rf"train_size={size} is not possible; accepted: 0 \(all\) or 100 to 1154"):
        load_dataset("digits", train_size=size)


def unreachable(progress: object) -> None:
    raise DownloadError("no mirror answers")


def test_auto_falls_back_to_digits_loudly(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(dataset, "load_mnist", unreachable)
    with caplog.at_level(logging.WARNING):
        found = load_dataset("auto")
    assert (found.name, found.fallback) == ("digits", "no mirror answers")
    assert "no mirror answers" in caplog.text


def test_mnist_never_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "load_mnist", unreachable)
    with pytest.raises(DownloadError):
        load_dataset("mnist")


def test_auto_does_not_hide_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"damaged")
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="train-images-idx3-ubyte is not an IDX file"):
        load_dataset("auto")


@pytest.mark.skipif(not MNIST, reason="MNIST_MLFLOW_DATA_DIR names no folder with MNIST")
def test_mnist_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(MNIST))
    found = load_dataset("auto")
    assert found.name == "mnist"
    assert [len(getattr(found, part)) for part in PARTS] == [45_000, 5_000, 10_000, 10_000]
    assert np.array_equal(found.test.labels[:5], [7, 2, 1, 0, 4])


def test_a_split_by_count() -> None:
    digits = load_dataset("digits").train
    rest, chosen = stratified_split(digits, 100, seed=0)
    assert (len(rest), len(chosen)) == (len(digits) - 100, 100)
    assert np.array_equal(stratified_subset(digits, 100, seed=0).images, chosen.images)

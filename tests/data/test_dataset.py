import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.data import Dataset, Source, label_errors, load_dataset, open_source, source, split
from mnist_mlflow.data.dataset import stratified_split, stratified_subset
from mnist_mlflow.data.download import DownloadError
from mnist_mlflow.errors import DataError, UsageError
from mnist_mlflow.parameters import NAMED_DATA
from mnist_mlflow.types import Part, silent

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
    digits = open_source("digits", silent)
    labels = digits.learning.labels.copy()
    labels[-1] = (labels[-1] + 1) % 10
    changed = replace(digits, learning=Part(digits.learning.images, labels))
    assert split(changed, 0).digest != split(digits, 0).digest


def test_a_source_with_test_images_keeps_them(digits: Dataset) -> None:
    two = Source("two", "two parts", digits.train, digits.test)
    parts = split(two, seed=3)
    assert parts.test is digits.test
    assert [len(part) for part in (parts.train, parts.tuning, parts.validation)] == [374, 42, 84]
    assert parts.split_digest != split(replace(two, test=digits.validation), seed=3).split_digest


def test_another_process_loads_the_same_images_by_their_address() -> None:
    loaded = load_dataset("digits", 5, 300)
    again = load_dataset(loaded.address, 5, 300)
    assert again.digest == loaded.digest == "99912a7a54696ee11ed72597bf807326eb6eadeafe265d537dc59154c09995e8"
    assert again.split_digest == loaded.split_digest
    assert loaded.split_digest == "3d3a5061d99a45f25bf8cfdaec809768352b9b2ce6b9900d9999bbce2a085193"


def test_what_is_accepted_as_data_can_be_opened() -> None:
    assert ("auto", *source.SOURCES) == NAMED_DATA
    with pytest.raises(UsageError, match=r"data=/emnist: there is no such file.*named 0 to 9.*labels.csv.*IDX.*npz"):
        open_source("/emnist", silent)


@pytest.mark.parametrize("size", [1, 99, 1155])
def test_refuses_a_train_size_that_cannot_be(size: int) -> None:
    with pytest.raises(UsageError, match=rf"train_size={size} is not possible; accepted: 0 \(all\) or 100 to 1154"):
        load_dataset("digits", train_size=size)


def unreachable(progress: object) -> None:
    raise DownloadError("no mirror answers")


def test_auto_falls_back_to_digits_loudly(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(source, "load_mnist", unreachable)
    with caplog.at_level(logging.WARNING):
        loaded = load_dataset("auto")
    assert (loaded.name, loaded.address, loaded.fallback) == ("digits", "digits", "no mirror answers")
    assert "no mirror answers" in caplog.text


def test_mnist_never_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "load_mnist", unreachable)
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
    loaded = load_dataset("auto")
    assert (loaded.name, loaded.address, loaded.digest) == ("mnist", "mnist", label_errors.MNIST)
    assert [len(getattr(loaded, part)) for part in PARTS] == [45_000, 5_000, 10_000, 10_000]
    assert np.array_equal(loaded.test.labels[:5], [7, 2, 1, 0, 4])
    assert all(loaded.test.labels[index] == label for index, (label, _) in label_errors.CORRECTED.items())


def test_a_split_by_count() -> None:
    digits = load_dataset("digits").train
    rest, chosen = stratified_split(digits, 100, seed=0)
    assert (len(rest), len(chosen)) == (len(digits) - 100, 100)
    assert np.array_equal(stratified_subset(digits, 100, seed=0).images, chosen.images)

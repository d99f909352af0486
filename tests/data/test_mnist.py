import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from mnist_mlflow.data import mnist
from mnist_mlflow.data.download import DownloadError
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.data.source import open_source
from mnist_mlflow.errors import DataError
from mnist_mlflow.types import silent
from tests.data.test_idx import idx

RANDOM = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte": RANDOM.integers(0, 256, (6, 28, 28)),
    "train-labels-idx1-ubyte": np.arange(6),
    "t10k-images-idx3-ubyte": RANDOM.integers(0, 256, (3, 28, 28)),
    "t10k-labels-idx1-ubyte": np.arange(3),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four small files in the folder that MNIST_MLFLOW_DATA_DIR names, and no mirror."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, array in ARRAYS.items():
        write(folder, name, array, monkeypatch)
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(folder))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    return folder


def write(folder: Path, name: str, array: np.ndarray, patch: pytest.MonkeyPatch) -> None:
    (folder / name).write_bytes(idx(array))
    patch.setitem(mnist.DIGESTS, name, hashlib.sha256(idx(array)).hexdigest())


def test_reads_both_parts(folder: Path) -> None:
    train, test = load_mnist(silent)
    assert np.array_equal(train.images, ARRAYS["train-images-idx3-ubyte"])
    assert np.array_equal(test.labels, [0, 1, 2])


def test_takes_gzipped_files(folder: Path) -> None:
    for name in ARRAYS:
        plain = folder / name
        (folder / f"{name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    assert len(load_mnist(silent)[0]) == 6


@pytest.mark.parametrize("place", [".", "MNIST/raw", "raw"])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_takes_the_names_and_folders_of_other_programs(folder: Path, place: str, end: str) -> None:
    (folder / place).mkdir(parents=True, exist_ok=True)
    for name in ARRAYS:
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        other = folder / place / f"{name.replace('-idx', '.idx')}{end}"
        other.write_bytes(gzip.compress(content) if end else content)
    assert len(load_mnist(silent)[0]) == 6


def test_a_tilde_is_the_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", "~/data")
    assert len(load_mnist(silent)[0]) == 6
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", "~nobody-of-that-name/data")
    with pytest.raises(DataError, match="=~nobody-of-that-name/data is not there"):
        load_mnist(silent)


def test_a_folder_that_is_not_there_is_an_error_and_is_not_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", f"{folder}/dta")
    with pytest.raises(DataError, match=r"dta is not there\. Accepted is .* type: mkdir -p .*/dta"):
        load_mnist(silent)
    assert not (folder / "dta").exists()
    monkeypatch.setenv("MNIST_MLFLOW_DATA_DIR", str(folder / "t10k-labels-idx1-ubyte"))
    with pytest.raises(DataError, match="is a file"):
        open_source("auto", silent)


def test_a_folder_with_other_files_is_an_error_that_lists_some(folder: Path) -> None:
    for name in ARRAYS:
        (folder / name).unlink()
    for number in range(9):
        (folder / f"photo{number}.png").touch()
    with pytest.raises(DataError, match=r"but photo0\.png, .*, photo4\.png, …\. Accepted .* train-images-idx3-ubyte"):
        open_source("auto", silent)


def test_an_empty_folder_takes_downloads_after_one_that_failed(folder: Path) -> None:
    for name in ARRAYS:
        (folder / name).unlink()
    for _ in range(2):
        with pytest.raises(DownloadError):
            load_mnist(silent)


def test_looks_in_the_cache_after_the_named_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = mnist.folders()[1]
    cache.mkdir(parents=True)
    for name in ARRAYS:
        (folder / name).rename(cache / name)
    assert len(load_mnist(silent)[0]) == 6


def test_downloads_what_is_missing_to_the_named_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "t10k-labels-idx1-ubyte"
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    monkeypatch.setattr(mnist, "fetch", lambda target, *rest: target.write_bytes(gzip.compress(content)))
    assert len(load_mnist(silent)[1]) == 3
    assert (folder / f"{name}.gz").is_file()


def test_a_missing_file_without_a_mirror_is_a_download_error(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DownloadError, match="t10k-labels-idx1-ubyte"):
        load_mnist(silent)


def test_refuses_other_content_of_the_right_size(folder: Path) -> None:
    path = folder / "train-labels-idx1-ubyte"
    path.write_bytes(idx(np.arange(6)[::-1]))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte is not MNIST's .* another SHA-256"):
        load_mnist(silent)


def test_refuses_a_truncated_file(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte has the wrong size"):
        load_mnist(silent)


def test_refuses_labels_that_do_not_match_the_images(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "t10k-labels-idx1-ubyte", np.arange(4), monkeypatch)
    with pytest.raises(DataError, match=r"t10k: images of shape \(3, 28, 28\) and labels of shape \(4,\) do not match"):
        load_mnist(silent)


def test_the_digests_are_those_of_the_published_files() -> None:
    assert mnist.DIGESTS["t10k-labels-idx1-ubyte"].startswith("ff7bcfd416de33731a308c3f266cc351")
    assert len({len(digest) for digest in mnist.DIGESTS.values()}) == 1

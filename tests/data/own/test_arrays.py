import gzip
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mnist_mlflow.data.own import arrays
from mnist_mlflow.data.own.arrays import is_idx_images, read_idx, read_npz
from mnist_mlflow.errors import DataError
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.types import silent
from tests.data.test_idx import idx
from tests.pictures import few_digits

DIGITS = few_digits(2)
X, Y = DIGITS.images, DIGITS.labels


class TestNpz:
    @pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("images", "labels"), ("x_train", "y_train")])
    @pytest.mark.parametrize("x", [X, X.reshape(-1, 784), X / 255])
    def test_reads_the_usual_names_and_forms(self, tmp_path: Path, names: tuple[str, str], x: np.ndarray) -> None:
        content: dict[str, Any] = {names[0]: x, names[1]: Y.astype(np.int64), "hand": Y > 3}
        np.savez(tmp_path / "mine.npz", **content)
        (block,) = read_npz(tmp_path / "mine.npz", silent)
        assert np.array_equal(block.images, X)
        assert np.array_equal(block.labels, Y)
        assert not block.is_test

    def test_reads_images_of_any_size(self, tmp_path: Path) -> None:
        large = np.stack([cv2.resize(image, (64, 48)) for image in X])
        np.savez(tmp_path / "mine.npz", x=np.repeat(large[..., None], 3, axis=3), y=Y)
        (block,) = read_npz(tmp_path / "mine.npz", silent)
        assert np.array_equal(block.images, canonical_digits([*np.repeat(large[..., None], 3, axis=3)]).images)

    def test_a_test_part_is_kept_apart(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "mnist.npz", x_train=X, y_train=Y, x_test=X[:3], y_test=Y[:3, None])
        assert [
            (block.name, len(block.labels), block.is_test) for block in read_npz(tmp_path / "mnist.npz", silent)
        ] == [
            ("x_train", 20, False),
            ("x_test", 3, True),
        ]

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ({"x": X}, "has the arrays x; accepted are arrays x and y"),
            ({}, "has the arrays of no name"),
            ({"x": X, "y": Y[:3]}, r"x has the shape \(20, 28, 28\), and its labels \(3,\); accepted are n images"),
            ({"x": X[0], "y": Y}, r"x has the shape \(28, 28\), and its labels \(20,\)"),
            ({"x": np.array(3), "y": np.array(3)}, r"x has the shape \(\)"),
            ({"x": X, "y": Y + 1}, "the labels of x hold 10; accepted are whole numbers from 0 to 9"),
            ({"x": X, "y": Y - 0.5}, "the labels of x hold -0.5"),
            ({"x": X, "y": Y.astype(str)}, "the labels of x hold '0'"),
            ({"x": X - 300.0, "y": Y}, "values below 0"),
            ({"x": X, "y": np.array([{}] * 20)}, "holds Python objects; accepted"),
        ],
    )
    def test_what_is_no_data_set_is_refused(self, tmp_path: Path, content: dict[str, Any], problem: str) -> None:
        np.savez(tmp_path / "mine.npz", **content)
        with pytest.raises(DataError, match=f"mine.npz.*{problem}"):
            read_npz(tmp_path / "mine.npz", silent)

    def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((1_000, 28, 28)), y=np.zeros(1_000))
        monkeypatch.setattr(arrays, "LARGEST", 1_000_000)
        with pytest.raises(DataError, match=r"bomb.npz unpacks to 6,\d+,\d+ bytes; accepted are 1,000,000 at most"):
            read_npz(tmp_path / "bomb.npz", silent)

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "mine.npz", x=X, y=Y)
        content = bytearray((tmp_path / "mine.npz").read_bytes())
        content[200:400] = bytes(200)
        (tmp_path / "mine.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"mine\.npz cannot be read"):
            read_npz(tmp_path / "mine.npz", silent)


class TestIdx:
    @pytest.mark.parametrize("end", ["", ".gz"])
    @pytest.mark.parametrize(("name", "is_test"), [("train", False), ("t10k", True), ("emnist-digits-test", True)])
    def test_reads_images_and_the_labels_beside_them(self, tmp_path: Path, name: str, is_test: bool, end: str) -> None:
        pack = gzip.compress if end else bytes
        images = tmp_path / f"{name}-images-idx3-ubyte{end}"
        images.write_bytes(pack(idx(X)))
        (tmp_path / f"{name}-labels-idx1-ubyte{end}").write_bytes(pack(idx(Y)))
        assert is_idx_images(images)
        block = read_idx(images, silent)
        assert np.array_equal(block.images, X)
        assert (block.labels.tolist(), block.is_test) == (Y.tolist(), is_test)

    def test_images_without_labels_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "train-images.idx3-ubyte").write_bytes(idx(X))
        with pytest.raises(DataError, match=r"no labels beside it; accepted is train-labels\.idx1-ubyte"):
            read_idx(tmp_path / "train-images.idx3-ubyte", silent)

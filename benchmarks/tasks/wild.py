"""Other people's digits, handed over as they are, and what a model makes of them.

`MNIST_MLFLOW_WILD_DIR` names the folder that holds them. Nothing in it teaches, tunes or calibrates anything.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import mlflow
import numpy as np
import numpy.typing as npt

from benchmarks.peers import tutorial
from benchmarks.process import timed
from benchmarks.targets import MAX_ERRORS
from mnist_mlflow.data.label_errors import MNIST, set_right
from mnist_mlflow.data.mnist import load_mnist
from mnist_mlflow.model.canonical import canonical_digits
from mnist_mlflow.model.decoding import decode
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.tracking.models import fetch_model
from mnist_mlflow.types import Picture, silent

Pictures = Sequence[Picture]
Digits = tuple[Pictures, npt.NDArray[Any]]  # with their labels (n,)

PHOTO = (3_000, 4_000)  # 12 megapixels
TIMES = 5


def read(store: str, model: str) -> dict[str, Any]:
    """Read each set with a logged model: its accuracy, and its coverage and errors where it is sure."""
    mlflow.set_tracking_uri(store)
    with tempfile.TemporaryDirectory() as folder:
        reader = DigitModel.load(fetch_model(model, Path(folder)))
    digits = {name: _score(reader, *pair) for name, pair in digit_sets(wild_folder()).items()}
    strange = {name: _sure_shares(reader, pictures) for name, pictures in strange_sets(wild_folder()).items()}
    return {"digits": digits, "strange": strange}


def peer(train_size: int = 0) -> dict[str, Any]:
    """Read each set with the program of tutorials, which learns from all training images first."""
    train = load_mnist(silent)[0]
    model = tutorial.fit(train.images[: train_size or None], train.labels[: train_size or None])
    sets = digit_sets(wild_folder()).items()
    right = {name: tutorial.predict(model, pictures) == labels for name, (pictures, labels) in sets}
    return {"digits": {name: {"n": len(row), "accuracy": float(row.mean())} for name, row in right.items()}}


def canonical_ms() -> dict[str, float]:
    """Milliseconds to make canonical digits of an image of 28 x 28 pixels, and of a photo of 12 megapixels."""
    images = load_mnist(silent)[1].images
    photo = cv2.resize(digit_sets(wild_folder())["photos"][0][0], PHOTO[::-1], interpolation=cv2.INTER_CUBIC)
    canonical_digits(images[:100])  # loads what it needs
    small = [timed(lambda: canonical_digits(images))[1] / len(images) for _ in range(TIMES)]
    large = [timed(lambda: canonical_digits([photo]))[1] for _ in range(TIMES)]
    return {"image_ms": 1000 * float(np.median(small)), "photo_ms": 1000 * float(np.median(large))}


def wild_folder() -> Path:
    """The folder of other people's digits."""
    return Path(os.environ["MNIST_MLFLOW_WILD_DIR"])


def digit_sets(folder: Path) -> dict[str, Digits]:
    """The sets of digits in a folder, and MNIST's test images with their labels set right."""
    sudoku = np.load(folder / "sudoku.npz")
    by_hand, printed = sudoku["hand"], ~sudoku["hand"] & (sudoku["y"] > 0)
    own = _own_pictures(folder / "own")
    return {
        "photos": own["photo"],
        "drawn": own["draw"],
        "own cuts": own["crop28"],
        "sudoku by hand": (list(sudoku["x"][by_hand]), sudoku["y"][by_hand]),
        "sudoku printed": (list(sudoku["x"][printed]), sudoku["y"][printed]),
        "USPS": _pictures_in(folder / "usps.npz"),
        "semeion": _pictures_in(folder / "semeion.npz"),
        "MNIST test": _test_images(),
    }


def strange_sets(folder: Path) -> dict[str, Pictures]:
    """The sets of pictures that hold no digit."""
    sudoku = np.load(folder / "sudoku.npz")
    return {"blank cells": list(sudoku["x"][sudoku["y"] == 0]), "letters": _pictures_in(folder / "letters.npz")[0]}


def _own_pictures(folder: Path) -> dict[str, Digits]:
    """The pictures of a folder by their kind, decoded as a user's are."""
    kinds: dict[str, tuple[list[Picture], list[int]]] = {}
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pictures, labels = kinds.setdefault(row["kind"], ([], []))
            pictures.append(decode((folder / row["file"]).read_bytes()))
            labels.append(int(row["label"]))
    return {kind: (pictures, np.array(labels)) for kind, (pictures, labels) in kinds.items()}


def _pictures_in(path: Path) -> Digits:
    arrays = np.load(path)
    return list(arrays["x"]), arrays["y"]


def _test_images() -> Digits:
    test = load_mnist(silent)[1]
    labels, readable = set_right(test, MNIST) or (test.labels, np.ones(len(test), bool))
    return list(test.images[readable]), labels[readable]


def _score(model: DigitModel, pictures: Pictures, labels: npt.NDArray[Any]) -> dict[str, Any]:
    readings = model.read(pictures)
    right = readings.probabilities.argmax(axis=1) == labels
    sure = {str(error): readings.promised <= error for error in MAX_ERRORS}
    figures = {
        error: {"coverage": float(rows.mean()), "errors": int((rows & ~right).sum())} for error, rows in sure.items()
    }
    return {"n": len(labels), "accuracy": float(right.mean()), "sure": figures}


def _sure_shares(model: DigitModel, pictures: Pictures) -> dict[str, Any]:
    promised = model.read(pictures).promised
    return {"n": len(pictures), "sure": {str(error): float((promised <= error).mean()) for error in MAX_ERRORS}}

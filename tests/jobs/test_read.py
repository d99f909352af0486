import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import mlflow
import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.read import Params, ReadResult, run
from mnist_mlflow.model.digit_model import DigitModel
from mnist_mlflow.model.readings import Readings
from mnist_mlflow.types import silent
from tests.pages import in_shadow, page, ruled, with_grain
from tests.readers import mean_images, save_logged
from tests.simulated import Client

ROWS = ["314159", "271 28", "577215"]
REASONS = {
    "cut.png": "cannot be read",
    "pixel.png": "shows no digits",
    "white.png": "shows no digits",
    "notes.txt": "no picture",  # the last, since nobody expects it to be read
}


@pytest.fixture(scope="module")
def model(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_logged(mean_images(digits), tmp_path_factory.mktemp("model")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pages with digits, and files that cannot be read."""
    pictures = tmp_path / "pictures"
    (pictures / "more").mkdir(parents=True)
    cv2.imwrite(str(pictures / "page.png"), with_grain(in_shadow(ruled(page(ROWS), 56))))
    cv2.imwrite(str(pictures / "more" / "seven.png"), page(["7"], apart=60))
    cv2.imwrite(str(pictures / "white.png"), np.full((90, 90), 230, np.uint8))
    cv2.imwrite(str(pictures / "pixel.png"), np.zeros((1, 1), np.uint8))
    (pictures / "notes.txt").write_text("4 0 7")
    (pictures / "cut.png").write_bytes((pictures / "page.png").read_bytes()[:3000])
    return pictures


def read(pictures: Path | str, model: str, out: Path, **options: Any) -> ReadResult:
    return run(Params(pictures=str(pictures), model=model, out=out, **options), silent)


def artifacts(store: Client, run_id: str, path: str = "") -> list[str]:
    return [one.path for one in store.list_artifacts(run_id, path)]


def test_every_digit_of_every_picture_is_in_the_table_and_so_is_what_was_skipped(
    store: Client, model: str, folder: Path, tmp_path: Path
) -> None:
    result = read(folder, model, tmp_path / "r.csv")
    table = pd.read_csv(result.out)
    digits = table.dropna(subset="digit")
    of_page = digits[digits["picture"] == str(folder / "page.png")]
    typed = [int(sign) for row in ROWS for sign in row if sign != " "]
    assert (of_page["digit"].to_numpy() == typed).mean() >= 0.6  # the mean of ten images is no good reader
    assert of_page["row"].tolist() == [1] * 6 + [2] * 5 + [3] * 6
    assert of_page["column"].tolist() == [*range(1, 7), *range(1, 6), *range(1, 7)]
    assert set(of_page["inverted"]) == {True}
    skipped = table[table["digit"].isna()].set_index("picture")["why"]
    assert len(skipped) == len(REASONS)
    for name, reason in REASONS.items():
        assert reason in skipped[str(folder / name)]
    assert len(digits) == 18


def test_a_reading_is_a_run_of_its_own_with_counts_and_artifacts(
    store: Client, model: str, folder: Path, tmp_path: Path
) -> None:
    result = read(folder, model, tmp_path / "r.csv", max_error=0.5)
    (recorded,) = store.search_runs(["0"])
    assert (recorded.data.tags["role"], recorded.data.tags["reader"]) == ("reading", model)
    assert recorded.info.status == "FINISHED"
    assert recorded.data.metrics.items() >= {"pictures": 6, "digits": 18, "skipped": 4}.items()
    assert recorded.data.metrics["seconds"] > 0
    assert recorded.data.params.items() >= {"pictures": str(folder), "model": model, "max_error": "0.5"}.items()
    assert not recorded.outputs.model_outputs
    run_id = recorded.info.run_id
    kept = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="readings.csv", dst_path=str(tmp_path))
    assert Path(kept).read_bytes() == result.out.read_bytes()
    pictures = artifacts(store, run_id, "pictures")
    assert [name.partition("-")[2] for name in sorted(pictures)] == ["seven.png", "page.png"]
    assert {path.name for path in Path(result.pictures).iterdir()} == {Path(name).name for name in pictures}


def test_the_allowed_error_is_the_models_own_unless_somebody_types_one(
    store: Client, model: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, read_digits = [], DigitModel.read

    def remember(self: DigitModel, pictures: Any, max_error: float | None = None) -> Readings:
        allowed.append(max_error)
        return read_digits(self, pictures, max_error)

    monkeypatch.setattr(DigitModel, "read", remember)
    read(folder / "more", model, tmp_path / "r.csv")
    read(folder / "more", model, tmp_path / "r.csv", max_error=0)
    assert allowed[1::2] == [None, 0]  # the first of each warms up


def test_pictures_are_read_whatever_their_polarity_and_colours(store: Client, model: str, tmp_path: Path) -> None:
    sheet = page(["40"])
    blue = np.dstack([sheet, 255 - (255 - sheet) // 2, sheet])
    for name, picture in {"a": 255 - sheet, "b": blue}.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    result = read(tmp_path / "*.png", model, tmp_path / "r.csv")
    assert result.table["digit"].tolist() == [4, 0, 4, 0]
    assert result.table["inverted"].tolist() == [False, False, True, True]


def test_stdin_is_read(store: Client, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = cv2.imencode(".png", page(["40"]))[1].tobytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read("-", model, tmp_path / "r.csv").table["digit"].tolist() == [4, 0]


def test_bad_input_is_refused_and_opens_no_run(store: Client, model: str, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.csv"
    with pytest.raises(UserFacingError, match=r"^Nothing was read\. .*white.png: The picture shows no digits\.$"):
        read(folder / "white.png", model, out)
    for name in ("page.png", "more/seven.png"):
        (folder / name).unlink()
    with pytest.raises(UserFacingError) as caught:
        read(folder, model, out)
    first, *reasons = str(caught.value).split("\n  ")
    assert first == "Nothing was read of 4 pages:"
    for reason, (name, expected) in zip(reasons, REASONS.items(), strict=True):
        assert re.search(rf"/{name}: .*{expected}", reason)
    with pytest.raises(UsageError, match="there is no such file"):
        read(folder / "none", model, out)
    with pytest.raises(UsageError, match="there is no folder"):
        read(folder, model, tmp_path / "none" / "r.csv")
    assert not out.exists()
    assert not store.search_runs(["0"])


def test_a_model_that_is_not_there_is_told_before_there_is_a_run(store: Client, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="There is no champion of mnist-digits yet"):
        read(folder, "champion", tmp_path / "r.csv")
    assert not store.search_runs(["0"])


def test_the_terminal_shows_rows_digits_and_what_was_skipped(
    store: Client,
    model: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., tuple[int, str, str]],
) -> None:
    monkeypatch.chdir(folder.parent)
    arguments = ("read", "--model", model, "--pictures")
    status, output, errors = command(*arguments, "pictures")
    assert (status, errors) == (0, "")
    assert re.search(r"page\.png +1 +\?{6} *$", output, re.M)  # the model has learned no abstention
    assert re.search(r"seven\.png +1 +1 +7 +[01]\.\d{3} +ambiguous, \d second *$", output, re.M)
    assert len(re.findall(r"page\.png", output)) == 2  # once in each table
    skipped = re.findall(r"^skipped: .*/(\w+\.\w+): .", output, re.M)
    assert skipped == list(REASONS)
    assert re.search(r"^skipped: .*notes.txt: The 5 bytes are no picture", output, re.M)
    assert re.search(r"^ +picture +row +column +digit", output, re.M)
    assert "18 digits, 0 sure" in output
    assert "1 digit, 0 sure" in command(*arguments, "pictures/more/seven.png")[1]
    status, output, errors = command(*arguments, str(folder / "white.png"))
    assert (status, output) == (1, "")
    assert "Nothing was read. " in errors

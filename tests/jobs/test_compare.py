"""`compare`: the page in a file, and a run of its own with the page and its tables."""

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient as Client

from mnist_mlflow.data import Dataset
from mnist_mlflow.errors import UsageError, UserFacingError
from mnist_mlflow.jobs.compare import Params, run
from mnist_mlflow.tracking.datasets import dataset_tags
from mnist_mlflow.types import silent
from tests.simulated import add_model, add_run, right_but


def add_models(store: Client, digits: Dataset, **changed: Any) -> tuple[str, str]:
    """Two runs on the bundled digits, of which the second reads 20 more images wrong."""
    labels = digits.validation.labels
    tags: dict[str, Any] = {**dataset_tags(digits), **changed}
    rights = right_but(len(labels), range(2)), right_but(len(labels), range(1, 21))
    first, second = (add_model(store, labels, right, **tags).run_id for right in rights)
    return first, second


def test_the_page_is_a_file_and_an_artifact_beside_the_tables(store: Client, digits: Dataset, tmp_path: Path) -> None:
    runs = add_models(store, digits)
    result = run(Params(runs=runs, out=tmp_path / "page.html"), silent)
    page = result.out.read_text()
    assert result.out == tmp_path / "page.html"
    assert f"knn {runs[0][:8]} is better than knn {runs[1][:8]} by 7.00 points" in result.comparison.answer[0]
    assert escape(result.comparison.answer[0]) in page
    assert f"knn {runs[0][:8]} reads right, knn {runs[1][:8]} does not: 19 images" in page
    (recorded,) = store.search_runs(["0"], "tags.role = 'comparison'")
    assert recorded.info.status == "FINISHED"
    assert recorded.info.run_name == "comparison of 2 runs"
    assert recorded.data.tags["compared"] == ",".join(runs)
    assert recorded.data.params["runs"] == ",".join(runs)
    assert "is better than" in recorded.data.tags["mlflow.note.content"]
    artifacts = Path(recorded.info.artifact_uri)
    assert (artifacts / "compare.html").read_text() == page
    assert (artifacts / "metrics.csv").read_text().startswith(f",knn {runs[0][:8]},knn {runs[1][:8]}\naccuracy %,")
    assert (artifacts / "differences_on_the_validation_images.csv").exists()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"dataset_digest": "other"}, "digits with split_seed=0 has other images here"),
        ({"dataset": "/nowhere"}, "There are no pictures of the images of knn"),
    ],
)
def test_without_the_images_the_page_has_no_pictures_and_says_why(
    changed: dict[str, str], reason: str, store: Client, digits: Dataset, tmp_path: Path
) -> None:
    page = run(Params(runs=add_models(store, digits, **changed), out=tmp_path / "page.html"), silent).out.read_text()
    assert reason in page
    assert "is better than" in page
    assert "<img" not in page


def test_what_is_refused_leaves_no_run_and_no_file(store: Client, tmp_path: Path) -> None:
    good, selection, out = add_run(store, 0.9), add_run(store, 0.9, role="selection"), tmp_path / "page.html"
    refused: list[tuple[Callable[[], Params], type[UserFacingError]]] = [
        (lambda: Params(runs=(good,), out=out), UsageError),
        (lambda: Params(runs=(good, good), out=out), UsageError),
        (lambda: Params(runs=(good, "nobody"), out=out), UsageError),
        (lambda: Params(runs=(good, selection), out=out), UserFacingError),
        (lambda: Params(runs=(good, selection), out=tmp_path / "no" / "page.html"), UsageError),
        (lambda: Params(runs=(good, selection), out=tmp_path), UsageError),
    ]
    for params, kind in refused:
        with pytest.raises(kind):
            run(params(), silent)
    assert len(store.search_runs(["0"])) == 2
    assert not list(tmp_path.glob("*.html"))


def test_it_is_typed_and_shown_like_any_job(
    store: Client, digits: Dataset, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    first, second = add_models(store, digits)
    out = tmp_path / "page.html"
    status, text, _ = command("compare", "--runs", f"{first[:10]}, {second}", "--out", str(out))
    assert status == 0
    assert re.match(rf"knn {first[:8]} is better than knn {second[:8]} by 7\.\d\d points", text)
    assert out.exists()
    status, _, errors = command("compare", "--runs", first)
    assert status == 2
    assert errors.count("\n") == 1

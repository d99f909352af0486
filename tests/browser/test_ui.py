"""The pages that people open first, in windows of 1,500 and 1,100 pixels."""

from __future__ import annotations

import mlflow
import pytest

from mnist_mlflow.tracking import views
from tests.browser.screen import Screen
from tests.browser.store import ALGORITHMS

ACCURACY = "metrics.`val_accuracy`"
MOST_TAGS = 8
IS_SEEN = """cell => {
    const box = cell.getBoundingClientRect();
    return cell.contains(document.elementFromPoint(box.x + 3, box.y + 3));
}"""
IS_CUT = """cells => cells.some(cell => [cell, ...cell.querySelectorAll('*')].some(
    part => part.clientWidth && part.scrollWidth > part.clientWidth
))"""
LISTED = {
    "models": set(ALGORITHMS),
    "curves": {"cnn", "mlp", "xgboost"},
    "trials": {"trial-000"},
    "history": {"svm"},
    "others": {"main", "report"},
}  # how names begin in each view


@pytest.fixture
def landed(screen: Screen) -> Screen:
    """A window at the address that `ui` prints."""
    screen.open(screen.ui.landings["mnist-digits"])
    return screen


def experiment_of(client: mlflow.MlflowClient) -> str:
    return str(client.get_experiment_by_name("mnist-digits").experiment_id)


def test_one_lands_on_the_models_the_best_first(landed: Screen) -> None:
    landed.page.get_by_role("heading", name="Runs", exact=True).wait_for()  # it is "Training runs" beside the traces
    accuracies = [float(cell) for cell in landed.column(ACCURACY)]
    assert accuracies == sorted(accuracies, reverse=True)
    names = {name.split()[0] for name in landed.names()}
    assert names == set(ALGORITHMS)
    assert len(accuracies) == len(ALGORITHMS) + 3
    landed.page.get_by_test_id("sort-header-val_log_loss").wait_for()


@pytest.mark.parametrize("column", views.SCORES[1:])
def test_scores_are_shown_with_all_of_their_digits(landed: Screen, column: str) -> None:
    assert max(map(len, landed.column(column))) > 15
    assert not landed.page.locator(f'[role="gridcell"][col-id="{column}"]').evaluate_all(IS_CUT)


def test_runs_are_told_apart_by_their_names(landed: Screen) -> None:
    names = landed.names()
    assert len(set(names)) == len(names)
    assert "knn n_neighbors=3 weights=uniform train_size=500" in names
    assert "svm C=1 train_size=500 seed 2" in names


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.key)
def test_the_experiment_says_what_it_is_and_leads_to_its_views(landed: Screen, view: views.View) -> None:
    landed.page.get_by_text(views.INTRODUCTION).first.wait_for()
    link = landed.page.get_by_role("link", name=view.name, exact=True)
    landed.open(link.get_attribute("href") or "")
    assert {name.split()[0] for name in landed.names()} >= LISTED[view.key]
    assert landed.page.get_by_test_id("saved-views-trigger").inner_text() == view.name


def test_the_description_unfolds_and_explains_the_columns(landed: Screen) -> None:
    explained = landed.page.get_by_role("cell", name="milliseconds to read an image")
    assert not explained.evaluate(IS_SEEN)
    edit = landed.page.get_by_test_id("experiment-metadata-editor-edit-button")
    edit.locator("xpath=following::button[1]").click()
    landed.settle()
    assert explained.evaluate(IS_SEEN)


def test_a_filter_leaves_the_runs_that_meet_it(landed: Screen) -> None:
    box = landed.page.get_by_test_id("search-box")
    box.fill("tags.role = 'model' and tags.algorithm = 'knn'")
    box.press("Enter")
    landed.settle()
    assert {name.split()[0] for name in landed.names()} == {"knn"}


def test_seven_runs_are_compared(landed: Screen, client: mlflow.MlflowClient) -> None:
    best = client.search_runs([experiment_of(client)], views.MODELS.condition, order_by=[f"{ACCURACY} DESC"])[:7]
    ids = ",".join(f'"{run.info.run_id}"' for run in best)
    landed.open(f'#/compare-runs?runs=[{ids}]&experiments=["{experiment_of(client)}"]')
    for run in best:
        landed.page.get_by_text(run.info.run_name, exact=True).first.wait_for()
    landed.page.get_by_text("val_accuracy", exact=True).first.wait_for()


def test_a_picture_of_a_run_is_shown(landed: Screen, client: mlflow.MlflowClient) -> None:
    (run,) = client.search_runs([experiment_of(client)], "tags.algorithm = 'svm' and params.seed = '2'")
    landed.open(f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts/plots/confusion_matrix.png")
    picture = landed.page.locator("img[src^='blob:'], .image-outer-container img").first
    picture.wait_for()
    assert picture.evaluate("picture => picture.naturalWidth") > 300


def test_the_registered_model_says_what_its_aliases_mean(landed: Screen, client: mlflow.MlflowClient) -> None:
    landed.open("#/models/mnist-digits")
    landed.page.get_by_text("is the one to load").first.wait_for()
    landed.page.get_by_text("It reads 9").first.wait_for()  # in the table of versions
    (version,) = client.search_model_versions("name = 'mnist-digits'")
    assert len(version.tags) <= MOST_TAGS


def test_the_card_leads_back_to_the_models(landed: Screen, client: mlflow.MlflowClient) -> None:
    landed.open("#/models/mnist-digits/versions/1")
    link = landed.page.get_by_role("link", name="All models, the best first")
    landed.open(link.get_attribute("href") or "")
    assert len(landed.column(ACCURACY)) == len(ALGORITHMS) + 3

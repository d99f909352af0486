"""The sections of a comparison, and its page."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mnist_mlflow.reports.comparison import Comparison, compare
from mnist_mlflow.reports.comparison_page import MOST_IMAGES, comparison_page
from mnist_mlflow.reports.sections import Section
from tests.jobs.test_report import Tags
from tests.sides import IMAGES, side, with_facts
from tests.simulated import right_but

GOOD, BAD = right_but(IMAGES, range(2)), right_but(IMAGES, range(1, 21))
PICTURES = {("d", "s"): np.zeros((IMAGES, 28, 28), np.uint8)}
NASTY = "<script>alert(1)</script>"


def section(comparison: Comparison, title: str) -> Section:
    (found,) = [one for one in [*comparison.sections, *comparison.details] if one.title == title]
    return found


def page(comparison: Comparison) -> str:
    return comparison_page(comparison, "A title", PICTURES, [])


def test_a_group_of_seeds_is_one_column_with_mean_and_spread(tmp_path: Path) -> None:
    comparison = compare([side("aaaa", GOOD, BAD), side("bbbb", GOOD)], tmp_path)
    metrics = section(comparison, "Metrics")
    assert metrics.head == ["", "knn aaaa (2 seeds)", "knn bbbb"]
    assert metrics.rows[0] == ["accuracy %", "94.50 ± 6.36", "99.00"]
    assert metrics.rows[1][2] == "96.43 to 99.73"
    assert ["seconds to learn", "2 ± 0", "2"] in section(comparison, "Cost").rows
    assert ["seconds of the whole run", "90 ± 0", "90"] in section(comparison, "Cost").rows
    assert len(section(comparison, "Runs").rows[0][1].split(", ")) == 2


def test_runs_on_other_images_are_compared_in_all_but_accuracy_and_told_so(tmp_path: Path) -> None:
    comparison = compare([side("aaaa", GOOD), side("bbbb", GOOD, dataset="mnist", split_digest="other")], tmp_path)
    assert not comparison.pairs
    reason = (
        "knn bbbb is scored on other images (mnist, split_seed=0) than knn aaaa (digits, split_seed=0): "
        "all but accuracy is compared."
    )
    assert comparison.answer == ["The accuracies cannot be compared.", reason]
    assert section(comparison, "What could not be compared").text == reason
    titles = [one.title for one in comparison.sections]
    assert "Differences on the validation images" not in titles
    assert {"Metrics", "Cost", "What differs"} <= {*titles}
    assert "Images that only one" not in page(comparison)


def test_what_could_not_be_read_is_told(tmp_path: Path) -> None:
    lost = dataclasses.replace(side("bbbb"), gone=("knn bbbb: its probabilities are gone.",))
    comparison = compare([side("aaaa", GOOD), lost, side("cccc", BAD)], tmp_path)
    assert len(comparison.pairs) == 1
    assert section(comparison, "What could not be compared").text == "knn bbbb: its probabilities are gone."


def searching(name: str, values: list[float]) -> pd.DataFrame:
    table = {"trial": range(len(values)), "state": "complete", "tuning_log_loss": values, "tuning_accuracy": 0.9}
    return pd.DataFrame({**table, name: [10.0**-n for n in range(len(values))]})


def test_two_searches_are_compared_by_what_they_tried(tmp_path: Path) -> None:
    sides = [side(name, GOOD, study="s") for name in ("aaaa", "bbbb")]
    for one in sides:
        one.runs[0].data.params["C"] = "1"
    tables = searching("C", [0.5, 0.3, 0.4]), searching("C", [0.2, 0.6])
    searches = [dataclasses.replace(one, trials=table) for one, table in zip(sides, tables, strict=True)]
    comparison = compare(searches, tmp_path)
    assert section(comparison, "Searches").rows == [
        ["trials complete, of all", "3 of 3", "2 of 2"],
        ["best log loss", "0.3000", "0.2000"],
        ["found by", "trial-001", "trial-000"],
        ["C", "0.01, 0.1, 1; best 0.1", "0.1, 1; best 1"],
    ]
    assert len([source for source in Tags(page(comparison)).all("img") if "share" in str(source["alt"])]) == 1
    alone = compare([searches[0], side("cccc", GOOD)], tmp_path)
    assert "Searches" not in [one.title for one in alone.sections]
    assert "How the searches explored" not in page(alone)


def test_the_page_shows_the_most_confident_of_what_one_alone_reads_right(tmp_path: Path) -> None:
    shown = page(compare([side("aaaa", GOOD), side("bbbb", BAD)], tmp_path))
    assert "knn aaaa reads right, knn bbbb does not: 19 images, of which the 12 with" in shown
    assert "knn bbbb reads right, knn aaaa does not: 1 image</summary>" in shown
    assert len(Tags(shown).all("img")) == MOST_IMAGES + 1
    assert 'alt="a 2, read as 3"' in shown


def test_the_page_needs_nothing_else_and_can_be_read_by_everybody(tmp_path: Path) -> None:
    second = with_facts(side("bbbb", BAD), "code", b"diff --git a/x b/x\n@@ -1 +1 @@\n+<b>\n")
    shown = page(compare([side("aaaa", GOOD), second], tmp_path))
    tags = Tags(shown)
    assert tags.open == []
    assert {source["src"][:22] for source in tags.all("img") if source["src"]} == {"data:image/png;base64,"}
    assert all(image["alt"] for image in tags.all("img"))
    assert not tags.all("script")
    assert not tags.all("link")
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", shown)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in tags.all("meta")
    assert "<summary>Uncommitted in knn bbbb</summary>" in shown
    assert "+&lt;b&gt;" in shown


@pytest.mark.parametrize("where", ["algorithm", "command", "dataset"])
def test_tags_are_text_and_no_markup(where: str, tmp_path: Path) -> None:
    shown = page(compare([side("aaaa", GOOD), side("bbbb", GOOD, split_digest="x", **{where: NASTY})], tmp_path))
    assert "&lt;script&gt;" in shown
    assert NASTY not in shown


def test_data_sets_of_one_name_are_told_by_their_digests(tmp_path: Path) -> None:
    flipped = side("bbbb", GOOD, dataset_digest="flipped-label", split_digest="other")
    answer = compare([side("aaaa", GOOD), flipped], tmp_path).answer
    assert "on other images (digest flipped-, split other) than knn aaaa (digest " in answer[1]

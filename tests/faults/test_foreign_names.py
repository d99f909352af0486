"""Names from somebody else, in tags, params and models: none is taken for a command, a query or markup."""

import html
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import mlflow
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from mnist_mlflow.cli.selected import leaderboard_table
from mnist_mlflow.cli.terminal import Terminal
from mnist_mlflow.errors import ParameterError, UserFacingError
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.pareto import Point, draw_pareto
from mnist_mlflow.evaluation.robustness import MEAN
from mnist_mlflow.processes import is_gone, read_owner, this_process
from mnist_mlflow.protocol import SearchOptions, command, parse_command
from mnist_mlflow.reports import chosen, page
from mnist_mlflow.reports.card import Subject, write_card
from mnist_mlflow.reports.sections import as_markdown
from mnist_mlflow.search import plots
from mnist_mlflow.tracking import checks
from mnist_mlflow.tracking.candidates import Candidate, Candidates, Query
from mnist_mlflow.tracking.evaluations import CORRUPTIONS, KIND, StoredEvaluation
from mnist_mlflow.tracking.reproductions import Reproduced
from mnist_mlflow.tracking.results import KeptAnswers
from mnist_mlflow.tracking.runs import Run
from mnist_mlflow.tracking.trials import Trials
from mnist_mlflow.tracking.versions import SELECTED_BY
from tests.simulated import DIGESTS, labels_of, reads, right_but

Client: TypeAlias = mlflow.MlflowClient
NASTY = (
    "<script>alert(1)</script>",
    "a | b | c",
    "`tick` ```",
    "two\n\n# lines",
    "[link](javascript:alert(1))",
    "![picture](http://tracker)",
    "back\\slash|",
    "../../x; rm -rf ~ && $(touch y) 'quoted\"",
)


WRONG: tuple[dict[str, object], ...] = ({"pid": "x"}, {"pid": -1}, {"pid": True}, {"pid": 10**30}, {"born": "x"})


@pytest.mark.parametrize(
    "owner", ["[" * 8_000, "{}", "7", *(json.dumps({**this_process(), **wrong}) for wrong in WRONG)]
)
def test_any_owner_of_a_run_can_be_asked_for(owner: str) -> None:
    assert is_gone(read_owner(owner)) in (True, False)


def test_a_trial_that_somebody_has_renamed_stops_no_search(store: Client) -> None:
    parent = store.create_run("0").info.run_id
    for name in ("trial-001", "../../mine; rm", "trial-x"):
        child = store.create_run("0", tags={"mlflow.parentRunId": parent}, run_name=name)
        store.set_terminated(child.info.run_id)
    assert Trials(Run(store, parent), {}).written == {1}


@pytest.mark.parametrize("name", ["o'hara", "a\"b' OR name LIKE '%"])
def test_a_registered_model_may_have_any_name(name: str, store: Client) -> None:
    run = store.create_run("0")
    store.create_registered_model(name)
    store.create_model_version(name, run.info.artifact_uri, run.info.run_id, tags={SELECTED_BY: "x"})
    assert not checks.check_aliases().remedy


def test_a_model_may_name_any_run(store: Client) -> None:
    tags = {"algorithm": "knn", **DIGESTS}
    for run in ("x' OR '1'='1", None):
        model = store.create_logged_model("0", source_run_id=run, tags=tags)
        store.finalize_logged_model(model.model_id, "READY")
    assert not list(Candidates(store, Query("d", "s")))


@pytest.mark.parametrize("name", NASTY)
def test_the_name_of_an_algorithm_is_no_command(name: str) -> None:
    words = shlex.split(command(name, {"data": name}))
    assert words == ["mlflow", "run", ".", "-e", name, "--env-manager", "local", "-P", f"data={name}"]
    with pytest.raises(UserFacingError):
        parse_command(command(name, {}))


@pytest.mark.parametrize("study", ["../x", "a b", "$(touch x)", "a\n", "a'b", ""])
def test_the_name_of_a_study_is_a_word(study: str) -> None:
    with pytest.raises(ParameterError):
        SearchOptions(study=study)


def subject_of(text: str) -> Subject:
    labels = labels_of(50)
    tags = {"dataset": text, "mlflow.source.git.commit": text}
    candidate = Candidate("run", "m", text, {"val_accuracy": 0.9}, {"kind": text, f"x{text}": "1"}, tags)
    probabilities = reads(labels, right_but(50, range(3)))
    corrupted = StoredEvaluation("run", 0, {MEAN: 0.9}, {"images": text}, {KIND: CORRUPTIONS}, text)
    about = KeptAnswers(labels, probabilities), {"rule": text}
    return Subject(candidate, "models:/mine@champion", text, *about, 0.1, evaluations=[corrupted])


@pytest.mark.parametrize("text", NASTY)
def test_markdown_shows_names_as_they_are(text: str) -> None:
    def render(name: str) -> str:
        card = as_markdown(name, write_card(subject_of(name)))
        return str(MarkdownIt("commonmark").enable("table").render(card))

    shown, plain = render(text), render("plain")
    for tag in ("<script", "<a ", "<img ", "<td>", "<h1>", "<h2>", "<pre>", "<code>", "<li>"):
        assert shown.count(tag) == plain.count(tag), tag
    assert html.escape(" ".join(text.split()), quote=False) in shown.replace("&quot;", '"')


@pytest.mark.parametrize("text", NASTY)
def test_the_page_shows_names_as_they_are(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of(text)
    files = {
        "decision.json": json.dumps({"sentences": {"rule": text}}).encode(),
        "leaderboard.csv": f'algorithm,run\n"{text.replace(chr(34), chr(34) * 2)}",r\n'.encode(),
    }

    def read_file(artifacts: str, path: str) -> bytes:
        if path not in files:
            raise UserFacingError("none")
        return files[path]

    for module in (page, chosen):
        monkeypatch.setattr(module, "read_file", read_file)
    monkeypatch.setattr(chosen, "read_kept", lambda *arguments: subject.answers)
    monkeypatch.setattr(page, "find_reproductions", lambda *arguments: [Reproduced("r", text, text, 0)])
    monkeypatch.setattr(chosen, "find_evaluations", lambda *arguments: subject.evaluations)
    version = SimpleNamespace(version="1", tags={"selection_run_id": "s", "ms_per_image": "0.1"})
    registry: Any = SimpleNamespace(
        name=text,
        client=None,
        version=lambda alias: version,
        candidate=lambda version: subject.candidate,
        artifacts=lambda run_id: "",
        uri=lambda alias: "models:/x@y",
    )
    shown = page.champion_page(registry)
    assert "<script" not in shown
    assert html.unescape(shown).count(text) >= 8
    files["decision.json"] = b'{"sentences": 7}'
    shown = page.champion_page(registry)
    assert "These are gone or damaged" in shown
    assert "AttributeError" in shown


def test_the_page_of_a_study_shows_names_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    text = "</script><script>alert(1)</script>"
    study = optuna.create_study(study_name=text)
    for index in range(2):
        trial = study.ask()
        trial.suggest_categorical(text, (text, "plain"))
        study.tell(trial, index)
    monkeypatch.setattr(plots, "PLOTS", {"slices": "plot_slice"})
    plots.draw(study, "accuracy", tmp_path)
    shown = (tmp_path / "study.html").read_text()
    assert "alert(1)" in shown
    assert "<script>alert" not in shown


def test_a_picture_takes_any_name() -> None:
    points = [Point(r"$\frac{ knn $x", 0.9, 1.0, 1.0), Point("_$$", 0.8, 2.0, 1.0, is_winner=True)]
    assert as_png(draw_pareto(points, "Finalists")).startswith(b"\x89PNG")


def test_a_terminal_obeys_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b[2J\x1b]0;title\x07k\x9bnn"
    out = Terminal(width=110)
    out.print(name)
    out.print(leaderboard_table(pd.DataFrame({"algorithm": [name], "run": ["0"]}), 110))
    shown = capsys.readouterr().out + str(UserFacingError(name))
    assert shown.count(r"\x1b[2J\x1b]0;title\x07k\x9bnn") == 3
    assert not set(shown) & set("\x1b\x07\x9b")

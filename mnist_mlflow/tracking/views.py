"""Experiments as the MLflow UI shows them: a description, and saved views of the runs, with their addresses.

Both are tags of the experiment, in the form in which the UI of MLflow 3.17 itself keeps them. A view holds a filter, an
order and columns. The UI lists the views of an experiment behind the button at the top right. A registered model has a
description too.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass

from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from mnist_mlflow.tracking.queries import experiments_of
from mnist_mlflow.tracking.servers import is_server
from mnist_mlflow.tracking.store import store_uri

UI_HOST, UI_PORT = "127.0.0.1", 5000  # where `ui`, and `mlflow ui`, answers unless it is told otherwise
INNER_LINE_END = re.compile(r"(?<=[^\n|])\n(?=[^\s|#>])(?!```|[-*] )")  # in a paragraph of Markdown
VIEW_TAG = "mlflow.sharedViewState."  # how the name of the tag with a view begins
LOGIN = re.compile(r"(?<=://)[^/]*@")  # of an address: the browser asks each who opens it
MEAN = re.compile(r"_(log_loss|ece)$")
RUN_NAME, CREATED, DURATION = "attributes.`Run Name`", "runDateAndNestInfo", "duration"  # columns, as the UI calls them
NAME_WIDTH, CREATED_WIDTH = 240, 130  # pixels
LEAST_WIDTH, LETTER_WIDTH = 85, 7  # pixels of other columns, and for each letter of their names
MEAN_WIDTH = 165  # of columns of means over images: the UI shows all of their digits, 20 or so


@dataclass(frozen=True)
class View:
    """A saved view: its name in addresses and for people, a filter in MLflow's language, an order, and columns.

    One with `charts` opens as charts of the metrics whose names hold that, over the seconds of learning.
    """

    key: str
    name: str
    condition: str
    order: str
    columns: tuple[str, ...]
    is_ascending: bool = False
    charts: str = ""

    @property
    def tag(self) -> str:
        """The name of the tag of the experiment that keeps it."""
        return VIEW_TAG + self.key

    def as_json(self, created: int) -> str:
        """The value of its tag, as the UI writes it; the UI lists views with a higher `created` first."""
        state = {
            "searchFilter": self.condition,
            "orderByKey": self.order,
            "orderByAsc": self.is_ascending,
            "selectedColumns": self.columns,
            "columnOrder": [RUN_NAME, CREATED, *self.columns, DURATION],
            "columnWidths": {
                RUN_NAME: NAME_WIDTH,
                CREATED: CREATED_WIDTH,
                **{column: _width(column) for column in self.columns},
            },
        }
        if self.charts:
            line = {"xAxisKey": "time-relative", "lineSmoothness": 0, "selectedXAxisMetricKey": ""}
            state |= {"chartsSearchFilter": self.charts, "globalLineChartConfig": line}
        return json.dumps({"name": self.name, "createdAt": created, "updatedAt": created, "state": json.dumps(state)})

    def path(self, experiment_id: str) -> str:
        """The address of the view of an experiment, from `#` on: it works on whatever server the UI is open."""
        mode = "&compareRunsMode=CHART" if self.charts else ""
        return f"#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={self.key}{mode}"


def _width(column: str) -> int:
    """The pixels that the name of a column takes, and its values."""
    name = column.split("`")[1]
    return max(MEAN_WIDTH if MEAN.search(name) else LEAST_WIDTH, LETTER_WIDTH * len(name) + LEAST_WIDTH // 3)


def _metric(name: str) -> str:
    return f"metrics.`{name}`"


def _tag(name: str) -> str:
    return f"tags.`{name}`"


def _param(name: str) -> str:
    return f"params.`{name}`"


OURS = "tags.role LIKE '%'"
MODEL = "tags.role = 'model'"
SCORES = tuple(map(_metric, ("val_accuracy", "val_log_loss", "val_ece")))
COSTS = tuple(map(_metric, ("predict_ms_per_image", "fit_seconds", "model_mb")))
TUNING = tuple(map(_metric, ("tuning_log_loss", "tuning_accuracy", "seconds")))
DATASET = "tags.`dataset`"
JUDGED = (SCORES[0], DATASET, *SCORES[1:], *COSTS)  # what models are judged by, with what they were scored on
NEWEST = "attributes.start_time"

MODELS = View("models", "Best models", MODEL, SCORES[0], (*JUDGED, _param("features")))
CURVES = View(
    "curves",
    "Learning curves",
    f"{MODEL} and metrics.epoch_val_loss >= 0",
    SCORES[0],
    (SCORES[0], COSTS[1]),
    charts="epoch_val",
)
TRIALS = View(
    "trials",
    "Trials",
    "tags.role = 'trial'",
    TUNING[0],
    (*TUNING, *map(_tag, ("algorithm", "study", "trial_state", "dataset"))),
    is_ascending=True,
)
HISTORY = View(
    "history",
    "One algorithm",
    f"{MODEL} and tags.algorithm = 'svm'",
    NEWEST,
    (*JUDGED, "attributes.`Version`"),
)
OTHERS = View(
    "others",
    "Other runs",
    "tags.role != 'model' and tags.role != 'trial'",
    NEWEST,
    (_tag("role"), _tag("champion_version"), DATASET, _tag("failure")),
)
VIEWS = (MODELS, CURVES, TRIALS, HISTORY, OTHERS)


def address(experiment_id: str, port: int = UI_PORT) -> str:
    """The address of an experiment's best models, for people: on the server of the store, else on this machine."""
    store = store_uri()
    server = LOGIN.sub("", store).rstrip("/") if is_server(store) else f"http://{UI_HOST}:{port}"
    return f"{server}/{MODELS.path(experiment_id)}"


def addresses(client: MlflowClient, port: int = UI_PORT) -> dict[str, str]:
    """The addresses of the best models of each experiment that has our views, by its name."""
    described = [one for one in experiments_of(client) if MODELS.tag in one.tags]
    return {one.name: address(one.experiment_id, port) for one in described}


def describe_older(client: MlflowClient) -> None:
    """Describe the experiments that have runs of ours, all of them older than the views."""
    for one in experiments_of(client):
        if MODELS.tag not in one.tags and client.search_runs([one.experiment_id], OURS, max_results=1):
            describe(client, one)


def describe(client: MlflowClient, experiment: Experiment) -> None:
    """Give an experiment the views that it lacks, and a description unless it has one.

    It stays as it is where the account may not change it.
    """
    number = experiment.experiment_id
    tags = {view.tag: view.as_json(len(VIEWS) - place) for place, view in enumerate(VIEWS)}
    tags[MLFLOW_RUN_NOTE] = description(number)
    with contextlib.suppress(MlflowException):
        for key in tags.keys() - experiment.tags.keys():
            client.set_experiment_tag(number, key, tags[key])


def flowing(markdown: str) -> str:
    """A text whose paragraphs are a line each: the UI breaks a line where a text does."""
    return INNER_LINE_END.sub(" ", markdown)


def description(experiment_id: str) -> str:
    """The description of an experiment, in Markdown; the UI shows the first paragraph until it is unfolded."""
    links = " · ".join(f"[{view.name}]({view.path(experiment_id)})" for view in VIEWS)
    return flowing(f"{INTRODUCTION}: {links}\n\n{EXPLANATION}")


INTRODUCTION = "Handwritten digits"  # with the links it fits into a line, in a window of 1,100 pixels
EXPLANATION = f"""Models that read handwritten digits, all trained and scored by the same rules. The links lead to
saved searches: filter, order and columns. So does the button at the top right, which shows the name of the one that is
open, such as **Best models**. *Trials* are those of searches. *One algorithm* shows the runs of `svm` over time: for
another, edit the filter. *Other runs* are selections, reports, evaluations and readings.

| column | what it means | better |
| --- | --- | --- |
| `val_accuracy` | share of the validation images that are read right; they have taught no model | high |
| `val_log_loss` | how far the probabilities are from the truth | low |
| `val_ece` | how far confidence and accuracy are apart: the calibration error | low |
| `predict_ms_per_image` | milliseconds to read an image | low |
| `fit_seconds`, `model_mb` | seconds to learn, megabytes to keep | low |
| `tuning_…` | the same of a trial, on images apart that only tune | |

**Compare.** Only runs with the same tag `split_digest` are scored on the same images. Tick some and press *Compare*. A
small difference may be chance: `mlflow run . -e compare --env-manager local -P runs=ID,ID` tests it.

**Find.** The filter takes conditions. The trials of one search: `tags.role = 'trial' and tags.study = 'NAME'`.
One algorithm: `{HISTORY.condition}`. What was trained on MNIST: `{MODEL} and tags.dataset = 'mnist'`.

**Names.** A run is called after its algorithm and what differs from the defaults. `role` tells models from the rest."""

REGISTERED = """The models that `select` has registered. The description of a version is its model card.

- `champion` is the one to load: `mlflow.pyfunc.load_model("models:/{name}@champion").predict(images)`
- `challenger` was chosen last, and the champion stays: its card says why.
- `previous` was champion before. `mlflow run . -e select --env-manager local -P rollback=1` puts it back.

The tag `selection_run_id` of a version names the run that holds the leaderboard and the reasons."""

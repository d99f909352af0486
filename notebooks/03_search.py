# %% [markdown]
# # 3. A search
#
# You see how a search for hyperparameters went, trial by trial. You see which hyperparameters mattered, what pruning
# saved, and what the best trial is worth. It needs a store with a search, such as that of this command, which takes
# five minutes: `python -m mnist_mlflow svm --trials 100`. The notebook itself takes 10 seconds.

# %%
import mlflow
import optuna
import pandas as pd
from IPython.display import Image

from mnist_mlflow.algorithms.base import get_algorithm, resolve
from mnist_mlflow.algorithms.task import Task
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.search.objectives import MAXIMIZED, goals
from mnist_mlflow.search.plots import StudyPlots
from mnist_mlflow.search.pruning import WHOLE
from mnist_mlflow.search.records import read_records
from mnist_mlflow.search.spec import SearchSpec
from mnist_mlflow.search.summary import Summary, differences
from mnist_mlflow.tracking.store import connect, studies_uri

connect()  # the project's store, or the one that MLFLOW_TRACKING_URI names
searches = mlflow.search_runs(
    filter_string="tags.role = 'model' and tags.study != '' and attributes.status = 'FINISHED'",
    search_all_experiments=True,
)
if searches.empty:
    raise UserFacingError("There is no search yet. Type: python -m mnist_mlflow svm --trials 30")
run = searches.iloc[0].dropna()  # the newest
print(run["tags.command"])

# %% [markdown]
# ## The study
#
# A search is a study of Optuna's, in a database beside the store: whoever knows Optuna can open it. Each trial is a set
# of hyperparameters. It learns from the training images and is scored on the tuning slice, by the goal of the search. A
# trial that lags behind the others is pruned: it ends early. Of two goals the pictures show the first;
# `plots.pareto_front()` draws both.

# %%
optuna.logging.set_verbosity(optuna.logging.WARNING)
task = Task.from_command(run["tags.command"])
study = optuna.load_study(study_name=run["tags.study"], storage=studies_uri())
summary = Summary(SearchSpec(task, study.study_name, studies_uri()), read_records(study, {}))
plots, (goal, *_) = StudyPlots(study, task.search.objective), goals(task.search.objective)
complete, pruned = ([one for one in summary.records if one.state == state] for state in ("complete", "pruned"))
default = summary.default
best = Summary(summary.spec, [one for one in complete if one is not default]).best  # of the others
if not (plots.can_compare and default and best):
    raise UserFacingError("In this search too few trials are complete. Type: python -m mnist_mlflow svm --trials 30")
print(f"{len(summary.records)} trials: {len(complete)} complete, {len(pruned)} pruned; goal: {task.search.objective}")
table = summary.table(complete).sort_values(goal, ascending=goal not in MAXIMIZED)
table[["trial", *goals(task.search.objective), *plots.params]].head(5).round(4)

# %% [markdown]
# ## History
#
# Trial 0 has the defaults. Optuna's sampler (TPE) begins at random and then tries near what was good. The line is the
# best value so far. Dots are complete trials.

# %%
Image(as_png(plots.history()))

# %% [markdown]
# ## What mattered
#
# The importance of a hyperparameter is its share of what all of them together explain (PED-ANOVA, Watanabe et al.,
# 2023). Where trials were pruned, few are complete. Then all are compared by their values at the first stage, which
# every trial reached. A few dozen trials say little about small shares.

# %%
Image(as_png(plots.importances()))

# %% [markdown]
# The same values against each hyperparameter.

# %%
Image(as_png(plots.slices()))

# %% [markdown]
# ## What pruning saved
#
# Some trials are compared with those before them on their way, after 2 or 16 of 32 parts of the learning. Only the
# best of them go on.

# %%
Image(as_png(plots.intermediate_values())) if pruned else "No trial was pruned."

# %% [markdown]
# A pruned trial would have taken longer, in proportion to the parts that were left. That is an estimate: some seconds
# of a trial do not depend on its length.

# %%
spent = sum(one.seconds for one in [*complete, *pruned])
saved = sum(one.seconds * (WHOLE / one.rungs[-1][0] - 1) for one in pruned)
print(f"The trials took {spent:.0f} s. Pruning saved about {saved:.0f} s, {saved / (saved + spent):.0%} of the whole.")

# %% [markdown]
# ## What the best trial is worth
#
# The best of many trials looks better than it is: the tuning slice chose it, partly by luck. Here the best one but the
# defaults is compared with these, image by image, with 95 % intervals. If its log loss is higher, the search kept the
# defaults. Then the validation images, which chose nothing, have the word.

# %%
for name, (mean, low, high) in zip(("log loss", "accuracy"), differences(default, best), strict=True):
    print(f"{name}: {mean:+z.4f} ({low:+z.4f} to {high:+z.4f}), trial {best.number} minus trial {default.number}")

# %% [markdown]
# A run with the defaults is one of the same algorithm on the same images that searched nothing. `main` trains it, or
# the command of the search without `trials`.

# %%
conditions = [f"tags.{name} = '{run[f'tags.{name}']}'" for name in ("role", "algorithm", "dataset", "split_digest")]
conditions.append("attributes.status = 'FINISHED'")
alike = mlflow.search_runs(filter_string=" and ".join(conditions), search_all_experiments=True)


def has_defaults(command: str) -> bool:
    """True for a run with the hyperparameters of trial 0 that learned from as many images, without a search."""
    other = Task.from_command(command)
    params = resolve(get_algorithm(other.algorithm), other.hyperparameters)
    same_images = other.protocol.train_size == task.protocol.train_size
    return params == summary.spec.space.defaults and same_images and not other.searches


usual = alike[alike["tags.command"].map(has_defaults)]
rows = {"after the search": run} | ({"with the defaults": usual.iloc[0]} if len(usual) else {})
metrics = ["val_log_loss", "val_accuracy"]
pd.DataFrame({name: row[[f"metrics.{one}" for one in metrics]] for name, row in rows.items()}).T.astype(float).round(4)

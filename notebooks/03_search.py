# %% [markdown]
# # 3. A search
#
# You see how a search for hyperparameters went, trial by trial. You see which hyperparameters mattered, what pruning
# saved, and what the best trial is worth. It needs a store with a search, such as that of `mlflow run . -e mlp --env-
# manager local -P train_size=2000 -P trials=40`, which takes some minutes. The notebook itself takes 10 seconds.

# %%
import matplotlib.pyplot as plt
import mlflow
import optuna
import pandas as pd
from optuna.trial import TrialState

from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.search.pruning import WHOLE
from mnist_mlflow.search.records import read_record
from mnist_mlflow.search.summary import differences
from mnist_mlflow.tracking.store import connect, studies_uri

plt.style.use("mnist_mlflow.evaluation.style")
connect()  # the project's store, or the one that MLFLOW_TRACKING_URI names
searches = mlflow.search_runs(
    filter_string="tags.role = 'model' and params.objective = 'log_loss' and attributes.status = 'FINISHED'",
    search_all_experiments=True,
)
if searches.empty:
    raise UserFacingError("There is no search yet. Type: mlflow run . -e mlp --env-manager local -P trials=40")
run = searches.iloc[0].dropna()  # the newest
print(run["tags.command"])

# %% [markdown]
# ## The study
#
# A search is a study of Optuna's, in a database beside the store: whoever knows Optuna can open it. Each trial is a set
# of hyperparameters. It learns from the training images and is scored on the tuning slice. A trial that lags behind the
# others is pruned: it ends early.

# %%
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.load_study(study_name=run["tags.study"], storage=studies_uri())
complete, pruned = (study.get_trials(states=[state]) for state in (TrialState.COMPLETE, TrialState.PRUNED))
table = pd.DataFrame([{"trial": trial.number, "value": trial.value, **trial.params} for trial in complete])
print(f"{len(study.trials)} trials: {len(complete)} complete, {len(pruned)} pruned; value: log loss")
table.sort_values("value").head(5).round(4)

# %% [markdown]
# ## History
#
# Trial 0 has the defaults. Optuna's sampler (TPE) begins at random and then tries near what was good. The line is the
# best value so far. Crosses are pruned trials, with the value at which they ended.

# %%
axes = plt.figure(layout="constrained").subplots()
axes.plot(table["trial"], table["value"], "C0o", alpha=0.6)
axes.plot([trial.number for trial in pruned], [trial.value for trial in pruned], "x", color="grey")
axes.step(table["trial"], table["value"].cummin(), "C0", where="post")
axes.axhline(complete[0].value, color="grey", linestyle="--", linewidth=1)
axes.text(1.01, complete[0].value, "the defaults", color="grey", va="center", transform=axes.get_yaxis_transform())
axes.set(xlabel="trial", title="log loss on the tuning slice", yscale="log")
axes.yaxis.set_major_formatter("{x:g}")
axes.yaxis.set_minor_formatter("{x:g}")
plt.show()

# %% [markdown]
# ## What mattered
#
# The importance of a hyperparameter is its share of what all of them together explain (PED-ANOVA, Watanabe et al.,
# 2023). It looks at complete trials alone, and a few dozen of these say little about small shares.

# %%
shares = pd.Series(optuna.importance.get_param_importances(study)).sort_values()
axes = plt.figure(figsize=(5.5, 0.6 + 0.35 * len(shares)), layout="constrained").subplots()
axes.bar_label(axes.barh(shares.index, shares), [f"{share:.0%}" for share in shares], padding=4)
axes.set(title="Importance", xlim=(0, 1.15 * shares.max()), xticks=[])
plt.show()

# %% [markdown]
# The value of each complete trial against the two hyperparameters that mattered most. The best trial is black.

# %%
panels = plt.figure(figsize=(7, 3), layout="constrained").subplots(1, 2, sharey=True)
for axes, name in zip(panels, shares.index[::-1], strict=False):
    places = table[name] if table[name].dtype.kind in "if" else table[name].astype(str)
    axes.plot(places, table["value"], "C0o", alpha=0.6)
    axes.plot(places[table["value"].idxmin()], table["value"].min(), "ko")
    is_wide = places.dtype.kind in "if" and places.min() > 0 and places.max() / places.min() > 30
    axes.set(title=name, xscale="log" if is_wide else axes.get_xscale())
panels[0].set_ylabel("log loss")
plt.show()

# %% [markdown]
# ## What pruning saved
#
# Some trials are compared with those before them on their way, after 2 or 16 of 32 parts of the learning. Only the
# best of them go on. Lines are trials on their way. Crosses mark where one was pruned.

# %%
axes = plt.figure(layout="constrained").subplots()
for trial in pruned:
    axes.plot(*zip(*trial.intermediate_values.items(), strict=True), "x-", color="grey", linewidth=1)
for trial in complete:
    stages = {**trial.intermediate_values, WHOLE: trial.value}
    axes.plot(*zip(*stages.items(), strict=True), "C0.-", linewidth=1, alpha=0.7)
axes.set(xscale="log", yscale="log", xlabel="parts of the learning", title="log loss on the tuning slice")
reached = sorted({WHOLE, *(stage for trial in study.trials for stage in trial.intermediate_values)})
axes.set_xticks(reached, reached, minor=False)
axes.set_xticks([], minor=True)
axes.yaxis.set_major_formatter("{x:g}")
axes.yaxis.set_minor_formatter("{x:g}")
plt.show()

# %% [markdown]
# A pruned trial would have taken longer, in proportion to the parts that were left. That is an estimate: some seconds
# of a trial do not depend on its length.

# %%
seconds = {trial.number: trial.duration.total_seconds() for trial in [*complete, *pruned]}
saved = sum(seconds[trial.number] * (WHOLE / trial.last_step - 1) for trial in pruned)
spent = sum(seconds.values())
print(f"The trials took {spent:.0f} s. Pruning saved about {saved:.0f} s, {saved / (saved + spent):.0%} of the whole.")

# %% [markdown]
# ## What the best trial is worth
#
# The best of many trials looks better than it is: the tuning slice chose it, partly by luck. Here it is compared with
# the defaults, image by image, with 95 % intervals. Then the validation images, which chose nothing, have the word.

# %%
defaults, winner = complete[0], study.best_trial
pairs = differences(read_record(defaults), read_record(winner))
for name, (mean, low, high) in zip(("log loss", "accuracy"), pairs, strict=True):
    print(f"{name}: {mean:+.4f} ({low:+.4f} to {high:+.4f}), trial {winner.number} minus trial {defaults.number}")

# %%
found = run[["metrics.val_log_loss", "metrics.val_accuracy"]].rename("after the search")
tags = {name: run[f"tags.{name}"] for name in ("algorithm", "split_digest")}
same = [f"tags.{name} = '{value}'" for name, value in tags.items()]
same += ["tags.role = 'model'", "params.trials = '0'", f"params.train_size = '{run['params.train_size']}'"]
usual = mlflow.search_runs(filter_string=" and ".join(same), search_all_experiments=True)
rows = [found] if usual.empty else [found, usual.iloc[0][found.index].rename("with the defaults")]
pd.DataFrame(rows).astype(float).round(4)

# %% [markdown]
# # 2. Compare algorithms
#
# You see how seven algorithms differ on the same images: how accurate they are, what they cost, whether their
# confidence is right. You see what they confuse, where they disagree, and which differences are real. It needs a
# store with trained models: `make run`. It trains nothing and takes 10 seconds.

# %%
import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pandas as pd
from IPython.display import Image

from mnist_mlflow.data import load_dataset
from mnist_mlflow.errors import UserFacingError
from mnist_mlflow.evaluation.disagreement import only_first_right
from mnist_mlflow.evaluation.drawing import GREY, NOTICE, as_png
from mnist_mlflow.evaluation.plots import confusion_matrix
from mnist_mlflow.evaluation.significance import ALPHA, sign_test
from mnist_mlflow.reports.pairs import answer, pairs_of
from mnist_mlflow.tracking.datasets import address_of
from mnist_mlflow.tracking.sides import Side, read_side
from mnist_mlflow.tracking.store import connect

plt.style.use("mnist_mlflow.evaluation.style")
client = connect()  # the project's store, or the one that MLFLOW_TRACKING_URI names
runs = mlflow.search_runs(
    filter_string="tags.role = 'model' and attributes.status = 'FINISHED'",
    order_by=["metrics.val_accuracy DESC"],
    search_all_experiments=True,
)
if runs.empty:
    raise UserFacingError("No model is trained yet. Type in the project's folder: make run")

# %% [markdown]
# ## The runs
#
# Two models can be compared if they are scored on the same images: then they share the tag `split_digest`. Of each
# algorithm the most accurate run takes part. All figures are those of the validation images, which taught no model.

# %%
split = runs.loc[runs["start_time"].idxmax(), "tags.split_digest"]  # of the newest run
best = runs[runs["tags.split_digest"] == split].drop_duplicates("tags.algorithm")
metrics = ["val_accuracy", "val_log_loss", "val_ece", "fit_seconds", "predict_ms_per_image", "model_mb"]
if len(best) == 1:
    raise UserFacingError("Only one algorithm is trained on these images. Type in the project's folder: make run")
table = best.set_index("tags.algorithm")[[f"metrics.{metric}" for metric in metrics]]
table.rename_axis("algorithm").set_axis(metrics, axis="columns").round(4)

# %% [markdown]
# Each run keeps the probabilities that its model gave each validation image. All that follows is made of them.

# %%
sides = [read_side(Side(run_id, (client.get_run(run_id),))) for run_id in best["run_id"]]
answers = {side.algorithm: side.answers for side in sides if side.answers}
tags, params = (getattr(sides[0].runs[0].data, kind) for kind in ("tags", "params"))
validation = load_dataset(address_of(tags), int(params["split_seed"])).validation
print(f"{len(answers)} models, {len(validation):,} validation images of {tags['dataset']}")

# %% [markdown]
# ## Accuracy
#
# A point is the share of images that a model reads right. The line is its 95 % interval (Wilson's): the accuracy on
# all images of this kind is likely within it. Few images make long lines.

# %%
rows = -np.arange(len(answers))  # the first on top


def panel(axes: plt.Axes, title: str) -> None:
    """Name the algorithms of the rows."""
    axes.set(title=title, yticks=rows, yticklabels=answers, ylim=(rows[-1] - 0.6, 0.6))


axes = plt.figure(figsize=(5.5, 2.9), layout="constrained").subplots()
for row, one in zip(rows, answers.values(), strict=True):
    axes.plot(100 * np.array(one.interval), (row, row), "C0", alpha=0.4, linewidth=4)
    axes.plot(100 * one.correct.mean(), row, "C0o")
panel(axes, f"Accuracy on {len(validation):,} validation images, %")
plt.show()

# %% [markdown]
# ## Cost
#
# The scales are logarithmic: each stretch of the same length multiplies the cost by the same factor.

# %%
costs = {"fit_seconds": "seconds to learn", "predict_ms_per_image": "ms/image", "model_mb": "megabytes"}
panels = plt.figure(figsize=(7, 2.9), layout="constrained").subplots(1, 3, sharey=True)
for axes, (metric, title) in zip(panels, costs.items(), strict=True):
    values = best[f"metrics.{metric}"]
    axes.hlines(rows, values.min() / 3, values, "C0", alpha=0.3)
    axes.plot(values, rows, "C0o")
    for row, value in zip(rows, values, strict=True):
        axes.annotate(f"{value:.3g}", (value, row), (6, 0), textcoords="offset points", va="center")
    axes.set(xscale="log", xlim=(values.min() / 3, values.max() * 8), xticks=[])
    axes.minorticks_off()
    panel(axes, title)
plt.show()

# %% [markdown]
# ## Calibration
#
# A calibrated model that is 90 % confident is right nine times in ten. So its mean confidence is its accuracy. Where
# the ring (confidence) lies left of the point (accuracy), the model is not confident enough. To the right, it is too
# confident. The calibration error (`ece`) also counts gaps that cancel each other.

# %%
axes = plt.figure(figsize=(5.5, 2.9), layout="constrained").subplots()
for row, one, ece in zip(rows, answers.values(), best["metrics.val_ece"], strict=True):
    accuracy, confidence = 100 * one.correct.mean(), 100 * one.confidence.mean()
    axes.plot((accuracy, confidence), (row, row), "C0", alpha=0.5)
    axes.plot(accuracy, row, "C0o")
    axes.plot(confidence, row, "C0o", markerfacecolor="white")
    axes.annotate(f"ece {ece:.4f}", (max(accuracy, confidence), row), (9, 0), textcoords="offset points", va="center")
axes.margins(x=0.2)
panel(axes, "Accuracy (point) and mean confidence (ring), %")
plt.show()

# %% [markdown]
# ## Confusions
#
# How often all models together read images with a label (row) as a digit (column). Colour shows mistakes alone.

# %%
labels = np.tile(validation.labels, len(answers))
probabilities = np.concatenate([one.probabilities[0] for one in answers.values()])
Image(
    as_png(confusion_matrix(labels, probabilities, f"{len(answers)} models together, {len(validation):,} images each"))
)

# %% [markdown]
# ## Where they disagree
#
# All models read some images wrong: these are hard, or have a wrong label. Others divide the models. Here are those
# that divide them most, with what every model makes of them, wrong answers in bold.

# %%
wrong = np.array([~one.correct[0] for one in answers.values()])
times = wrong.sum(axis=0)
print(f"Read wrong by some model: {(times > 0).sum()} images; by all of them: {(times == len(answers)).sum()}")

# %%
dividing = ((times > 0) & (times < len(answers))).sum()
shown = np.argsort(abs(times - len(answers) / 2), kind="stable")[: max(1, min(14, dividing))]
axes = plt.figure(figsize=(7, 3), layout="constrained").subplots()
axes.imshow(255 - np.hstack(validation.images[shown]), cmap="gray", vmin=0, vmax=255)
heights = 36 + 13 * np.arange(len(answers))
for height, one, errs in zip(heights, answers.values(), wrong[:, shown], strict=True):
    for column, (digit, is_wrong) in enumerate(zip(one.digits[shown], errs, strict=True)):
        look = {"color": NOTICE, "weight": "bold"} if is_wrong else {"color": GREY}
        axes.text(28 * column + 14, height, digit, ha="center", va="center", **look)
axes.set(
    ylim=(heights[-1] + 8, 0), yticks=heights, yticklabels=answers, title="What each model reads; below, the label"
)
axes.set(xticks=28 * np.arange(len(shown)) + 14, xticklabels=validation.labels[shown])
axes.grid(visible=False)
plt.show()

# %% [markdown]
# ## Which differences are real
#
# Two models are compared on the images that only one of them reads right. The rest say nothing about who is better.
# Each row counts the images that its model reads right and the model of the column does not.

# %%
counts = [[only_first_right(one.correct, other.correct) for other in answers.values()] for one in answers.values()]
pd.DataFrame(counts, list(answers), list(answers)).astype(int)

# %% [markdown]
# McNemar's exact test says how often two equally good models differ by as much. If only one model ever wins, it takes
# this many images until p falls below 0.05:

# %%
pd.Series({f"{images} to 0": sign_test(0, images) for images in range(1, 9)}, name="p").to_frame().T.round(3)

# %% [markdown]
# The project's verdict on the most accurate model against each other one. Holm's correction makes up for the number of
# comparisons.

# %%
pairs = pairs_of(sides)
print(*answer(pairs, []), sep="\n")
real = sum(pair.disagreement.p_corrected < ALPHA for pair in pairs)
print(f"\nOf {len(pairs)} pairs of models, {real} can be told apart.")

# %% [markdown]
# The next step on a terminal: `python -m mnist_mlflow compare --runs champion,RUN` writes a page with all of it. It
# also shows what made the two models differ. `select` uses the same test before it crowns a champion.

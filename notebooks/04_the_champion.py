# %% [markdown]
# # 4. The champion
#
# You see the model that selection chose: what it answers, where it looks, its worst mistakes, whether its confidence
# is right. You see what corrupted and foreign pictures do to it. It needs a store with a champion: `make run`. It
# takes 30 seconds.

# %%
import cv2
import matplotlib.pyplot as plt
import mlflow
import numpy as np
from IPython.display import Image

import mnist_mlflow
from mnist_mlflow.data import load_dataset
from mnist_mlflow.evaluation.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from mnist_mlflow.evaluation.drawing import as_png
from mnist_mlflow.evaluation.plots import mistakes, reliability_diagram, sheet
from mnist_mlflow.evaluation.robustness import as_metrics, by_corruption, score_answers
from mnist_mlflow.evaluation.robustness_plots import draw_accuracies, draw_samples
from mnist_mlflow.tracking.datasets import address_of
from mnist_mlflow.types import PROBABILITY_COLUMNS

plt.style.use("mnist_mlflow.evaluation.style")
reader = mnist_mlflow.load("champion")  # from the project's store, or the one that MLFLOW_TRACKING_URI names
run = mlflow.get_run(reader.pyfunc.metadata.run_id).data
name = f"{run.tags['algorithm']} on {run.tags['dataset']}"
print(f"{reader.name}: {name}, validation accuracy {run.metrics['val_accuracy']:.2%}")

# %% [markdown]
# ## What it answers
#
# The model takes raw images and returns a row for each: the digit, its confidence, and all ten probabilities. It also
# says whether the answer is `sure`, and if not, `why`. The validation images taught it nothing. Where only MLflow is
# installed, `mlflow.pyfunc.load_model("models:/mnist-digits@champion")` loads the same model.

# %%
validation = load_dataset(address_of(run.tags), int(run.params["split_seed"])).validation
answers = reader.predict(validation.images)
answers.head(4).round(3)

# %% [markdown]
# The images that it is least confident of, with its two best answers. Would you have read them?

# %%
about = f"{name}, {len(validation):,} validation images"
doubtful = answers.nsmallest(16, "confidence")
captions = [f"{row.digit}, {row.confidence:.0%}\nor {row.second}" for row in doubtful.itertuples()]
Image(as_png(sheet(validation.images[doubtful.index], captions, "The least confident answers", about)))

# %% [markdown]
# ## Where it looks
#
# Occlusion is the plainest explanation: cover a part of the image and ask again, without cleaning it first. Orange is
# where the answer loses probability when a square of 6 x 6 pixels around that place is black. There lies what the
# answer rests on. Above each image is the most that it loses. (Zeiler and Fergus, *Visualizing and understanding
# convolutional networks*, 2014.)

# %%
places = [(top, left) for top in range(0, 24, 2) for left in range(0, 24, 2)]


def occlusion(image: np.ndarray, digit: int) -> np.ndarray:
    """The probability that a digit loses where a square of the image is covered, (12, 12)."""
    covered = np.repeat(image[None], len(places), axis=0)
    for one, (top, left) in zip(covered, places, strict=True):
        one[top : top + 6, left : left + 6] = 0
    before, after = (reader.digits.predict_proba(images)[:, digit] for images in (image[None], covered))
    return (before - after).reshape(12, 12)


chosen = [np.flatnonzero(validation.labels == digit)[0] for digit in range(10)]
panels = plt.figure(figsize=(7, 3), layout="constrained").subplots(2, 5)
for axes, image, digit in zip(panels.flat, validation.images[chosen], answers["digit"][chosen], strict=True):
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=500)
    lost = occlusion(image, digit)
    axes.imshow(lost, cmap="Oranges", alpha=np.clip(2 * lost, 0, 0.8), vmin=0, vmax=1, extent=(2, 26, 26, 2))
    axes.axis("off")
    axes.set_title(f"{digit}: up to {lost.max():.0%}", loc="center")
plt.show()

# %% [markdown]
# ## The worst mistakes
#
# The wrong answers that gave the label the least probability. Some of these labels are doubtful themselves.

# %%
probabilities = answers[PROBABILITY_COLUMNS].to_numpy()
Image(as_png(mistakes(validation.images, validation.labels, probabilities, about)))

# %% [markdown]
# ## Reliability
#
# Of the answers that are 90 % confident, nine in ten should be right: then the points lie on the diagonal. Nearly all
# answers are at the right end, so the points on the left rest on few images.

# %%
Image(as_png(reliability_diagram(validation.labels, probabilities, about)))

# %% [markdown]
# ## Corrupted pictures
#
# Pens, papers and cameras change digits. These are twenty ways, each at three strengths.

# %%
Image(as_png(draw_samples(validation.images[chosen[5]], f"a 5 of {run.tags['dataset']}")))

# %% [markdown]
# And this is how many of 50 corrupted images the model reads right, in %. It has never seen most of these changes.
# `python -m mnist_mlflow evaluate --corruptions 1` does the same with 1,000 of them, and keeps it.

# %%
images, labels = validation.images[:50], validation.labels[:50]
scores = []
for corruption in CORRUPTIONS:
    for strength in STRENGTHS:
        read = reader.predict(corrupt(images, corruption, strength))
        sure = read["sure"].to_numpy()
        scores.append(score_answers(corruption, strength, labels, read["digit"].to_numpy(), sure))
Image(as_png(draw_accuracies(by_corruption(as_metrics(scores)), f"{name}, 50 validation images")))

# %% [markdown]
# ## Foreign pictures
#
# What is no digit should get no answer. A model that must choose among ten digits finds one in a letter too, often with
# confidence. So this one has learned to doubt: it says that it is not sure, and `why`. That is no guarantee: look which
# of these pictures it takes for a digit all the same.

# %%
letters = [cv2.putText(np.zeros((60, 60), np.uint8), sign, (10, 48), 0, 1.7, 255, 5) for sign in "AKX?&"]
circle = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 20, 255, -1)
noise = np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)
two = np.hstack(validation.images[chosen[1:3]])
foreign = [*letters, circle, noise, two]
read = reader.predict(foreign)
panels = plt.figure(figsize=(7, 1.4), layout="constrained").subplots(1, len(foreign))
for axes, picture, row in zip(panels, foreign, read.itertuples(), strict=True):
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
    axes.set_title(f"{row.digit}, {row.confidence:.0%}\n{'sure' if row.sure else row.why}", loc="center")
    axes.axis("off")
plt.show()

# %% [markdown]
# How often is a sure answer wrong, and how often is it sure at all? Here are the figures of the validation images. The
# report and the model's card have them too, for several values of `max_error`.

# %%
sure = answers["sure"].to_numpy()
wrong = answers["digit"].to_numpy() != validation.labels
print(f"{sure.sum():,} of {len(sure):,} answers are sure, and {(sure & wrong).sum()} of these are wrong;")
print(f"of the {(~sure).sum():,} others {(~sure & wrong).sum()} are wrong.")

# %% [markdown]
# # 5. Your own digits
#
# You see how a photo is read: how digits are found on it, and what the model sees of each. Then an examination on
# your own pictures tells whether you can rely on it. It needs a store with a champion: `make run`. It takes 10
# seconds. The photo is made here, of digits that the model has not learned from. Set `photo` to the path of
# your own, and read that.

# %%
import tempfile
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image

import mnist_mlflow
from mnist_mlflow.data import load_dataset, open_source
from mnist_mlflow.data.pages.files import open_pages
from mnist_mlflow.data.pages.finding import find_digits
from mnist_mlflow.evaluation.examination import count_confusions, list_readings, score_readings, worst_readings
from mnist_mlflow.reports.framed import framed
from mnist_mlflow.reports.readings import page_table, row_texts
from mnist_mlflow.types import silent

plt.style.use("mnist_mlflow.evaluation.style")
reader = mnist_mlflow.load("champion")  # from the project's store, or the one that MLFLOW_TRACKING_URI names
print(reader.name)

# %% [markdown]
# ## A photo
#
# Two rows of digits in ballpoint, a lamp on the left, and the grain of a cheap camera.

# %%
written = load_dataset("digits").validation
random = np.random.default_rng(0)


def photographed(strength: np.ndarray) -> np.ndarray:
    """A photo of ink (0 to 255) on paper: darker to the right, with grain."""
    light = np.linspace(230, 140, strength.shape[1])
    return np.clip(light * (1 - 0.75 * strength / 255) + random.normal(0, 2, strength.shape), 0, 255).astype(np.uint8)


def enlarged(image: np.ndarray) -> np.ndarray:
    """An image of a digit with smooth strokes, twice as large."""
    large = cv2.resize(image, (56, 56), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(np.where(large > 110, 255, 0).astype(np.uint8), (0, 0), 0.8)


rows = ["31415 926", "27182 818"]
strength = np.zeros((210, 620), np.uint8)
for line, row in enumerate(rows):
    for place, sign in enumerate(row.replace(" ", "_")):
        if sign != "_":
            image = written.images[written.labels == int(sign)][place]
            top, left = 30 + 90 * line + int(random.integers(-4, 5)), 25 + 64 * place
            strength[top : top + 56, left : left + 56] = enlarged(image)
folder = Path(tempfile.mkdtemp())
photo = folder / "photo.png"
cv2.imwrite(str(photo), photographed(strength))
Image(str(photo))

# %% [markdown]
# ## What is read
#
# The page is searched for ink, each digit is cut out, and the model reads them. Frames show where they are. An answer
# that is not sure has a broken orange frame and a question mark. `mnist_mlflow.read("photo.jpg")` does all of this, and
# keeps it as a run. So does `python -m mnist_mlflow read --pictures photo.jpg` on a terminal.

# %%
page = next(open_pages(str(photo)))
places = find_digits(page.picture)
readings = reader.digits.read([place.picture for place in places])
table = page_table(page, places, readings)
Image(framed(page.picture, places, readings, "photo.png", row_texts(table)))

# %%
table[["row", "column", "digit", "confidence", "sure", "why", "second"]].head(8).round(3)

# %% [markdown]
# ## What the model sees
#
# The model has learned from images like MNIST's: one digit in the middle, bright on black, 28 x 28 pixels. So each
# cut-out becomes such an image first. Light, paper and grain are divided out. If an answer is odd, look here: mostly
# the image is odd already.

# %%
panels = plt.figure(figsize=(7, 2.3), layout="constrained").subplots(2, 8)
for column, (above, below) in enumerate(panels.T):
    above.imshow(places[column].picture, cmap="gray", vmin=0, vmax=255)
    below.imshow(readings.images[column], cmap="gray", vmin=0, vmax=255)
    above.axis("off")
    below.axis("off")
plt.show()

# %% [markdown]
# ## An examination
#
# How well does the model read *your* pictures? Sort some into folders named 0 to 9, and count. Here are ten photos of
# each digit. Each becomes what the model sees when the folder is opened.

# %%
for digit in range(10):
    (folder / "mine" / str(digit)).mkdir(parents=True)
    for number, image in enumerate(written.images[written.labels == digit][9:19]):
        large = np.pad(enlarged(image), 25)
        cv2.imwrite(str(folder / "mine" / str(digit) / f"{number}.png"), photographed(large))
source = open_source(str(folder / "mine"), silent)
mine = source.whole
print(f"{len(mine)} pictures, {len(source.skipped)} left out")

# %% [markdown]
# Accuracy, coverage (the share of sure answers) and selective error (the share of wrong ones among these), each with
# its 95 % interval. With 100 pictures the intervals are wide: only more pictures make them narrow.

# %%
answers = reader.predict(mine.images)
metrics = score_readings(mine.labels, answers)
shares = {
    name: metrics[f"own_{name}"] for name in ("accuracy", "coverage", "selective_error") if f"own_{name}" in metrics
}
bounds = {name: [metrics[f"own_{name}_{end}"] for end in ("low", "high")] for name in shares}
pd.DataFrame({name: [share, *bounds[name]] for name, share in shares.items()}, ["share", "low", "high"]).T.round(3)

# %% [markdown]
# Which pictures were misread, and which digits as which:

# %%
listed = list_readings(source.files, mine.labels, answers)
for label, digit, count in count_confusions(listed):
    print(f"{label} read as {digit}: {count}")
worst_readings(listed).head().round(3)

# %% [markdown]
# The next step: `mnist_mlflow.evaluate(data=FOLDER)`, or `python -m mnist_mlflow evaluate --data FOLDER` on a terminal,
# keeps such an examination as a run.
# `python -m mnist_mlflow knn --data mnist+FOLDER` learns from your pictures too.

# %% [markdown]
# # 1. The data
#
# You see what the models learn from: the images, what varies in them, and which digits look alike. You see which
# labels are doubtful, and what deskewing and HOG do. It needs neither a store nor a network, and takes 20 seconds.
# The 1,797 digits come with scikit-learn. With `data = "mnist"` the same cells show MNIST, where MNIST can be had.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from mnist_mlflow.data import load_dataset
from mnist_mlflow.data.label_errors import CORRECTED
from mnist_mlflow.evaluation.drawing import COLOURS
from mnist_mlflow.model.features import FEATURES, deskew, hog

plt.style.use("mnist_mlflow.evaluation.style")
data = "digits"
dataset = load_dataset(data)

# %% [markdown]
# ## Four parts, four jobs
#
# One part teaches. The tuning slice scores trials, stops training early and calibrates. The validation images rank the
# finished models. The test images decide nothing, so this notebook counts them and leaves them shut. All parts are
# stratified: each digit has the same share of every part.

# %%
parts = {name: getattr(dataset, name) for name in ("train", "tuning", "validation", "test")}
pd.DataFrame({name: [*np.bincount(part.labels), len(part)] for name, part in parts.items()}, [*range(10), "all"]).T

# %% [markdown]
# ## The images
#
# Each has 28 x 28 pixels from 0 to 255, bright ink on a dark ground. Here they are shown as on paper. All that follows
# looks at 1,000 of the images that teach.

# %%
images, labels = dataset.train.images[:1000], dataset.train.labels[:1000]
print(images.shape, images.dtype)


# %%
def show(images: np.ndarray, columns: int, captions: tuple[str, ...] = ()) -> None:
    """Show images (n, 28, 28) in rows, dark ink on white, with a caption above each."""
    rows, gap = len(images) // columns, 12 if captions else 0
    tiles = np.pad(images, ((0, 0), (gap, 0), (0, 0))).reshape(rows, columns, 28 + gap, 28).swapaxes(1, 2)
    height = 7 / columns * rows * (28 + gap) / 28
    axes = plt.figure(figsize=(7, height), layout="constrained").subplots()
    axes.imshow(255 - tiles.reshape(rows * (28 + gap), columns * 28), cmap="gray", vmin=0, vmax=255)
    for place, caption in enumerate(captions):
        axes.text(place % columns * 28 + 14, place // columns * 40 + 8, caption, ha="center")
    axes.axis("off")
    plt.show()


show(np.concatenate([images[labels == digit][:20] for digit in range(10)]), columns=20)

# %% [markdown]
# ## What varies
#
# Above the mean of each digit, below how much its pixels differ from writer to writer. A mean with sharp strokes is a
# digit that all write alike, as the 0. Dark places below are where writers part: the foot of the 1, the bar of the 7.

# %%
means = [images[labels == digit].mean(axis=0) for digit in range(10)]
spreads = [images[labels == digit].std(axis=0) for digit in range(10)]
show(np.array([*means, *np.array(spreads) * (255 / np.max(spreads))]), columns=10)

# %% [markdown]
# ## Neighbours
#
# Each row starts with an image. Beside it are the seven that are nearest to it in pixels. The upper two rows are the
# usual case. In the lower two the nearest image shows another digit: there a nearest neighbour errs.

# %%
pixels = FEATURES["pixels"](images)
nearest = NearestNeighbors(n_neighbors=7).fit(pixels).kneighbors(return_distance=False)
errs = labels[nearest[:, 0]] != labels
chosen = [*np.flatnonzero(~errs)[:2], *np.flatnonzero(errs)[:2]]
rows = np.array([[row, *nearest[row]] for row in chosen]).ravel()
show(images[rows], 8, tuple(f"{'' if place % 8 else 'this: '}{labels[row]}" for place, row in enumerate(rows)))

# %% [markdown]
# ## A map of the digits
#
# An image is a point in 784 dimensions. Principal components (PCA) are the directions in which the images vary most.
# t-SNE keeps neighbours together, and nothing else: the sizes of its islands and the gaps between them mean nothing.
# A digit on a foreign island is hard to read, or has a wrong label.

# %%
pca = PCA(30, random_state=0)
components = pca.fit_transform(pixels)
maps = {
    f"The first two components, {pca.explained_variance_ratio_[:2].sum():.0%} of the variance": components[:, :2],
    "t-SNE of the first 30 components": TSNE(random_state=0).fit_transform(components),
}
for title, points in maps.items():
    axes = plt.figure(figsize=(5.5, 4.6), layout="constrained").subplots()
    for digit, colour in enumerate((0, 0, 1, 2, 2, 3, 1, 4, 5, 6)):  # digits that look alike have different ones
        shown = points[labels == digit]
        axes.scatter(*shown.T, s=20, marker=f"${digit}$", color=COLOURS[colour], linewidths=0)
    axes.set_title(title)
    axes.axis("off")
plt.show()

# %% [markdown]
# ## Wrong labels
#
# Each image takes a vote of its ten nearest neighbours in HOG (see below). Where they outvote its label, the writer is
# odd or the label is wrong. Look and decide.

# %%
features = hog(images)
votes = labels[NearestNeighbors(n_neighbors=10).fit(features).kneighbors(return_distance=False)]
winners = np.array([np.bincount(vote).argmax() for vote in votes])
outvoted = np.flatnonzero(winners != labels)[:8]
show(images[outvoted], len(outvoted), tuple(f"{labels[row]}, or {winners[row]}?" for row in outvoted))

# %% [markdown]
# Of MNIST's test images, five people looked at each doubtful label (Northcutt et al., 2021). Ten labels lost the vote,
# so a perfect reader scores less than 100 %. Selection and `evaluate` tell the accuracy with the right labels too.

# %%
pd.DataFrame(CORRECTED, index=["label", "most people see"]).T.rename_axis("test image").T

# %% [markdown]
# ## Deskewing
#
# Writing leans. Deskewing shears each digit upright, centres it and brings it to a usual size. Above are the twelve
# images that it changes most, below what it makes of them.

# %%
upright = deskew(images)
most = np.argsort(-np.abs(images.astype(int) - upright).sum(axis=(1, 2)))[:12]
show(np.concatenate([images[most], upright[most]]), columns=12)

# %% [markdown]
# ## Histograms of oriented gradients (HOG)
#
# HOG divides the deskewed image into 4 x 4 cells. In each it adds up how strongly, and in which of 12 directions, the
# picture brightens. The lines lead from the middle of a cell towards ink. What remains is where strokes run and which
# way, not which pixels they cover.

# %%
corners = hog(images[:4]).reshape(-1, 3, 3, 2, 2, 12)[:, ::2, ::2]  # of 3 x 3 blocks that overlap; columns come first
angles = np.radians(np.arange(15, 360, 30))
panels = plt.figure(figsize=(7, 1.9), layout="constrained").subplots(1, 4)
for axes, image, blocks in zip(panels, upright, corners, strict=False):
    axes.imshow(255 - image, cmap="gray", vmin=-400, vmax=255)
    for (column, row, right, down), cell in zip(np.ndindex(2, 2, 2, 2), blocks.reshape(-1, 12), strict=True):
        x, y = 14 * column + 7 * right + 3, 14 * row + 7 * down + 3
        lengths = 9 * cell**2  # HOG ends with a square root, which makes weak directions visible
        axes.plot(
            [x + 0 * cell, x + lengths * np.cos(angles)], [y + 0 * cell, y + lengths * np.sin(angles)], "C0", lw=1
        )
        axes.plot(x, y, "C0o", markersize=2)
    axes.axis("off")
plt.show()

# %% [markdown]
# What is that worth? Here each image takes the label of its nearest neighbour: in pixels, in deskewed pixels, in HOG.

# %%
for kind, extract in FEATURES.items():
    neighbours = NearestNeighbors(n_neighbors=1).fit(extract(images)).kneighbors(return_distance=False)[:, 0]
    print(f"{kind:9} {(labels[neighbours] != labels).sum():3} of {len(labels):,} images read wrong")

"""Convolutional network: "Simple MNIST convnet" of the Keras documentation (keras.io/examples/vision/mnist_convnet).

The documentation puts a tenth of the images aside to be watched. This program learns from all, as the other peers do.
"""

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from benchmarks.peers.common import pixels


def build() -> keras.Model:
    """A network that has not learned yet."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> keras.Model:
    """A network that has learned."""
    model = build()
    x, y = pixels(images).reshape(-1, 28, 28, 1), keras.utils.to_categorical(labels, 10)
    model.fit(x, y, batch_size=128, epochs=15, verbose=2)
    return model


def predict(model: keras.Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Its labels (n,)."""
    return model.predict(pixels(images).reshape(-1, 28, 28, 1), verbose=0).argmax(axis=1)

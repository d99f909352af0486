"""Multilayer perceptron on pixels, as the Keras examples have it: two wide layers, each followed by dropout."""

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from benchmarks.peers.common import pixels


def build() -> keras.Model:
    """A network that has not learned yet."""
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    return model


def fit(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> keras.Model:
    """A network that has learned."""
    model = build()
    model.fit(pixels(images), labels, batch_size=128, epochs=20, verbose=2)
    return model


def predict(model: keras.Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Its labels (n,)."""
    return model.predict(pixels(images), verbose=0).argmax(axis=1)

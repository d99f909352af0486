import numpy as np
import pytest

from mnist_mlflow.model.geometry import centre_by_mass


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (8, 8), (60, 60)])
def test_ink_is_scaled_into_the_box_and_centred(shape: tuple[int, int]) -> None:
    canvas = np.zeros((80, 80), np.uint8)
    canvas[3 : 3 + shape[0], 7 : 7 + shape[1]] = 255
    image = centre_by_mass(canvas)
    rows, columns = np.flatnonzero((image > 127).any(axis=1)), np.flatnonzero((image > 127).any(axis=0))
    assert max(len(rows), len(columns)) == 20
    assert (rows[0] + rows[-1], columns[0] + columns[-1]) == (27, 27)


def test_an_image_without_ink_stays_blank() -> None:
    assert not centre_by_mass(np.zeros((28, 28), np.uint8)).any()

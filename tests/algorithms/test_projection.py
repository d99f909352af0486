import numpy as np
import pytest

from mnist_mlflow.algorithms._graphs.building import GraphBuilder
from mnist_mlflow.algorithms._projection import add_projection, as_rotation, project

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 12)).astype(np.float32)


@pytest.mark.parametrize("whiten", [False, True])
def test_a_rotation_is_that_of_scikit_learn(whiten: bool) -> None:
    from sklearn.decomposition import PCA

    pca = PCA(7, whiten=whiten, svd_solver="covariance_eigh").fit(ROWS)
    assert np.array_equal(as_rotation(pca)(ROWS), pca.transform(ROWS))


def test_a_graph_rotates_as_the_algorithm_that_learned_does() -> None:
    from sklearn.decomposition import PCA

    first = as_rotation(PCA(10, svd_solver="covariance_eigh").fit(ROWS))
    second = as_rotation(PCA(10, whiten=True, svd_solver="covariance_eigh").fit(first(ROWS)))
    builder = GraphBuilder()
    graph = builder.finish(add_projection(builder, (first, second)), 12)
    assert np.allclose(graph.score(ROWS), project((first, second), ROWS), atol=1e-5)

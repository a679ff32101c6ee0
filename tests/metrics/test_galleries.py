"""Retrieval by embeddings: blocks give the whole matrix's ranks, equal vectors tie, chance is that of random orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.metrics import (chance_scores, dot_products, embedding_standing, mean_rank, median_rank, ranks,
                            recall_at_k, retrieval_scores, standing, target_ranks)


@st.composite
def galleries(draw):
    """Embeddings of queries and of candidates among which some are equal, and targets."""
    N, M, D = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x, y = rng.normal(size=(N, D)).astype(dtype), rng.normal(size=(M, D)).astype(dtype)[rng.integers(M, size=M)]
    positive = rng.random((N, M)) < 0.3
    positive[np.arange(N), rng.integers(M, size=N)] = True
    return x, y, positive


@given(galleries(), st.integers(1, 12), st.sampled_from(["against", "expected"]))
def test_blocks_give_what_the_whole_matrix_gives(gallery, block, ties):
    x, y, positive = gallery
    similarity = dot_products(x, y)
    np.testing.assert_array_equal(ranks(x, y, positive, ties, block), target_ranks(similarity, positive, ties))
    scores = retrieval_scores(embedding_standing(x, y, positive, block), ties)
    assert scores == {**{f"recall_at_{k}": recall_at_k(similarity, k, positive, ties) for k in (1, 5, 10)},
                      "median_rank": median_rank(similarity, positive, ties),
                      "mean_rank": mean_rank(similarity, positive, ties)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("D", [3, 64, 200])
def test_equal_vectors_have_equal_products_wherever_they_stand(D, dtype, rng):
    """A plain product of this size does not keep that: the order in which it adds up depends on the place."""
    few = rng.normal(size=(5, D)).astype(dtype)
    which_x, which_y = rng.integers(5, size=300), rng.integers(5, size=611)
    found = dot_products(few[which_x], few[which_y])
    np.testing.assert_array_equal(found, dot_products(few, few)[which_x[:, None], which_y])
    np.testing.assert_allclose(found, few[which_x] @ few[which_y].T, rtol=1e-4, atol=1e-4)
    for block in (1, 7, 256, 299):
        parts = [dot_products(few[which_x][i:i + block], few[which_y]) for i in range(0, 300, block)]
        np.testing.assert_array_equal(np.concatenate(parts), found)


def test_several_captions_to_an_image_and_back(rng):
    """Three images, two captions each, the second caption of image 0 being one of image 2's too."""
    images, captions = np.eye(3), np.eye(3)[[0, 2, 1, 1, 2, 2]] + 0.01 * rng.normal(size=(6, 3))
    captions[1] = captions[4] = [0, 0, 1]
    belongs = np.repeat(np.eye(3, dtype=bool), 2, axis=1)                       # (images, captions)
    belongs[2, 1] = belongs[0, 4] = True
    assert ranks(images, captions, belongs).tolist() == [1, 1, 1]
    assert ranks(captions, images, belongs.T).tolist() == [1, 1, 1, 1, 1, 1]
    assert ranks(captions, images, np.repeat(np.arange(3), 2)).tolist() == [1, 3, 1, 1, 1, 1]


@given(st.integers(1, 6), st.integers(1, 12), st.integers(0, 99))
def test_chance_is_a_gallery_without_order(N, M, seed):
    rng = np.random.default_rng(seed)
    positive = rng.random((N, M)) < 0.3
    positive[np.arange(N), rng.integers(M, size=N)] = True
    assert chance_scores((N, M), positive) == retrieval_scores(standing(np.zeros((N, M)), positive), "expected")


def test_chance_on_paper_and_by_drawing(rng):
    scores = chance_scores((200, 200))
    assert scores == pytest.approx({"recall_at_1": 1 / 200, "recall_at_5": 5 / 200, "recall_at_10": 10 / 200,
                                    "median_rank": 100.5, "mean_rank": 100.5}, rel=1e-12)
    five = np.repeat(np.eye(40, dtype=bool), 5, axis=1)
    scores = chance_scores((40, 200), five)
    assert scores["recall_at_1"] == pytest.approx(5 / 200) and scores["mean_rank"] == pytest.approx(201 / 6)
    drawn = [retrieval_scores(standing(rng.random((40, 200)), five)) for _ in range(300)]
    for name, exact in scores.items():
        values = np.array([d[name] for d in drawn])
        if name != "median_rank":           # of 40 queries it is biased by the finite number; the others are means
            assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(300), name
    assert np.mean([d["median_rank"] for d in drawn]) == pytest.approx(scores["median_rank"], rel=0.1)


@pytest.mark.parametrize("x, y, message", [
    ([[np.nan, 1.0]], [[1.0, 1.0]], "x is float64 with 1 that are not finite"),
    ([[1.0, 1.0]], [[np.inf, 1.0]], "y is float64 with 1 that are not finite"),
    ([[1, 2]], [[1.0, 1.0]], "x is int64"), ([[1.0]], [[1.0, 1.0]], r"none empty; got \(1, 1\) and \(1, 2\)"),
    (np.ones((2, 3)), np.ones((0, 3)), "none empty"), (np.ones(3), np.ones((1, 3)), "none empty"),
])
def test_refusals(x, y, message):
    for f in (dot_products, embedding_standing, ranks):
        with pytest.raises(ValueError, match=f"ranks: .*{message}"):
            f(x, y)


def test_refusals_of_blocks_and_targets():
    with pytest.raises(ValueError, match="block must be at least 1; got 0"):
        ranks(np.eye(2), np.eye(2), block=0)
    with pytest.raises(ValueError, match=r"without targets similarity must be square; got \(2, 3\)"):
        chance_scores((2, 3))
    with pytest.raises(ValueError, match="every query needs a true candidate"):
        ranks(np.eye(2), np.eye(2), np.array([[True, False], [False, False]]))

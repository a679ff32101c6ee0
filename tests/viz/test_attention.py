"""Attention figures show distributions and refuse anything else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as reference_entropy

from tinymm.viz.attention import attention_legend, attention_tiles, check_maps, entropy


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_entropy_is_that_of_scipy(height, width, seed):
    weights = np.random.default_rng(seed).dirichlet(np.full(height * width, 0.3)).reshape(height, width)
    assert entropy(weights) == pytest.approx(reference_entropy(weights.ravel(), base=2), abs=1e-9)
    assert 0 <= entropy(weights) <= np.log2(height * width) + 1e-9


def test_float32_weights_of_a_softmax_pass():
    logits = np.random.default_rng(0).normal(size=(3, 49)).astype(np.float32) * 5
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert check_maps(["a", "b", "c"], weights.reshape(3, 7, 7)).dtype == np.float64


@pytest.mark.parametrize(
    ("words", "maps"),
    [(["a"], np.full((2, 2, 2), 0.25)), (["a"], np.full((2, 2), 0.25)), ([], np.zeros((0, 2, 2))),
     (["a"], np.full((1, 2, 2), 1.0)), (["a"], np.array([[[1.5, -0.5]]])), (["a"], np.full((1, 1, 1), np.nan))],
)  # fmt: skip
def test_what_is_no_distribution_is_refused(words, maps):
    with pytest.raises(ValueError, match="attention"):
        check_maps(words, maps)


def test_one_tile_for_the_image_and_one_per_word():
    pytest.importorskip("PIL")
    tiles = attention_tiles(np.zeros((3, 8, 8)), ["<eos>", "red"], np.full((2, 2, 4), 1 / 8))
    assert len(tiles) == 3
    assert "&lt;eos&gt;" in tiles[1] and "max 0.12, 3.0 bits" in tiles[1]
    assert "2 × 4 places, max 0.12 and 3.0 bits" in attention_legend(np.full((2, 2, 4), 1 / 8))[-1]

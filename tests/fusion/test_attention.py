"""Attention fusion: the three steps by a plain loop, gradients, weights that can be looked at."""

import numpy as np
import pytest

import tinymm as tm
from tinymm.fusion import AttentionFusion


def by_loop(fusion, text, image):
    """Eq. by eq., one head, one position, one region at a time."""
    linear = {name: (getattr(fusion, name).weight.data, getattr(fusion, name).bias.data)
              for name in ("query", "key", "value", "fuse")}
    size = fusion.width // fusion.heads
    out = np.zeros((*text.shape[:2], fusion.width))
    all_weights = np.zeros((len(text), fusion.heads, text.shape[1], image.shape[1]))
    for b, t in np.ndindex(text.shape[:2]):
        q = linear["query"][0] @ text[b, t] + linear["query"][1]
        context = np.zeros(fusion.width)
        for h in range(fusion.heads):
            rows = slice(h * size, (h + 1) * size)
            e = [q[rows] @ (linear["key"][0] @ v + linear["key"][1])[rows] / size**0.5 for v in image[b]]
            alpha = np.exp(e) / np.exp(e).sum()
            all_weights[b, h, t] = alpha
            context[rows] = sum(a * (linear["value"][0] @ v + linear["value"][1])[rows]
                                for a, v in zip(alpha, image[b]))
        out[b, t] = np.maximum(linear["fuse"][0] @ np.concatenate([text[b, t], context]) + linear["fuse"][1], 0)
    return out, all_weights


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_equals_the_loop(heads, rng):
    fusion = AttentionFusion(5, 3, 8, heads, rng=rng).to(np.float64)
    text, image = rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 6, 3))
    fused, weights = fusion(text, image)
    expected, alphas = by_loop(fusion, text, image)
    np.testing.assert_allclose(fused.data, expected, atol=1e-12)
    np.testing.assert_allclose(weights.data, alphas, atol=1e-12)
    np.testing.assert_allclose(weights.data.sum(-1), 1)


def test_gradients_of_both_modalities(rng):
    fusion = AttentionFusion(5, 3, 4, 2, rng=rng).to(np.float64)
    assert tm.testing.gradcheck(lambda text, image: fusion(text, image)[0],
                                [rng.standard_normal((2, 2, 5)), rng.standard_normal((2, 3, 3))], rng)


def test_heads_must_divide_the_width(rng):
    with pytest.raises(ValueError, match="AttentionFusion: heads must divide width; got 3 and 8"):
        AttentionFusion(5, 3, 8, 3, rng=rng)

"""Two views of the same things: what they share, and what a linear map can know of it."""

import numpy as np
import pytest

from tinymm.data.interactions import TwoViews


def explained(x, y):
    """The share of y's variance that a linear map of x explains, on other items."""
    half = len(x) // 2
    x = np.concatenate([x, np.ones((len(x), 1))], 1).astype(float)
    weights = np.linalg.lstsq(x[:half], y[:half], rcond=None)[0]
    return 1 - ((y[half:] - x[half:] @ weights) ** 2).sum() / ((y[half:] - y[half:].mean(0)) ** 2).sum()


@pytest.mark.parametrize("kind, low, high", [("linear", 0.5, 0.9), ("curved", 0.4, 0.9), ("folded", -0.1, 0.05)])
def test_what_a_linear_map_of_one_view_tells_of_the_other(kind, low, high):
    world = TwoViews(np.random.default_rng(0), kind)
    x, y = world.sample(2000, np.random.default_rng(1))
    assert low < explained(x, y) < high
    assert explained(x[np.random.default_rng(2).permutation(len(x))], y) < 0.01


def test_folded_views_share_the_size_of_what_the_first_shows():
    world = TwoViews(np.random.default_rng(0), "folded", private=1, noise=0.0)
    x, y = world.sample(2000, np.random.default_rng(1))
    latent = x @ np.linalg.pinv(np.linalg.multi_dot(world.maps[0])).astype(np.float32)
    assert explained(np.abs(latent[:, :world.shared]), y) > 0.7


def test_entries_are_of_about_one_size_and_repeat():
    for kind in ("linear", "curved", "folded"):
        one, again = (TwoViews(np.random.default_rng(3), kind).sample(500, np.random.default_rng(4)) for _ in range(2))
        for x, same in zip(one, again):
            np.testing.assert_array_equal(x, same)
            assert x.dtype == np.float32 and 0.5 < x.std() < 2


def test_another_kind_is_refused(rng):
    with pytest.raises(ValueError, match="TwoViews: kind must be one of linear, curved, folded; got 'bent'"):
        TwoViews(rng, "bent")

"""Starting values have the spread they promise, and layers start as PyTorch's do."""

import math

import numpy as np
import pytest

from tinymm import nn
from tinymm.nn import init

SHAPE = (40, 30, 3, 3)
IN, OUT = 30 * 9, 40 * 9


@pytest.mark.parametrize("fill, std", [
    (lambda p, rng: init.uniform_(p, -1, 3, rng=rng), 4 / math.sqrt(12)),
    (lambda p, rng: init.normal_(p, 0, 0.3, rng=rng), 0.3),
    (lambda p, rng: init.xavier_uniform_(p, 2.0, rng=rng), 2 * math.sqrt(2 / (IN + OUT))),
    (lambda p, rng: init.xavier_normal_(p, rng=rng), math.sqrt(2 / (IN + OUT))),
    (lambda p, rng: init.kaiming_uniform_(p, rng=rng), math.sqrt(2 / IN)),
    (lambda p, rng: init.kaiming_normal_(p, 1.0, rng=rng), math.sqrt(1 / IN)),
], ids=["uniform", "normal", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"])
def test_spread(rng, fill, std):
    p = nn.Parameter(np.empty(SHAPE, np.float32))
    assert fill(p, rng) is p and p.dtype == np.float32
    assert abs(p.data.std() / std - 1) < 0.03  # 10,800 draws: a standard error below 0.01


def test_same_seed_same_bits():
    a, b = (nn.LSTM(3, 4, rng=np.random.default_rng(5)).state_dict() for _ in range(2))
    for key in a:
        np.testing.assert_array_equal(a[key], b[key])


def test_fans_need_two_axes(rng):
    for shape in ((3,), (3, 0)):
        with pytest.raises(ValueError,
                           match=r"init: fan-in and fan-out need a weight of at least 2 axes, none of length 0; got"):
            init.xavier_uniform_(nn.Parameter(np.empty(shape)), rng=rng)


@pytest.mark.parametrize("name, arguments", [
    ("Linear", (50, 60)), ("Conv1d", (20, 30, 5)), ("Conv2d", (10, 20, 3)), ("ConvTranspose2d", (10, 20, 3)),
    ("Embedding", (60, 50)), ("LSTM", (50, 40)), ("GRU", (50, 40)), ("RNN", (50, 40)), ("MultiheadAttention", (48, 4))])
def test_layers_start_with_pytorchs_spread(rng, name, arguments):
    torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")
    theirs = {k: v.detach().numpy() for k, v in getattr(torch.nn, name)(*arguments).named_parameters()}
    mine = dict(getattr(nn, name)(*arguments, rng=rng).named_parameters())
    assert mine.keys() == theirs.keys()
    for key, p in mine.items():
        assert p.shape == theirs[key].shape
        if p.size < 400:  # too few draws for a spread: compare the bound they come from
            assert p.data.any() == theirs[key].any() and abs(p.data).max() < 2 * max(abs(theirs[key]).max(), 1e-9)
        else:
            assert abs(p.data.std() / theirs[key].std() - 1) < 0.15

"""Rates by layer: every parameter once, each stage's rate a fixed share of the next higher one's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.optim import SGD, LinearWarmup, layerwise_groups
from tinymm.pretraining import Bert


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.floats(1e-4, 1), st.floats(0.05, 1),
       st.integers(0, 2**32 - 1))
def test_a_step_moves_each_stage_by_its_rate(sizes, lr, decay, seed):
    """θ − γ ξ^(L − l) g, also while a schedule scales all rates."""
    rng = np.random.default_rng(seed)
    stages = [[tm.tensor(rng.normal(size=3), requires_grad=True) for _ in range(size)] for size in sizes]
    optimizer = SGD(layerwise_groups(stages, lr, decay), lr=99.0)
    LinearWarmup(optimizer, 4)                                          # the first step runs at a quarter
    expected = []
    for level, stage in enumerate(stages):
        for parameter in stage:
            parameter.grad = rng.normal(size=3)
            expected.append(parameter.data - lr / 4 * decay ** (len(stages) - 1 - level) * parameter.grad)
    optimizer.step()
    for parameter, moved in zip(sum(stages, []), expected):
        np.testing.assert_allclose(parameter.data, moved, rtol=1e-12, atol=1e-15)


def test_the_stages_of_bert_are_all_of_it():
    bert = Bert(10, 8, layers=3, heads=2, rng=np.random.default_rng(0))
    stages = bert.stages()
    assert len(stages) == 5
    assert [id(p) for stage in stages for p in stage] == [id(p) for p in bert.parameters()]
    for parameter in stages[1]:
        parameter.requires_grad_(False)
    groups = layerwise_groups(stages, 1.0, 0.5)                         # what is frozen takes no rate from the others
    assert [group["lr"] for group in groups] == [0.5 ** 4, 0.5 ** 2, 0.5, 1.0]


@pytest.mark.parametrize("decay", [0, -1, 1.5, np.nan])
def test_a_decay_that_is_none(decay):
    with pytest.raises(ValueError, match=r"layerwise_groups: decay must lie in \(0, 1\]"):
        layerwise_groups([[]], 1.0, decay)

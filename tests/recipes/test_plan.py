"""What a plan makes of its numbers: which parameters decay."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.mapping import Temperature
from tinymm.recipes.shared import Plan
from tinymm.training import TrainingSet


class Everything(tm.nn.Module):
    """Parameters of every kind: a temperature, gains, biases, a matrix, a kernel; and one that is not learned."""

    def __init__(self, rng):
        self.scale = Temperature()
        self.norm = tm.nn.LayerNorm(3)
        self.linear = tm.nn.Linear(3, 2, rng=rng)
        self.conv = tm.nn.Conv1d(2, 2, 3, rng=rng)
        self.locked = tm.nn.Embedding(4, 3, rng=rng)
        self.locked.weight.requires_grad = False
        for p in self.parameters():
            p.data[...] = rng.uniform(0.5, 2, p.shape)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 0.5), st.booleans(), st.integers(0, 2**32 - 1))
def test_with_vectors_spared_matrices_and_kernels_decay_and_nothing_else(decay, spared, seed):
    """With a loss whose gradient is zero a step is the decay alone: (1 − γλ) of what was there."""
    model = Everything(np.random.default_rng(seed))
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    plan = Plan(batch_size=1, steps=1, peak_rate=0.1, weight_decay=decay, warmup=0.0, spares_vectors=spared)

    def flat(model, rows, rng):
        return sum((p * 0.0).sum() for p in model.parameters() if p.requires_grad)

    trainer = plan.trainer(model, flat, TrainingSet(1, lambda rows, rng: rows))
    rate = trainer.optimizer.param_groups[0]["lr"]
    trainer.fit(progress=False)
    for name, p in model.named_parameters():
        decays = p.requires_grad and (not spared or name in ("linear.weight", "conv.weight"))
        kept = 1 - rate * decay if decays else 1
        np.testing.assert_allclose(p.data, kept * before[name], rtol=1e-6, err_msg=name)
    assert rate > 0


def test_a_model_of_vectors_alone_can_be_trained():
    model = Temperature()
    plan = Plan(1, 1, 0.1, 0.1, spares_vectors=True)
    trainer = plan.trainer(model, lambda model, rows, rng: model(), TrainingSet(1, lambda rows, rng: rows))
    before = model().item()
    trainer.fit(progress=False)
    assert model().item() < before

"""What is timed computes what it should, with and without the libraries to compare with."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import captioner, engine
from tinymm.recipes.captioning import SHAPES, config_of


@pytest.mark.parametrize("name", engine.CHAINS)
def test_the_chains_run_without_peers(name):
    chain, shapes, asking = engine.CHAINS[name]
    runs = engine.candidates(chain, shapes, asking, {})
    grads = runs["tinymm"]()
    assert list(runs) == ["tinymm"] and [g.shape for g in grads] == shapes[:asking]
    assert all(g.dtype == np.float32 and np.isfinite(g).all() and g.any() for g in grads)


@pytest.mark.parametrize("name", engine.PEERS)
def test_the_chains_have_the_same_gradients_elsewhere(name):
    library = pytest.importorskip(engine.PEERS[name][0])
    for chain, shapes, asking in engine.CHAINS.values():
        assert set(engine.candidates(chain, shapes, asking,
                                     {name: (library, engine.PEERS[name][1])})) == {"tinymm", name}


def test_a_peer_with_another_gradient_is_found_out():
    chain, shapes, asking = engine.CHAINS["tanh"]
    wrong = {"wrong": (None, lambda library, chain, arrays, asking: lambda: [np.ones(4)])}
    with pytest.raises(AssertionError, match="wrong: the gradient differs"):
        engine.candidates(chain, shapes, asking, wrong)


SETTING = SHAPES | {"widths": [[4], [8]], "width": 16, "dropout": 0.0, "context_dropout": 0.0, "paraphrases": 2,
                    "plan": replace(SHAPES["plan"], batch_size=4)}
SMALL = config_of(SETTING, size=16, vocabulary=11)


def test_every_part_of_the_step_runs(rng):
    ours = captioner.Ours(SMALL, captioner.make_batch(SMALL, SETTING, 5, rng), rng)
    before = ours.model.words.weight.data.copy()
    for run in (ours.step, *ours.parts().values()):
        run()
    assert not np.array_equal(before, ours.model.words.weight.data)


def test_the_step_of_two_replicas_is_the_step_where_both_halves_are_alike(rng):
    batch = [np.concatenate([a, a]) for a in captioner.make_batch(SMALL, SETTING, 5, rng)]
    one, two = (captioner.Ours(SMALL, batch, np.random.default_rng(0)) for _ in range(2))
    one.step(), two.step_of_replicas()
    for a, b in zip(one.parameters, two.parameters, strict=True):
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-3, atol=1e-5)


def test_the_model_in_pytorch_is_the_same_model(rng):
    torch = pytest.importorskip("torch")
    batch = captioner.make_batch(SMALL, SETTING, 5, rng)
    sides = captioner.both(torch, SMALL, batch)
    captioner.check_equal(sides)
    assert list(sides["tinymm"].parts()) == list(sides["PyTorch"].parts())
    with torch.no_grad():
        sides["PyTorch"].model.words.bias[1] += 1
    with pytest.raises(AssertionError, match="losses differ"):
        captioner.check_equal(sides)

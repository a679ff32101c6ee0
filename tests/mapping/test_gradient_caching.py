"""Gradient caching: the gradient of the whole batch, chunks of any size, dropout, buffers, memory, in a Trainer."""

import copy
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.mapping import SigmoidScale, Temperature, cached_backward, info_nce, same, sigmoid_loss, unit
from tinymm.training import Trainer, TrainingConfig, TrainingSet, needs_whole_batch


class Towers(tm.nn.Module):
    """A recurrent encoder and one of layers, which share a Generator; both temperatures."""

    def __init__(self, rng, dropout=0.0, norm=False):
        self.image = tm.nn.Sequential(tm.nn.Linear(5, 16, rng=rng), tm.nn.GELU(), tm.nn.Dropout(dropout, rng=rng),
                                      *[tm.nn.BatchNorm1d(16)] * norm, tm.nn.Linear(16, 4, rng=rng))
        self.text = tm.nn.LSTM(3, 4, rng=rng)
        self.dropout = tm.nn.Dropout(dropout, rng=rng)
        self.scale = Temperature()
        self.sigmoid = SigmoidScale()

    def forward(self, pairs):
        images, texts = pairs
        return unit(self.image(tm.tensor(images))), unit(self.dropout(self.text(tm.tensor(texts))[0][:, -1]))


def pairs(rng, B, dtype=np.float64):
    return rng.normal(size=(B, 5)).astype(dtype), rng.normal(size=(B, 6, 3)).astype(dtype)


def pieces(batch, sizes):
    ends = np.cumsum(sizes)
    return [tuple(part[end - size:end] for part in batch) for size, end in zip(sizes, ends)]


def gradients(model):
    return {name: p.grad for name, p in model.named_parameters()}


def assert_equal(found, expected, tolerance=1e-12):
    assert list(found) == list(expected)
    for name, gradient in found.items():
        assert (gradient is None) == (expected[name] is None), name
        if gradient is not None:
            scale = max(1.0, np.abs(expected[name]).max())
            np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("kind", ["info_nce", "several right answers", "sigmoid"])
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_it_is_the_gradient_of_the_whole_batch(kind, sizes, seed):
    rng = np.random.default_rng(seed)
    model, batch = Towers(rng).to(np.float64), pairs(rng, sum(sizes))
    captions = rng.integers(3, size=sum(sizes))

    def loss(x, y):
        if kind == "sigmoid":
            return sigmoid_loss(x, y, *model.sigmoid())
        return info_nce(x, y, model.scale(), same(captions) if kind != "info_nce" else None)

    whole = loss(*model(batch))
    whole.backward()
    expected = gradients(model)
    model.zero_grad()
    found = cached_backward(model, model, pieces(batch, sizes), loss)
    assert found.item() == pytest.approx(whole.item(), rel=1e-12)
    assert expected["sigmoid.bias" if kind == "sigmoid" else "scale.log_scale"] is not None
    assert_equal(gradients(model), expected)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=4), st.integers(0, 99))
def test_a_chunk_may_have_more_of_one_kind_than_of_another(sizes, seed):
    """Pictures with several texts each: the parts of each kind have their own places in the batch, or are empty."""
    rng = np.random.default_rng(seed)
    sizes = [(1, 2), *sizes]
    model = Towers(rng).to(np.float64)
    images, texts = pairs(rng, sum(n for n, _ in sizes))[0], pairs(rng, sum(m for _, m in sizes))[1]
    chunks = [(a[0], b[1]) for a, b in zip(pieces((images, images), [n for n, _ in sizes]),
                                           pieces((texts, texts), [m for _, m in sizes]))]
    targets = rng.random((len(images), len(texts))) < 0.5
    targets[:, 0] = True

    def loss(x, y):
        return info_nce(x, y, model.scale(), targets)

    loss(*model((images, texts))).backward()
    expected = gradients(model)
    model.zero_grad()
    cached_backward(model, model, chunks, loss)
    assert_equal(gradients(model), expected)


def chunked_in_one_pass(model, chunks, loss):
    """The same chunks, but with the tape of all of them held at once."""
    parts = [model(chunk) for chunk in chunks]
    value = loss(*(F.concatenate(part) for part in zip(*parts)))
    value.backward()
    return value


@given(sizes=st.lists(st.integers(2, 4), min_size=2, max_size=4), seed=st.integers(0, 99))
def test_with_dropout_both_passes_draw_the_same_masks(sizes, seed):
    """And leave Generators and running statistics as one pass does."""
    rng = np.random.default_rng(seed)
    model = Towers(rng, dropout=0.4, norm=True).to(np.float64)
    chunks = pieces(pairs(rng, sum(sizes)), sizes)
    other = copy.deepcopy(model)                                            # with the Generator, as it is now

    def loss_of(model):
        return lambda x, y: info_nce(x, y, model.scale())

    chunked_in_one_pass(other, chunks, loss_of(other))
    cached_backward(model, model, chunks, loss_of(model))
    assert_equal(gradients(model), gradients(other))
    assert model.rng_state() == other.rng_state()
    for ours, theirs in zip(model.buffers(), other.buffers(), strict=True):
        assert (ours == theirs).all()


def test_other_masks_in_the_second_pass_would_show(rng, monkeypatch):
    model = Towers(rng, dropout=0.4).to(np.float64)
    chunks = pieces(pairs(rng, 6), [3, 3])
    other = copy.deepcopy(model)
    chunked_in_one_pass(other, chunks, lambda x, y: info_nce(x, y, other.scale()))
    monkeypatch.setattr("tinymm.mapping.contrastive.gradient_caching._restore", lambda model, snapshot: None)
    cached_backward(model, model, chunks, lambda x, y: info_nce(x, y, model.scale()))
    with pytest.raises(AssertionError):
        assert_equal(gradients(model), gradients(other), tolerance=1e-3)


def test_adding_up_the_gradients_of_small_batches_is_another_loss(rng):
    model, batch = Towers(rng).to(np.float64), pairs(rng, 8)
    cached_backward(model, model, pieces(batch, [4, 4]), lambda x, y: info_nce(x, y, 1.0))
    cached = gradients(model)
    model.zero_grad()
    for chunk in pieces(batch, [4, 4]):
        (info_nce(*model(chunk), 1.0) / 2).backward()
    with pytest.raises(AssertionError):
        assert_equal(gradients(model), cached, tolerance=1e-2)


def test_gradients_are_added_and_one_tensor_will_do(rng):
    model, x = tm.nn.Linear(3, 2, rng=rng).to(np.float64), rng.normal(size=(4, 3))
    for _ in range(2):
        cached_backward(model, lambda chunk: model(tm.tensor(chunk)), [x[:1], x[1:]], lambda f: (f * f).sum())
    np.testing.assert_allclose(model.weight.grad, 4 * (x @ model.weight.data.T + model.bias.data).T @ x, atol=1e-12)


def test_an_embedding_that_the_loss_leaves_out_gives_no_gradient(rng):
    model, batch = Towers(rng).to(np.float64), pairs(rng, 4)
    cached_backward(model, model, pieces(batch, [2, 2]), lambda x, y: (x[:, 0]).sum())
    assert np.abs(model.image[0].weight.grad).max() > 0
    assert all((p.grad == 0).all() for p in model.text.parameters())


def test_no_chunks_are_refused(rng):
    with pytest.raises(ValueError, match="cached_backward: needs at least one chunk"):
        cached_backward(tm.nn.Linear(1, 1, rng=rng), None, [], None)


def test_it_holds_the_memory_of_a_chunk(rng):
    """A deep, narrow encoder: 48 layers of 64 remember 2 · 48 · 64 numbers an example; its output is 4."""
    layers = [layer for _ in range(48) for layer in (tm.nn.Linear(64, 64, rng=rng), tm.nn.GELU())]
    model = tm.nn.Sequential(*layers, tm.nn.Linear(64, 4, rng=rng))
    x = rng.normal(size=(256, 64)).astype(np.float32)
    y = unit(rng.normal(size=(256, 4)).astype(np.float32))

    def peak(run):
        model.zero_grad()
        tracemalloc.start()
        try:
            run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    whole = peak(lambda: sigmoid_loss(unit(model(tm.tensor(x))), y, 1.0, -5.0).backward())
    cached = peak(lambda: cached_backward(model, lambda rows: unit(model(tm.tensor(rows))), np.split(x, 16),
                                          lambda f: sigmoid_loss(f, y, 1.0, -5.0)))
    assert cached < whole / 4, (whole, cached)


# In a Trainer ---------------------------------------------------------------------------------------------------------

def trained(cached, replicas=1):
    rng = np.random.default_rng(0)
    model, (images, texts) = Towers(rng).to(np.float64), pairs(rng, 16)

    @needs_whole_batch
    def loss(model, rows, rng):
        batch = images[rows], texts[rows]
        found = (lambda x, y: info_nce(x, y, model.scale()))
        return cached_backward(model, model, pieces(batch, [3, 5]), found) if cached else found(*model(batch))

    trainer = Trainer(model, loss, tm.optim.SGD(model.parameters(), lr=0.5), TrainingSet(16, lambda rows, rng: rows),
                      TrainingConfig(epochs=3, batch_size=8, max_norm=0.7, replicas=replicas))
    return model.state_dict(), trainer.fit(progress=False), model.state_dict()


def test_a_trainers_loss_may_return_it():
    (before, plain_row, plain), (_, row, cached) = trained(False), trained(True)
    for name in ("train/loss", "grad_norm"):
        assert row[name] == pytest.approx(plain_row[name], rel=1e-10)
    assert all(np.abs(cached[name] - plain[name]).max() < 1e-10 for name in plain)
    assert any(np.abs(before[name] - plain[name]).max() > 1e-3 for name in plain)


def test_a_batch_is_never_split_among_replicas():
    for cached in (True, False):
        with pytest.raises(ValueError, match="loss compares the examples of a batch with each other"):
            trained(cached, replicas=2)

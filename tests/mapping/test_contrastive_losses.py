"""Contrastive losses: by loops, on paper, gradients, symmetries, several right answers, bounds, PyTorch, refusals."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.mapping import (SigmoidScale, Temperature, info_nce, info_nce_any, info_nce_one_way, same, sigmoid_loss,
                            similarities, unit)
from tinymm.testing import check_complex_step, check_float32, gradcheck, gradgradcheck
from tinymm.training import Trainer, TrainingConfig, TrainingSet

LOSSES = {"info_nce": info_nce, "info_nce_any": info_nce_any, "info_nce_one_way": info_nce_one_way,
          "sigmoid": lambda x, y, log_scale, targets=None: sigmoid_loss(x, y, log_scale, -2.0, targets)}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@st.composite
def batches(draw, square=False):
    """Unit vectors x (B, D), y (N, D), a log scale, and targets with a True in each row."""
    B, D = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    N = B if square else B + draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (rng.normal(size=(n, D)) for n in (B, N)))
    targets = rng.random((B, N)) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    targets[np.arange(B), rng.integers(N, size=B)] = True
    return x, y, draw(st.sampled_from([0.0, 1.3, math.log(100)])), targets


def by_loops(name, x, y, log_scale, targets, bias=-2.0):
    """Each loss from its formula, a pair at a time."""
    B, N = targets.shape
    s = [[math.exp(log_scale) * sum(a * b for a, b in zip(x[i], y[j])) for j in range(N)] for i in range(B)]
    if name == "sigmoid":
        return -sum(math.log(1 / (1 + math.exp(-(1 if targets[i, j] else -1) * (s[i][j] + bias))))
                    for i in range(B) for j in range(N)) / B

    def row(scores, right):
        total = sum(map(math.exp, scores))
        p = [math.exp(a) / total for a, is_right in zip(scores, right) if is_right]
        return -math.log(sum(p)) if name == "info_nce_any" else -sum(map(math.log, p)) / len(p)

    rows = sum(row(s[i], targets[i]) for i in range(B)) / B
    if name == "info_nce_one_way":
        return rows
    columns = [row([s[i][j] for i in range(B)], targets[:, j]) for j in range(N) if targets[:, j].any()]
    return (rows + sum(columns) / len(columns)) / 2


@pytest.mark.parametrize("name", LOSSES)
@given(batch=batches())
def test_by_loops(name, batch):
    assert LOSSES[name](*batch).item() == pytest.approx(by_loops(name, *batch), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", LOSSES)
@given(batch=batches(square=True))
def test_without_targets_the_diagonal_is_right(name, batch):
    x, y, log_scale, _ = batch
    plain = LOSSES[name](x, y, log_scale).item()
    assert plain == LOSSES[name](x, y, log_scale, np.eye(len(x), dtype=bool)).item()
    assert plain == pytest.approx(by_loops(name, x, y, log_scale, np.eye(len(x), dtype=bool)), rel=1e-9, abs=1e-12)


@every_loss
@given(batch=batches())
def test_gradients(loss, batch):
    x, y, log_scale, targets = batch
    log_scale = np.array(min(log_scale, 2.0))
    f = partial(_called, loss, targets)
    assert gradcheck(f, [x, y, log_scale])
    assert check_complex_step(f, [x, y, log_scale])


@pytest.mark.parametrize("check", [gradgradcheck, check_float32])
@every_loss
def test_second_derivatives_and_float32(loss, check, rng):
    x, y = rng.normal(size=(2, 3, 4))
    assert check(partial(_called, loss, same([1, 2, 1])), [x, y, np.array(0.5)])


def _called(loss, targets, x, y, log_scale):
    return loss(unit(x), unit(y), log_scale, targets)


@given(batches(square=True))
def test_the_gradient_is_softmax_minus_targets_both_ways(batch):
    """∂L/∂s = ½ (P_rows − T_rows)/B + ½ (P_columns − T_columns)/N, then ∂L/∂x = e^log_scale ∂L/∂s · y."""
    x, y, log_scale, _ = batch
    B = len(x)
    s = math.exp(log_scale) * x @ y.T
    rows, columns = (np.exp(s - s.max(a, keepdims=True)) for a in (1, 0))
    rows, columns = rows / rows.sum(1, keepdims=True), columns / columns.sum(0, keepdims=True)
    slope = (rows + columns - 2 * np.eye(B)) / (2 * B)
    x, y, log_scale = (tm.tensor(np.asarray(v), requires_grad=True) for v in (x, y, log_scale))
    of_x, of_y, of_scale = tm.grad(info_nce(x, y, log_scale), [x, y, log_scale])
    np.testing.assert_allclose(of_x.data, math.exp(log_scale.item()) * slope @ y.data, atol=1e-12)
    np.testing.assert_allclose(of_y.data, math.exp(log_scale.item()) * slope.T @ x.data, atol=1e-12)
    assert of_scale.item() == pytest.approx((slope * s).sum(), abs=1e-10)


@every_loss
@given(batch=batches(square=True), seed=st.integers(0, 99))
def test_the_order_of_the_pairs_does_not_matter(loss, batch, seed):
    x, y, log_scale, targets = batch
    order = np.random.default_rng(seed).permutation(len(x))

    def gradients(x, y, targets):
        x, y = (tm.tensor(v, requires_grad=True) for v in (x, y))
        value = loss(x, y, log_scale, targets)
        return value.item(), *(g.data for g in tm.grad(value, [x, y]))

    value, of_x, of_y = gradients(x, y, targets)
    other, other_x, other_y = gradients(x[order], y[order], targets[order][:, order])
    assert other == pytest.approx(value, rel=1e-12, abs=1e-13)
    np.testing.assert_allclose(other_x, of_x[order], atol=1e-11)
    np.testing.assert_allclose(other_y, of_y[order], atol=1e-11)


@given(batches(square=True))
def test_it_is_symmetric_in_its_modalities(batch):
    x, y, log_scale, targets = batch
    targets[:, ~targets.any(0)] = True
    assert info_nce(x, y, log_scale, targets).item() == pytest.approx(info_nce(y, x, log_scale, targets.T).item(),
                                                                      rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("B", [1, 2, 7, 64, 500])
def test_identical_embeddings_give_ln_b(B, dtype, rng):
    one = unit(np.repeat(rng.normal(size=(1, 16)), B, axis=0).astype(dtype))
    for log_scale in (0.0, math.log(1 / 0.07), math.log(100)):
        exact = pytest.approx(math.log(B), rel=float(2 * np.finfo(dtype).eps), abs=0)
        assert info_nce(one, one, log_scale).item() == exact
        assert info_nce_one_way(one, one, log_scale).item() == exact
        if dtype == np.float64:
            captions = rng.integers(3, size=B)
            sizes = same(captions).sum(1)
            assert info_nce(one, one, log_scale, same(captions)).item() == pytest.approx(math.log(B), rel=1e-12)
            assert info_nce_any(one, one, log_scale, same(captions)).item() == pytest.approx(
                math.log(B) - np.log(sizes).mean(), rel=1e-12, abs=1e-12)


def test_vectors_without_relation_start_near_ln_b_and_siglip_near_ten(rng):
    """In a wide space at the starting temperatures: what a recipe's first loss should be."""
    x, y = (unit(rng.normal(size=(256, 512))) for _ in range(2))
    assert info_nce(x, y, Temperature()()).item() == pytest.approx(math.log(256), rel=0.05)
    assert sigmoid_loss(x, y, *SigmoidScale()()).item() == pytest.approx(10.0, rel=0.02)


@given(batches(square=True))
def test_different_captions_are_no_further_right_answers(batch):
    x, y, log_scale, _ = batch
    alone = same([f"caption {i}" for i in range(len(x))])
    assert (alone == np.eye(len(x))).all()
    plain = info_nce(x, y, log_scale).item()
    assert info_nce(x, y, log_scale, alone).item() == plain
    assert info_nce_any(x, y, log_scale).item() == pytest.approx(plain, rel=1e-12, abs=1e-12)


@given(batches())
def test_one_of_the_right_answers_costs_no_more_than_all_and_all_at_least_their_entropy(batch):
    x, y, log_scale, targets = batch
    all_of_them = info_nce(x, y, log_scale, targets).item()
    assert info_nce_any(x, y, log_scale, targets).item() <= all_of_them + 1e-12
    counts = targets.sum(0)
    least = (np.log(targets.sum(1)).mean() + np.log(counts[counts > 0]).mean()) / 2
    assert all_of_them >= least - 1e-12


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.integers(0, 99))
def test_where_equal_captions_have_equal_embeddings_the_plain_loss_is_that_of_all(captions, seed):
    """And so are the gradients of what the embeddings are made from, here a table of texts; of SigLIP they are not."""
    rng = np.random.default_rng(seed)
    x = tm.tensor(rng.normal(size=(len(captions), 5)), requires_grad=True)
    table = tm.tensor(rng.normal(size=(4, 5)), requires_grad=True)

    def gradients(loss, targets):
        value = loss(unit(x), unit(table[np.array(captions)]), 1.5, targets)
        return [value.item(), *(g.data for g in tm.grad(value, [x, table]))]

    for plain, every in zip(gradients(info_nce, None), gradients(info_nce, same(captions))):
        np.testing.assert_allclose(plain, every, atol=1e-12)
    if len(set(captions)) < len(captions):
        assert abs(gradients(LOSSES["sigmoid"], None)[0] - gradients(LOSSES["sigmoid"], same(captions))[0]) > 1e-6


@pytest.mark.parametrize("loss", [info_nce, info_nce_any])
def test_a_batch_of_one_caption_teaches_nothing_wrong(loss, rng):
    """All are right: any answer will do, and even the even one is reached by equal embeddings, with gradient 0."""
    everything = same(["a cat"] * 4)
    one = tm.tensor(np.tile(rng.normal(size=5), (4, 1)), requires_grad=True)
    value = loss(unit(one), unit(one), 2.0, everything)
    gradient, = tm.grad(value, [one])
    assert value.item() == pytest.approx(math.log(4) if loss is info_nce else 0, abs=1e-12)
    assert np.abs(gradient.data).max() < 1e-12
    if loss is info_nce_any:
        x, y = rng.normal(size=(2, 4, 5))
        assert loss(unit(x), unit(y), 2.0, everything).item() == pytest.approx(0, abs=1e-12)


def test_without_negatives_the_constant_map_is_best(rng):
    """−x·y of the pairs alone is least at 1 for any constant map; InfoNCE there is ln B, above that of true pairs."""
    x = unit(rng.normal(size=(8, 16)))
    constant = unit(np.ones((8, 16)))
    assert (constant * constant).sum(-1).mean().item() == pytest.approx(1)
    assert info_nce(x, x, 3.0).item() < info_nce(constant, constant, 3.0).item() == pytest.approx(math.log(8))


@given(batches(square=True))
def test_against_torch(batch):
    torch = pytest.importorskip("torch")
    x, y, log_scale, _ = batch
    s = math.exp(log_scale) * torch.tensor(x) @ torch.tensor(y).T
    labels = torch.arange(len(x))
    both = (torch.nn.functional.cross_entropy(s, labels) + torch.nn.functional.cross_entropy(s.T, labels)) / 2
    assert info_nce(x, y, log_scale).item() == pytest.approx(both.item(), rel=1e-12, abs=1e-12)
    z = 2 * torch.eye(len(x), dtype=s.dtype) - 1
    siglip = -torch.nn.functional.logsigmoid(z * (s - 10)).sum() / len(x)
    assert sigmoid_loss(x, y, log_scale, -10.0).item() == pytest.approx(siglip.item(), rel=1e-12)


@every_loss
def test_dtype_stays(loss, rng):
    for dtype in (np.float32, np.float64):
        x, y = rng.normal(size=(2, 3, 4)).astype(dtype)
        assert loss(x, y, 1.0).dtype == loss(x, y, Temperature()(), same([1, 1, 2])).dtype == dtype


# Unit vectors ---------------------------------------------------------------------------------------------------------

def test_unit_vectors_have_length_one_and_no_radial_gradient(rng):
    x = tm.tensor(rng.normal(size=(5, 3)) * 10.0 ** np.arange(-4, 1)[:, None], requires_grad=True)
    y = unit(x)
    np.testing.assert_allclose(np.linalg.norm(y.data, axis=1), 1, rtol=1e-14)
    gradient, = tm.grad(y, [x], [tm.tensor(rng.normal(size=(5, 3)))])
    np.testing.assert_allclose((gradient.data * y.data).sum(1), 0, atol=1e-11)
    assert gradcheck(unit, [x.data[3:]]) and gradgradcheck(unit, [x.data[3:]])


@pytest.mark.parametrize("dtype, tiny", [(np.float32, 0.0), (np.float32, 1e-30), (np.float64, 1e-200)])
def test_a_vector_without_direction_becomes_zero_with_gradient_zero(dtype, tiny):
    x = tm.tensor(np.array([[tiny, 0.0], [3.0, 4.0]], dtype), requires_grad=True)
    y = unit(x)
    (y * np.array([[5.0, 7.0], [1.0, 0.0]], dtype)).sum().backward()
    assert (y.data[0] == 0).all() and (x.grad[0] == 0).all()
    np.testing.assert_allclose(x.grad[1], [0.128, -0.096], rtol=1e-6)


def test_large_vectors_do_not_overflow():
    np.testing.assert_allclose(unit(np.array([[3e30, 4e30]], np.float32)).data, [[0.6, 0.8]], rtol=1e-6)


# Learned scales -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("make", [Temperature, SigmoidScale])
def test_scales_stay_within_bounds_after_each_step(make):
    """The Trainer's hook comes after the optimiser and before the moving average."""
    scale, seen = make(), []

    def loss(model, batch, rng):
        seen.append(model.log_scale.item())
        return model.log_scale * (-1.0 if len(seen) < 6 else 1.0)

    trainer = Trainer(scale, loss, tm.optim.SGD(scale.parameters(), lr=1.0),
                      TrainingSet(4, lambda rows, rng: rows), TrainingConfig(epochs=14, batch_size=4, ema_decay=0.9))
    trainer.after_step = lambda model: model.clamp_()
    trainer.fit(progress=False)
    start = math.log(1 / 0.07) if make is Temperature else math.log(10)
    top = math.log(100)
    rising = [min(start + k, top) for k in range(6)]
    assert seen == pytest.approx(rising + [max(top - k, 0) for k in range(1, 9)], abs=1e-6)
    assert all(0 <= value <= np.float32(top) for value in (*seen, trainer.ema.averages["log_scale"]))


def test_scales_are_saved_and_trained(rng):
    x, y = rng.normal(size=(2, 6, 3))
    scale = SigmoidScale()
    sigmoid_loss(unit(x), unit(y), *scale()).backward()
    assert scale.log_scale.grad.shape == scale.bias.grad.shape == () and scale.bias.grad < 0
    assert list(scale.state_dict()) == ["log_scale", "bias"] and list(Temperature().state_dict()) == ["log_scale"]


# Refusals -------------------------------------------------------------------------------------------------------------

@every_loss
@pytest.mark.parametrize("x, y, targets, message", [
    ((3, 2), (3, 4), None, r"x and y must be \(B, D\) and \(N, D\); got \(3, 2\) and \(3, 4\)"),
    ((3,), (3, 1), None, "must be"),
    ((0, 2), (0, 2), None, "must be"),
    ((3, 2), (2, 2), None, r"without targets y must have at least as many rows as x; got \(3, 2\)"),
    ((2, 2), (2, 2), [[1, 0], [0, 1]], r"targets must be boolean of shape \(2, 2\); got int64 \(2, 2\)"),
    ((2, 2), (3, 2), np.eye(2, dtype=bool), "targets must be boolean of shape"),
])
def test_refusals(loss, x, y, targets, message):
    with pytest.raises(ValueError, match=message):
        loss(np.ones(x), np.ones(y), 0.0, targets)


@pytest.mark.parametrize("loss", [info_nce, info_nce_any, info_nce_one_way])
def test_a_row_without_a_right_answer_is_refused_but_for_siglip(loss):
    with pytest.raises(ValueError, match=f"{loss.__name__}: each row of targets needs a True; row 1 has none"):
        loss(np.eye(2), np.eye(2), 0.0, np.array([[True, True], [False, False]]))
    assert LOSSES["sigmoid"](np.eye(2), np.eye(2), 0.0, np.zeros((2, 2), bool)).item() > 0


def test_a_start_of_the_temperature_out_of_bounds_is_refused():
    for start in (0, 0.005, 2.0, math.nan):
        with pytest.raises(ValueError, match=r"Temperature: start must lie in \[0.01, 1\]"):
            Temperature(start)


def test_equal_captions():
    captions = ["a", "b", "a", "é"]
    assert (same(captions) == [[a == b for b in captions] for a in captions]).all()
    assert (same(captions, ["b", None, "a"]) == [[False, False, True], [True, False, False], [False, False, True],
                                                 [False, False, False]]).all()
    with pytest.raises(ValueError, match="must not be None"):
        same(["a", None])
    assert (same(np.array([1, 2, 1])) == same(list("aba"))).all()
    assert similarities(np.eye(2), np.eye(3, 2), 0.0).shape == (2, 3)


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=5), st.lists(st.sampled_from(["a", "c", None]), max_size=5))
@settings(max_examples=60, deadline=None)
def test_same_is_equality_of_what_is_not_none(captions, others):
    """With the empty list as well; None equals nothing, not even None."""
    found = same(captions, others)
    assert found.shape == (len(captions), len(others)) and found.dtype == bool
    for i, one in enumerate(captions):
        assert found[i].tolist() == [one is not None and one == other for other in others]


@given(st.floats(0.01, 1.0))
def test_the_scale_starts_at_the_inverse_temperature(start):
    log_scale = Temperature(start)()
    assert log_scale.dtype == np.float32 and math.exp(-log_scale.item()) == pytest.approx(start, rel=1e-5)
    assert all(part.dtype == np.float32 for part in SigmoidScale()())

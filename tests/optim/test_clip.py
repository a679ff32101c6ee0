"""Gradient clipping: the norm bound, PyTorch's numbers, what is left alone."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
from tinymm.optim import clip_grad_norm_, clip_grad_value_


def parameters(seed, scale=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    made = [tm.tensor(np.zeros(shape, dtype), requires_grad=True) for shape in ((3, 4), (), (5,))]
    for p in made:
        p.grad = np.asarray(scale * rng.standard_normal(p.shape), dtype)
    return [*made, tm.tensor([1.0], requires_grad=True)]  # the last has no gradient


def norm_of(ps):
    return np.linalg.norm(np.concatenate([p.grad.ravel() for p in ps if p.grad is not None]))


@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), max_norm=st.floats(1e-2, 1e2))
def test_norm_is_bounded_and_direction_kept(seed, scale, max_norm):
    before, after = parameters(seed, scale), parameters(seed, scale)
    total = clip_grad_norm_(after, max_norm)
    assert total == pytest.approx(norm_of(before), rel=1e-12)
    assert norm_of(after) <= max_norm * (1 + 1e-12)
    ratio = norm_of(after) / norm_of(before)
    for p, q in zip(before[:-1], after):
        np.testing.assert_allclose(q.grad, p.grad * ratio, rtol=1e-12)
    if total <= max_norm - 1e-6:
        assert all((p.grad == q.grad).all() for p, q in zip(before[:-1], after))


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_norm_equals_torch(max_norm):
    torch = pytest.importorskip("torch")
    ours = parameters(1, 3.0)
    theirs = [torch.zeros(p.shape, dtype=torch.float64, requires_grad=True) for p in ours[:-1]]
    for p, t in zip(ours, theirs):
        t.grad = torch.tensor(p.grad.copy())
    total = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    assert clip_grad_norm_(ours, max_norm) == pytest.approx(total.item(), rel=1e-14)
    for p, t in zip(ours, theirs):
        np.testing.assert_allclose(p.grad, t.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize("max_norm", [5.001, 6.0, 9.9, 10.0, 1e9])
def test_gradients_within_the_bound_keep_their_bits(max_norm):
    p = tm.tensor([0.0, 0.0], requires_grad=True)
    p.grad = np.array([3.0, 4.0], np.float32)
    assert clip_grad_norm_(p, max_norm) == 5.0 and p.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("dtype, size, max_norm, rtol", [
    (np.float16, 6e4, 1e-3, 1e-3), (np.float32, 3e38, 1e-5, 1e-6), (np.float64, 1e300, 1e-5, 1e-12)])
def test_a_scale_too_small_for_the_dtype_is_not_rounded(dtype, size, max_norm, rtol):
    """Large gradients, a small bound: their quotient is 0 in float16, and has few digits in float32."""
    p = tm.tensor(np.zeros(4, dtype), requires_grad=True)
    p.grad = np.full(4, size, dtype)
    clip_grad_norm_(p, max_norm)
    assert p.grad.dtype == dtype
    np.testing.assert_allclose(p.grad, max_norm / 2, rtol=rtol)


def test_a_generator_of_parameters_will_do_and_float32_stays():
    ps = parameters(2, 10.0, np.float32)
    clip_grad_norm_((p for p in ps), 1.0)
    assert norm_of(ps) == pytest.approx(1.0, rel=1e-6)
    assert all(p.grad.dtype == np.float32 for p in ps[:-1])


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_broken_gradient_shows_in_the_norm_and_spreads_nowhere(bad):
    ps = parameters(3)
    ps[0].grad[0, 0] = bad
    others = ps[2].grad.copy()
    assert not math.isfinite(clip_grad_norm_(ps, 1.0))
    assert (ps[2].grad == others).all()


def test_no_gradients_at_all():
    assert clip_grad_norm_([tm.tensor([1.0], requires_grad=True)], 1.0) == 0.0


def test_value():
    p, _, q, _ = parameters(4)
    expected = [np.minimum(np.maximum(x.grad, -0.3), 0.3) for x in (p, q)]
    clip_grad_value_([p, tm.tensor([1.0]), q], 0.3)
    assert (p.grad == expected[0]).all() and (q.grad == expected[1]).all()


def test_the_small_number_beside_a_small_norm():
    p = tm.tensor(np.zeros(2), requires_grad=True)
    p.grad = np.array([3e-6, 4e-6])
    clip_grad_norm_(p, 1e-6)
    np.testing.assert_allclose(p.grad, [0.5e-6, 4e-6 / 6], rtol=1e-12)  # 1e-6 / (5e-6 + 1e-6), as in PyTorch


def test_the_norm_of_float16_is_not_rounded_to_float16(rng):
    p = tm.tensor(np.zeros(300, np.float16), requires_grad=True)
    p.grad = rng.standard_normal(300).astype(np.float16)
    assert clip_grad_norm_(p, math.inf) == pytest.approx(np.linalg.norm(p.grad.astype(float)), rel=1e-6)


def test_float16_squares_do_not_overflow():
    p = tm.tensor(np.zeros(4, np.float16), requires_grad=True)
    p.grad = np.full(4, 300, np.float16)
    assert clip_grad_norm_([p], 1.0) == 600.0 and p.grad.dtype == np.float16
    np.testing.assert_allclose(p.grad, 0.5, rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("part", [1e-0, 0.55, 0.2, 1e-10])
@pytest.mark.parametrize("sign", [1, -1])
def test_gradients_near_the_ends_of_the_range(dtype, part, sign):
    """Their squares are infinite, or 0; the norm of all may be more than float32 holds."""
    p = tm.tensor(np.zeros(2, dtype), requires_grad=True)
    scale = np.exp(sign * part * np.log(float(np.finfo(dtype).max / 8)))
    p.grad = np.array([3 * scale, 4 * scale]).astype(dtype)
    assert clip_grad_norm_(p, math.inf) == pytest.approx(5 * scale, rel=1e-5, abs=0)
    clip_grad_norm_(p, 1.0)
    if sign > 0:
        np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-5)


def test_a_norm_beyond_float32():
    ps = [tm.tensor(np.zeros(2, np.float32), requires_grad=True) for _ in range(100)]
    for p in ps:
        p.grad = np.full(2, 3e38, np.float32)
    assert clip_grad_norm_(ps, 1.0) == pytest.approx(3e38 * 200**0.5, rel=1e-6)
    np.testing.assert_allclose([p.grad for p in ps], 200**-0.5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_bound_that_the_dtype_does_not_hold_cuts_nothing(dtype):
    p = tm.tensor(np.zeros(2, dtype), requires_grad=True)
    p.grad = np.array([np.finfo(dtype).max, -1], dtype)
    before = p.grad.copy()
    clip_grad_value_(p, 1e300)
    assert (p.grad == before).all() and p.grad.dtype == dtype


def test_an_infinite_bound_leaves_infinite_gradients():
    p = tm.tensor(np.zeros(3, np.float32), requires_grad=True)
    p.grad = np.array([math.inf, -math.inf, 2.0], np.float32)
    clip_grad_value_(p, math.inf)
    assert p.grad.tolist() == [math.inf, -math.inf, 2.0]


def test_one_parameter_may_come_alone():
    p = tm.tensor([0.0, 0.0], requires_grad=True)
    p.grad = np.array([30.0, 40.0], np.float32)
    assert clip_grad_norm_(p, 1.0) == 50.0
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-6)
    clip_grad_value_(p, 0.5)
    assert p.grad.tolist() == [0.5, 0.5]


def test_errors():
    with pytest.raises(ValueError, match="clip_grad_norm_: max_norm must be positive; got 0"):
        clip_grad_norm_([], 0)
    with pytest.raises(ValueError, match="clip_grad_value_: clip_value must not be negative; got -1"):
        clip_grad_value_([], -1)

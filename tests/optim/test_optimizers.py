"""SGD, Adam and AdamW: PyTorch's numbers over many steps, numbers by hand, groups, state, memory."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymm as tm
from tinymm.optim import SGD, Adam, AdamW
from tinymm.optim import optimizer as base

BLOCK = 64  # for these tests, so that small arrays are walked through in several pieces

PLAIN = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02}),
    (SGD, {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.02, "nesterov": True}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 1.0}),
    (Adam, {}),
    (Adam, {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    (AdamW, {}),
    (AdamW, {"lr": 0.05, "betas": (0.0, 0.5), "eps": 1e-6, "weight_decay": 0.3}),
]


# PyTorch 2.13 (float64) with these, from [1, −2], after gradients of [3, −0.5], [−1, 0.25] and [2, 4]
OF_TORCH = [
    [[0.7, -1.95], [0.8, -1.975], [0.6, -2.375]],
    [[0.7, -1.95], [0.53, -1.93], [0.177, -2.312]],
    [[0.698, -1.946], [0.4952228, -1.9121756], [0.17203000808, -2.15905659416]],
    [[0.4564, -1.9028], [0.44147696, -1.90638992], [-0.0113205490560002, -2.605443332288]],
    [[0.7, -1.95], [0.43, -1.905], [0.187, -1.8645]],
    [[0.999000000003333, -1.99900000002], [0.998599781433169, -1.99873366298708],
     [0.997996694944519, -1.9993378685735]],
    [[0.950016123831022, -1.95007132667618], [0.933551267277981, -1.92402277121127],
     [0.902681790411727, -1.95895153537538]],
    [[0.998990000003333, -1.99898000002], [0.998579791533169, -1.99869367318708],
     [0.997966719246604, -1.99927789183677]],
    [[0.935000016666661, -1.9200000999998], [0.947086651173659, -1.92655533755941],
     [0.881962869610236, -1.96360783534956]],
]
STATE_OF_TORCH = [  # after the third
    {},
    {"momentum_buffer": [3.53, 3.82]},
    {"momentum_buffer": [3.2319279192, 2.4688099416]},
    {"momentum_buffer": [3.1489319392, 3.7858274016]},
    {"momentum_buffer": [2.43, -0.405]},
    {"step": 3, "exp_avg": [0.353, 0.382], "exp_avg_sq": [0.013981009, 0.01631193775]},
    {"step": 3, "exp_avg": [0.893656876618791, 1.05092781900346],
     "exp_avg_sq": [0.691661583205365, 0.747144921197848]},
    {"step": 3, "exp_avg": [0.353, 0.382], "exp_avg_sq": [0.013981009, 0.01631193775]},
    {"step": 3, "exp_avg": [2.0, 4.0], "exp_avg_sq": [3.375, 8.046875]},
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(base, "BLOCK", BLOCK)


def parameters(shapes, rng, dtype=np.float64):
    return [tm.tensor(rng.standard_normal(shape).astype(dtype), requires_grad=True) for shape in shapes]


def steps(optimizer, rng, n=20):
    for _ in range(n):
        for p in optimizer.parameters:
            p.grad = rng.standard_normal(p.shape).astype(p.dtype)
        optimizer.step()


@pytest.mark.parametrize("case, expected, state", list(zip(PLAIN, OF_TORCH, STATE_OF_TORCH, strict=True)))
def test_equals_recorded_numbers_of_torch(case, expected, state):
    kind, options = case
    p = tm.tensor(np.array([1.0, -2.0]), requires_grad=True)
    optimizer = kind([p], **options)
    for g, after in zip(([3.0, -0.5], [-1.0, 0.25], [2.0, 4.0]), expected, strict=True):
        p.grad = np.array(g)
        optimizer.step()
        np.testing.assert_allclose(p.data, after, rtol=1e-13)
    assert list(optimizer.state[0]) == list(state)
    for name, value in state.items():
        np.testing.assert_allclose(optimizer.state[0][name], value, rtol=1e-13)


def test_groups_equal_recorded_numbers_of_torch():
    """PyTorch 2.13 (float64): each group with its own settings, each parameter with its own state; one that has no
    gradient stays, and so does its step count."""
    first, second, unused = (tm.tensor(np.array(x), requires_grad=True) for x in ([1.0, -2.0], [3.0], [0.5]))
    optimizer = AdamW([{"params": [first, unused], "lr": 0.1},
                       {"params": second, "weight_decay": 0.0, "betas": (0.5, 0.75)}], lr=0.02, weight_decay=0.5)
    for g, h, after, second_after in [
            ([3.0, -0.5], [1.0], [0.850000000333333, -1.800000002], [2.9800000002]),
            ([-1.0, 0.25], None, [0.767478143300243, -1.68336629860785], [2.9800000002]),
            ([2.0, 4.0], [-2.0], [0.668795587270267, -1.6596185423199], [2.99213953969965])]:
        first.grad, second.grad = np.array(g), h and np.array(h)
        optimizer.step()
        np.testing.assert_allclose(first.data, after, rtol=1e-13)
        np.testing.assert_allclose(second.data, second_after, rtol=1e-13)
    assert unused.tolist() == [0.5] and [state.get("step") for state in optimizer.state] == [3, None, 2]


@pytest.mark.parametrize("kind, options", PLAIN)
def test_equals_torch_over_many_steps(kind, options, rng):
    torch = pytest.importorskip("torch")
    ours = parameters([(3, 4), (5,), (), (BLOCK + 3,)], rng)
    theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
    mine, reference = kind(ours, **options), getattr(torch.optim, kind.__name__)(theirs, **{"lr": 1e-3, **options})
    for step in range(50):
        for i, (p, t) in enumerate(zip(ours, theirs)):
            is_used = i != 1 or step % 3 == 0  # a parameter that some batches do not reach keeps its own step count
            p.grad = rng.standard_normal(p.shape) * 10.0 ** (step % 5 - 2) if is_used else None
            t.grad = torch.tensor(p.grad) if is_used else None
        mine.step()
        reference.step()
    for p, t in zip(ours, theirs):
        np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_groups_equal_torch(rng):
    torch = pytest.importorskip("torch")
    ours = parameters([(3, 4), (5,)], rng)
    theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
    mine = AdamW([{"params": [ours[0]], "lr": 0.1}, {"params": ours[1], "weight_decay": 0.0}], lr=0.02,
                 weight_decay=0.5)
    reference = torch.optim.AdamW([{"params": [theirs[0]], "lr": 0.1}, {"params": [theirs[1]], "weight_decay": 0.0}],
                                  lr=0.02, weight_decay=0.5)
    for _ in range(10):
        for p, t in zip(ours, theirs):
            p.grad = rng.standard_normal(p.shape)
            t.grad = torch.tensor(p.grad)
        mine.step()
        reference.step()
    for p, t in zip(ours, theirs):
        np.testing.assert_allclose(p.data, t.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_sgd_momentum_by_hand():
    p = tm.tensor(np.array([1.0]), requires_grad=True)
    optimizer = SGD([p], lr=0.5, momentum=0.5)
    seen = []
    for g in (1.0, 2.0, -1.0):  # buffers 1, 2.5, 0.25
        p.grad = np.array([g])
        optimizer.step()
        seen.append(p.item())
    assert seen == [0.5, -0.75, -0.875]


def test_adam_by_hand():
    p = tm.tensor(np.array([0.0]), requires_grad=True)
    optimizer = Adam([p], lr=0.1, betas=(0.5, 0.75), eps=0.0)
    p.grad = np.array([3.0])
    optimizer.step()  # m̂ = 3, v̂ = 9: the first step is lr, whatever the size of the gradient
    assert p.item() == pytest.approx(-0.1, rel=1e-15)
    p.grad = np.array([-1.0])
    optimizer.step()  # m = 0.25, v = 1.9375; m̂ = 1/3, v̂ = 1.9375 / 0.4375
    assert p.item() == pytest.approx(-0.1 - 0.1 / 3 / math.sqrt(1.9375 / 0.4375), rel=1e-14)


@pytest.mark.parametrize("kind, options", PLAIN)
def test_float32_stays_and_drifts_little(kind, options, rng):
    shapes = [(7, 3), ()]
    single, double = parameters(shapes, np.random.default_rng(1), np.float32), \
        parameters(shapes, np.random.default_rng(1))
    for p, q in zip(single, double):
        q.data[...] = p.data
    steps(kind(single, **options), np.random.default_rng(2))
    steps(kind(double, **options), np.random.default_rng(2))
    for p, q in zip(single, double):
        assert p.dtype == np.float32
        # twenty steps round about a dozen times each; the gradients themselves are rounded to float32 once
        np.testing.assert_allclose(p.data, q.data, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("kind, options", PLAIN)
def test_any_memory_layout_gives_the_same_bits(kind, options, rng):
    results = []
    for lay in (np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]):
        draw = np.random.default_rng(3)
        p = tm.tensor(0.0, requires_grad=True)
        p.data = lay(draw.standard_normal((BLOCK // 8, 33)))
        optimizer = kind([p], **options)
        for _ in range(3):
            p.grad = lay(draw.standard_normal(p.shape))
            optimizer.step()
        results.append(p.data)
    assert all((r == results[0]).all() for r in results)


@pytest.mark.parametrize("kind, options", PLAIN)
def test_resumed_equals_undisturbed(kind, options, tmp_path):
    def build():
        return kind([{"params": parameters([(4, 2), ()], np.random.default_rng(5))}], **options)

    undisturbed = build()
    steps(undisturbed, np.random.default_rng(6), 9)
    first, second = build(), build()
    draw = np.random.default_rng(6)
    steps(first, draw, 4)
    np.savez(tmp_path / "state.npz", **first.state_dict())
    with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
        second.load_state_dict(saved)
    for p, q in zip(first.parameters, second.parameters):
        q.data[...] = p.data
    steps(second, draw, 5)
    for p, q in zip(undisturbed.parameters, second.parameters):
        assert (p.data == q.data).all()
    for key, value in undisturbed.state_dict().items():
        assert (value == second.state_dict()[key]).all(), key


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(-6, 6))
@settings(max_examples=15)
def test_adam_step_is_about_lr_whatever_the_scale(seed, scale):
    rng = np.random.default_rng(seed)
    p = tm.tensor(rng.standard_normal(6), requires_grad=True)
    before = p.data.copy()
    p.grad = 10.0 ** scale * rng.choice([-1.0, 1.0], 6) * rng.uniform(1, 2, 6)
    signs = np.sign(p.grad)
    Adam([p], lr=0.01, eps=0.0).step()
    np.testing.assert_allclose(p.data - before, -0.01 * signs, rtol=1e-10)


def test_adamw_with_no_gradient_signal_only_decays():
    p = tm.tensor(np.array([2.0, -4.0]), requires_grad=True)
    optimizer = AdamW([p], lr=0.5, weight_decay=0.5)
    p.grad = np.zeros(2)
    optimizer.step()
    assert p.tolist() == [1.5, -3.0]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_step_needs_little_memory(kind, monkeypatch):
    monkeypatch.setattr(base, "BLOCK", 32768)
    p = tm.tensor(np.zeros(10**6, np.float32), requires_grad=True)
    p.grad = np.ones_like(p.data)
    optimizer = kind([p], lr=0.1)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < p.data.nbytes / 8


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("kind, options", PLAIN)
@given(sizes=st.lists(st.integers(0, 3 * BLOCK), min_size=1, max_size=9))
@settings(max_examples=15)
def test_cores_that_share_the_parameters_give_the_same_bits(kind, options, sizes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "COST", 1e9)        # always worth a thread
        shared = kind(parameters(sizes, np.random.default_rng(0)), **options)
        steps(shared, np.random.default_rng(1), 3)
    alone = kind(parameters(sizes, np.random.default_rng(0)), **options)
    draw = np.random.default_rng(1)
    for _ in range(3):
        for p, state in zip(alone.parameters, alone.state):
            alone.update(p.data, draw.standard_normal(p.shape), state, alone.param_groups[0])
    assert all((p.data == q.data).all() for p, q in zip(alone.parameters, shared.parameters))
    assert {k: v.tolist() for k, v in alone.state_dict().items()} == {
        k: v.tolist() for k, v in shared.state_dict().items()}


def test_an_error_in_one_update_reaches_the_caller(two_threads, monkeypatch, rng):
    class Refusing(SGD):
        def update(self, p, g, state, group):
            if p is self.parameters[-1].data:
                raise ArithmeticError("the last one")

    monkeypatch.setattr(base, "COST", 1e9)
    optimizer = Refusing(parameters([3 * BLOCK] * 4, rng))
    with pytest.raises(ArithmeticError, match="the last one"):
        steps(optimizer, rng, 1)


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("shapes", [[(3, 2), (2,)], [(2,), (3, 2)]])
def test_a_gradient_of_another_shape_is_refused_before_anything_moves(kind, shapes, rng):
    optimizer = kind(parameters(shapes, rng))
    before = [p.data.copy() for p in optimizer.parameters]
    for p in optimizer.parameters:
        p.grad = np.ones((3, 2))
    with pytest.raises(ValueError, match=rf"{kind.__name__}: .* shape of its parameter, \(2,\); got \(3, 2\)"):
        optimizer.step()
    assert all((p.data == a).all() for p, a in zip(optimizer.parameters, before)) and not any(optimizer.state)


def test_the_gradient_is_left_alone(rng):
    for kind, options in PLAIN:
        p = parameters([(5,)], rng)[0]
        p.grad = rng.standard_normal(5)
        before = p.grad.copy()
        kind([p], **options).step()
        assert (p.grad == before).all()


def test_zero_grad_forgets():
    p, q = (tm.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = SGD([p, q])
    (p * q).backward([1.0])
    optimizer.zero_grad()
    assert p.grad is None and q.grad is None


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1, 3 * BLOCK - 1])
def test_blocks_cover_each_element_once(size):
    """Also a last block of one; the scratch array is in the shape and dtype of the first array's block."""
    counts, others, sizes = np.zeros(size, np.float32), np.arange(size), []
    for count, other, scratch in base.blocks(counts, others):
        assert scratch.shape == count.shape == other.shape and scratch.dtype == np.float32
        count += 1 + other
        sizes.append(count.size)
    assert (counts == 1 + others).all()
    assert sizes == [min(BLOCK, size - start) for start in range(0, max(size, 1), BLOCK)]


def test_a_parameter_and_a_gradient_of_different_layouts(rng):
    p = tm.tensor(rng.standard_normal((BLOCK, 3)), requires_grad=True)
    p.data = np.asfortranarray(p.data)
    p.grad = rng.standard_normal(p.shape)
    expected = p.data - 0.5 * p.grad
    SGD([p], lr=0.5).step()
    np.testing.assert_allclose(p.data, expected, rtol=1e-15)


def test_only_large_parameters_are_worth_a_thread(rng, monkeypatch):
    """COST multiplications for each of their elements; an even share of the line of parameters for each core."""
    calls = []
    monkeypatch.setattr(base, "parallel_for", lambda n, body, work: calls.append((n, work)))
    steps(SGD(parameters([0, 1, BLOCK - 1, BLOCK, 3 * BLOCK], rng)), rng, 1)
    assert calls == [(5 * BLOCK + 5, base.COST * 4 * BLOCK)]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_without_decay_an_infinite_parameter_has_no_part_in_its_step(kind):
    """As in PyTorch: nothing is multiplied by a decay of 0."""
    p = tm.tensor([math.inf, 1.0], requires_grad=True)
    optimizer = kind([p], lr=0.5, weight_decay=0.0)
    p.grad = np.array([1.0, 1.0], np.float32)
    optimizer.step()
    np.testing.assert_allclose(p.data, [math.inf, 0.5], rtol=1e-6)
    assert all(np.isfinite(value).all() for value in optimizer.state[0].values())


def test_parameters_may_come_from_a_generator(rng):
    ps = parameters([(2,), (3,)], rng)
    alone, grouped = SGD(p for p in ps), SGD([{"params": (p for p in ps)}])
    for optimizer in (alone, grouped):
        assert optimizer.parameters == optimizer.param_groups[0]["params"] == ps


def test_a_list_of_betas_is_copied():
    betas = [0.5, 0.75]
    optimizer = Adam([tm.tensor([1.0], requires_grad=True)], betas=betas)
    betas[0] = 2.0
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.75)


def test_an_array_assigned_to_data_is_what_gets_updated():
    p = tm.tensor([1.0], requires_grad=True)
    optimizer = SGD([p], lr=1.0)
    p.data = np.array([5.0], np.float32)
    p.grad = np.array([1.0], np.float32)
    optimizer.step()
    assert p.tolist() == [4.0]


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_one_huge_gradient_does_not_stop_adam(kind):
    """(1 − β₂) g² is in range where g² is not."""
    p = tm.tensor([1.0], requires_grad=True)
    optimizer = kind([p], lr=0.1, weight_decay=0.0)
    for g in (1e20, *[1.0] * 50):
        p.grad = np.array([g], np.float32)
        optimizer.step()
    assert p.item() == pytest.approx(0.4031256437301636, rel=1e-6)  # PyTorch's number


@pytest.mark.parametrize("kind, options", PLAIN)
@pytest.mark.parametrize("size", [0.0, 1e-6, 300.0])
def test_float16_moves_as_float32_does(kind, options, size):
    """ε is 0 in float16, and so is the square of 1e-4; that of 300 is infinite."""
    half, single = (tm.tensor(np.ones(3, dtype), requires_grad=True) for dtype in (np.float16, np.float32))
    for p in (half, single):
        optimizer = kind([p], **options)
        for sign in (1, 1, -1):
            p.grad = np.full(3, sign * size, p.dtype)
            optimizer.step()
    assert half.dtype == np.float16
    np.testing.assert_allclose(half.data, single.data.astype(np.float16), rtol=2e-3)

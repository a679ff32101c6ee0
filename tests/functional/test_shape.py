"""Shapes and joints where spec rows do not go: errors, views, aliases."""

import numpy as np
import pytest

import tinymm as tm
import tinymm.functional as F


@pytest.mark.parametrize("call, words", [
    (lambda x: F.reshape(x, (4, 2)), r"reshape: .*\(2, 3\) to \(4, 2\)"),
    (lambda x: F.permute(x, (0, 0)), r"permute: .*\(2, 3\).*\(0, 0\)"),
    (lambda x: F.broadcast_to(x, (3, 3)), r"broadcast_to: \(2, 3\).*\(3, 3\)"),
    (lambda x: F.expand(x, (-1, 2, 3)), r"expand: \(2, 3\).*\(-1, 2, 3\)"),
    (lambda x: F.expand(x, (3,)), r"expand: \(2, 3\)"),
    (lambda x: F.flatten(x, 1, 0), "flatten: start_dim must not come after"),
    (lambda x: F.squeeze(x, 2), "squeeze: axis 2 is out of bounds for array of dimension 2"),
    (lambda x: F.concatenate([x, x.T]), r"concatenate: .*axis 0; got \(2, 3\), \(3, 2\)"),
    (lambda x: F.concatenate([]), "concatenate: .*no arrays"),
    (lambda x: F.stack([x, x.T]), r"stack: .*\(2, 3\), \(3, 2\)"),
    (lambda x: F.split(x, [1, 1], 1), r"split: .*add up to 3.*\[1, 1\]"),
    (lambda x: F.split(x, 0), "split: .*positive; got 0"),
    (lambda x: F.pad(x, (1, 2, 3)), r"pad: .*pair.*\(2, 3\).*\(1, 2, 3\)"),
    (lambda x: F.pad(x, (-2, -2)), r"pad: cannot crop"),
    (lambda x: F.pad(x, (1, 1), "reflect"), "pad: .*'reflect'"),
])
def test_errors_name_the_op_the_rule_and_what_came(call, words):
    for x in (np.zeros((2, 3)), tm.tensor(np.zeros((2, 3)), requires_grad=True)):
        with pytest.raises(ValueError, match=words):
            call(x)


def test_arrangements_are_views():
    x = np.arange(6.0).reshape(2, 3)
    for y in (F.reshape(x, 6), F.permute(x, (1, 0)), F.transpose(x, 0, 1), F.expand(x[:, :1], (-1, 3)), F.flip(x, 1),
              F.unsqueeze(x, 0), F.split(x, 2, 1)[1], F.getitem(x, (slice(None), 1))):
        assert np.shares_memory(x, y)


def test_a_gradient_through_a_view_is_memory_of_its_own():
    x = tm.tensor(np.ones((2, 3)), requires_grad=True)
    g = np.ones((3, 2))
    x.T.backward(g)
    assert not np.shares_memory(x.grad, g)
    x.grad += 1  # writable, too
    y = tm.tensor(np.ones(3), requires_grad=True)
    y.sum().backward()
    y.grad += 1


def test_only_pieces_that_were_used_bring_a_gradient():
    x = tm.tensor(np.ones(5), requires_grad=True)
    F.split(x, [2, 3])[1].backward([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(x.grad, [0, 0, 1, 2, 3])


def test_torch_names():
    x = np.zeros((2, 3))
    assert F.cat is F.concatenate and F.swapaxes is F.transpose and F.clamp is F.clip
    assert F.cat([x, x], dim=1).shape == (2, 6) and F.stack([x, x], dim=-1).shape == (2, 3, 2)
    assert F.unsqueeze(x, dim=0).shape == (1, 2, 3) and F.sum(x, dim=0, keepdim=True).shape == (1, 3)

"""Rows for `tinymm.functional.normalization`."""

import math

import numpy as np

from ...functional import batch_norm, group_norm
from ..specification import spec
from ..strategies import arrays, calls, positive, shapes, st


def rows(extras):
    """An input, how many of its last axes are normalised (as their shape),
    and `extras` arrays of that shape or none."""
    def fixed(shape):
        def with_axes(k):
            last = shape[-k:]
            given = [st.one_of(st.none(), arrays(last)) for _ in range(extras)]
            # elements of one row at least 0.05 apart: the variance keeps away from 0, where the curvature grows
            return calls(arrays(shape, distinct=True), last if k > 1 else st.sampled_from((last, last[0])), *given,
                         st.sampled_from((1e-5, 1e-2, 0.0)))
        return st.integers(1, len(shape)).flatmap(with_axes)
    return shapes(1, 3, min_side=2).flatmap(fixed)


def statistics(values):
    """Mean and biased variance of a list of numbers, summed exactly."""
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((v - mean) ** 2 for v in values) / len(values)


def layer_reference(x, shape, weight, bias, eps):
    n = int(np.prod(shape))
    hat = []
    for row in x.reshape(-1, n):
        mean, var = statistics(row.tolist())
        hat.append([(v - mean) / math.sqrt(var + eps) for v in row.tolist()])
    return np.reshape(hat, x.shape) * (1 if weight is None else weight) + (0 if bias is None else bias)


def rms_reference(x, shape, weight, eps):
    n = int(np.prod(shape))
    hat = [[v / math.sqrt(math.fsum(u * u for u in row) / n + eps) for v in row] for row in x.reshape(-1, n).tolist()]
    return np.reshape(hat, x.shape) * (1 if weight is None else weight)


def as_tuple(shape):
    return (shape,) if isinstance(shape, int) else shape


spec("layer_norm", lambda: rows(2), layer_reference,
     lambda torch, x, shape, *rest: torch.nn.functional.layer_norm(x, as_tuple(shape), *rest))
spec("rms_norm", lambda: rows(1), rms_reference,
     lambda torch, x, shape, *rest: torch.nn.functional.rms_norm(x, as_tuple(shape), *rest))


def images():
    """(N, C), (N, C, L) or (N, C, H, W), at least two numbers per channel."""
    return shapes(2, 4, min_side=2, max_side=3)


def grouped():
    def fixed(shape):
        shape = (shape[0], 2 * shape[1], *shape[2:])
        optional = st.one_of(st.none(), arrays(shape[1:2]))
        return calls(arrays(shape, distinct=True), st.sampled_from((1, 2, shape[1] // 2)), optional, optional,
                     st.sampled_from((1e-3, 0.1, 0.0)))
    return images().flatmap(fixed)


def group_reference(x, groups, weight, bias, eps):
    hat = layer_reference(x.reshape(len(x), groups, -1), (x[0].size // groups,), None, None, eps).reshape(x.shape)
    channels = (-1, *[1] * (x.ndim - 2))
    return hat * (1 if weight is None else weight.reshape(channels)) + (0 if bias is None else bias.reshape(channels))


def torch_group_norm(torch, x, groups, weight, bias, eps):
    weight = torch.ones(x.shape[1], dtype=x.dtype) if weight is None else weight  # PyTorch takes no bias alone
    return torch.nn.functional.group_norm(x, groups, weight, bias, eps)


spec("layer_norm", grouped, group_reference, torch_group_norm, function=group_norm)


def batches(training):
    """Batch norm. The running statistics are keywords, since they are constants; with them it evaluates."""
    def fixed(shape):
        C = shape[1:2]
        optional = st.one_of(st.none(), arrays(C))
        keywords = dict(training=True) if training else dict(running_mean=arrays(C), running_var=positive(C))
        return calls(arrays(shape, distinct=True), optional, optional, eps=st.sampled_from((1e-3, 0.1, 1.0)),  # > 0
                     **keywords)
    return images().flatmap(fixed)


def affine_first(x, weight, bias, **keywords):
    return batch_norm(x, weight=weight, bias=bias, **keywords)


def batch_reference(x, weight, bias, eps, running_mean=None, running_var=None, training=False):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        mean, var = statistics(x[:, c].ravel().tolist()) if training else (running_mean[c], running_var[c])
        y[:, c] = (x[:, c] - mean) / math.sqrt(var + eps) * (1 if weight is None else weight[c])
        y[:, c] += 0 if bias is None else bias[c]
    return y


def torch_batch_norm(torch, x, weight, bias, running_mean=None, running_var=None, **keywords):
    return torch.nn.functional.batch_norm(x, running_mean, running_var, weight, bias, **keywords)


spec("batch_norm", lambda: batches(True), batch_reference, torch_batch_norm, function=affine_first,
     public="batch_norm")
spec("batch_norm", lambda: batches(False), batch_reference, torch_batch_norm, function=affine_first,
     public="batch_norm")

"""One row per function with something to hide: a mask, an index, padding. `test_hidden.py` goes over all rows.

A row is a function of a Generator, a dtype: what is called with Tensors, its arrays, and of each array what is hidden
(a boolean array, or None); then of its result where a cotangent has nothing to say (a boolean array, or None).
"""

import numpy as np

import tinymm.functional as F

ROWS = {}  # name, that of the function and perhaps `:` and a variant -> row
B, H, T, S, D, E = 2, 2, 4, 5, 3, 2


def row(*names):
    def add(build):
        for name in names:
            ROWS[name] = lambda rng, dtype, name=name: build(rng, dtype, name.partition(":")[0], name.partition(":")[2])
        return build
    return add


def normal(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def some(rng, *shape):
    """Booleans, about two thirds True, never all the same in the last axis."""
    mask = rng.random(shape) < 0.6
    mask[..., 0], mask[..., -1] = True, False
    return mask


FORMS = "attention", "explicit_attention", "fused_attention", "tiled_attention", "scaled_dot_product_attention"


@row(*(f"{form}:{kind}" for form in FORMS for kind in ("boolean", "additive", "padding")))
def forms(rng, dtype, name, kind):
    """A mask that differs from query to query, with rows and columns that are hidden throughout."""
    mask = some(rng, B, 1, 1, S) & (rng.random((B, 1, T, 1)) < 0.7)
    mask = mask if kind != "boolean" else mask & (rng.random((B, 1, T, S)) < 0.8)
    query, key = (~np.broadcast_to(mask.any(k), (B, H, n)) for k, n in ((-1, T), (-2, S)))
    given = np.where(mask, 0.5, -np.inf).astype(dtype) if kind == "additive" else mask
    arrays = [normal(rng, dtype, B, H, n, width) for n, width in ((T, D), (S, D), (S, E))]

    def f(q, k, v):
        y = getattr(F, name)(q, k, v, given)
        return y[0] if name == "attention" else y
    return f, arrays, [np.repeat(m[..., None], a.shape[-1], -1) for m, a in zip((query, key, key), arrays)], \
        np.repeat(query[..., None], E, -1)


@row(*(f"{form}:causal" for form in FORMS), "linear_attention:causal", "quadratic_linear_attention:causal",
     "causal_product", "grouped_query_attention:causal")
def causal(rng, dtype, name, _):
    """The past, seen alone: the future has no cotangent, and what stands there is hidden."""
    cut, options = int(rng.integers(1, T)), {} if name == "causal_product" else {"is_causal": True}
    q, k, v = (np.abs(normal(rng, dtype, B, H, T, width)) for width in (D, D, E))

    def f(v):
        y = getattr(F, name)(q, k, v, **options)
        return (y[0] if isinstance(y, tuple) else y)[..., :cut, :]
    return f, [v], [np.broadcast_to(np.arange(T)[:, None] >= cut, v.shape)], None


@row("linear_attention:padding", "quadratic_linear_attention:padding")
def linear(rng, dtype, name, _):
    mask, arrays = some(rng, B, 1, S), [normal(rng, dtype, B, H, n, width) for n, width in ((T, D), (S, D), (S, E))]
    hidden = [np.broadcast_to(~mask[..., None], a.shape) for a in arrays[1:]]

    def f(*inputs):
        y = getattr(F, name)(*inputs, mask)
        return y[0] if isinstance(y, tuple) else y
    return f, arrays, [None, *hidden], None


@row("grouped_query_attention:padding", "scaled_dot_product_attention:grouped")
def grouped(rng, dtype, name, _):
    mask = some(rng, B, 1, 1, S)
    arrays = [normal(rng, dtype, B, h, n, width) for h, n, width in ((2 * H, T, D), (H, S, D), (H, S, E))]
    hidden = [np.broadcast_to(~mask[:, :, 0, :, None], a.shape) for a in arrays[1:]]
    options = {} if name.startswith("grouped") else {"enable_gqa": True}

    def f(*inputs):
        y = getattr(F, name)(*inputs, mask, **options)
        return y[0] if isinstance(y, tuple) else y
    return f, arrays, [None, *hidden], None


@row("attention_weights", "attention_weights:additive", "attention_entropy", "local_weights", "expected_reward",
     "location_log_probability", "attention_sum", "weighted_sum", "attention_sum:hard")
def steps(rng, dtype, name, kind):
    """Scores that are hidden; of a sum, values that have no weight."""
    mask, scores = some(rng, B, 1, S), normal(rng, dtype, B, T, S)
    hidden = np.broadcast_to(~mask, scores.shape)
    if name in ("attention_sum", "weighted_sum"):
        weights = np.where(mask, scores, 0)
        weights = np.asarray(np.eye(S, dtype=dtype)[np.zeros((B, T), int)] if kind == "hard" else weights)
        unseen = np.broadcast_to(~(weights != 0).any(1)[..., None], (B, S, E))
        return lambda v: getattr(F, name)(weights, v), [normal(rng, dtype, B, S, E)], [unseen], None
    if name == "expected_reward":
        return lambda e, r: F.expected_reward(e, r, mask), [scores, normal(rng, dtype, B, T, S)], [hidden] * 2, None
    extra = {"local_weights": [np.abs(normal(rng, dtype, B, T)), 2.0],
             "location_log_probability": [np.eye(S, dtype=dtype)[np.zeros((B, T), int)]]}.get(name, [])
    given = np.where(mask, 0, -np.inf).astype(dtype) if kind == "additive" else mask
    return lambda e: getattr(F, name)(e, *extra, given), [scores], [hidden], None


@row("lstm", "gru", "rnn_tanh", "lstm:reverse", "gru:reverse", "rnn_tanh:reverse", "scan")
def recurrent(rng, dtype, name, direction):
    gates = {"lstm": 4, "gru": 3}.get(name, 1)
    mask = some(rng, B, T)
    states = [normal(rng, dtype, B, E) for _ in range(2 if name == "lstm" else 1)]
    arrays = [normal(rng, dtype, B, T, D), *states, normal(rng, dtype, gates * E, D), normal(rng, dtype, gates * E, E)]

    def f(x, *rest):
        if name == "scan":
            h, w, u = rest
            outputs = F.scan(lambda x, s: (F.rnn_tanh_cell(x, s[0], w, u),), x, (h,), mask)
        else:
            outputs = getattr(F, name)(x, *rest, mask=mask, reverse=direction == "reverse")
        return F.concatenate([outputs[0], F.unsqueeze(outputs[-1], 1)], 1)
    return f, arrays, [np.broadcast_to(~mask[..., None], (B, T, D)), *[None] * (len(arrays) - 1)], None


@row(*(f"{loss}:{kind}" for loss in ("cross_entropy", "index_cross_entropy", "nll_loss") for kind in
       ("mean", "sum", "none", "mean weighted", "none weighted")),
     *(f"cross_entropy:{kind} smooth" for kind in ("mean", "none", "mean weighted", "none weighted")))
def class_losses(rng, dtype, name, kind):
    C, ignored = 3, ~some(rng, B, T)
    target = np.where(ignored, -7, rng.integers(0, C, (B, T)))
    options = dict(ignore_index=-7, reduction=kind.partition(" ")[0])
    options |= {"weight": rng.uniform(0.5, 2, C)} if "weighted" in kind else {}
    options |= {"label_smoothing": 0.2} if "smooth" in kind else {}
    hidden = np.broadcast_to(ignored[:, None], (B, C, T))
    return lambda x: getattr(F, name)(x, target, **options), [normal(rng, dtype, B, C, T)], [hidden], \
        ignored if options["reduction"] == "none" else None


@row("ctc_loss", "ctc_losses")
def ctc(rng, dtype, name, _):
    lengths = np.array([T, T - 2])
    x = F.log_softmax(normal(rng, dtype, T, B, 3), -1)
    hidden = np.broadcast_to((np.arange(T)[:, None] >= lengths)[..., None], x.shape)
    return lambda x: getattr(F, name)(x, [[1, 2], [2, 0]], lengths, [2, 1]), [x], [hidden], None


@row("where", "where:zero", "masked_fill", "clip")
def chosen(rng, dtype, name, kind):
    mask, a, b = some(rng, T, S), normal(rng, dtype, T, S), normal(rng, dtype, T, S)
    if name == "masked_fill":
        return lambda x, v: F.masked_fill(x, mask, v), [a, normal(rng, dtype)], [mask, None], None
    if name == "clip":          # a bound that does not cut gets nothing, whatever comes back from beyond it
        return lambda x: F.clip(x, -0.5, 0.5), [a], [None], np.abs(a) > 0.5
    if kind == "zero":
        return lambda x: F.where(mask, x, 0), [a], [~mask], ~mask
    return lambda x, y: F.where(mask, x, y), [a, b], [~mask, mask], None


@row("getitem", "getitem:mask", "gather", "take_along_axis", "embedding", "embedding:padding", "place", "index_add",
     "scatter_add")
def indexed(rng, dtype, name, kind):
    """Rows that nobody reads; of a table with a padding row, that row in the cotangent."""
    x, rows = normal(rng, dtype, S, D), np.array([0, 2, 2])
    unread = np.broadcast_to(~np.isin(np.arange(S), rows)[:, None], x.shape)
    index = np.repeat(rows[:, None], D, 1)
    if kind == "padding":
        return lambda w: F.embedding(rows, w, padding_idx=2), [x], [None], np.broadcast_to(rows[:, None] == 2, (3, D))
    if kind == "mask":
        return lambda x: F.getitem(x, ~unread), [x], [unread], None
    source = normal(rng, dtype, 3, D)
    calls = {"getitem": lambda x: F.getitem(x, rows), "gather": lambda x: F.gather(x, 0, index),
             "take_along_axis": lambda x: F.take_along_axis(x, index, 0), "embedding": lambda x: F.embedding(rows, x)}
    if name in calls:
        return calls[name], [x], [unread], None
    adders = {"place": lambda s: F.place(s, rows, (S, D)), "index_add": lambda s: F.index_add(x, 0, rows, s),
              "scatter_add": lambda s: F.scatter_add(x, 0, index, s)}
    return adders[name], [source], [None], unread


@row("count_sketch")
def sketched(rng, dtype, name, _):
    """Into two of four places nothing is thrown."""
    index, sign = np.array([0, 2, 2]), np.array([1, -1, 1])
    return lambda x: F.count_sketch(x, index, sign, 4), [normal(rng, dtype, T, 3)], [None], \
        np.broadcast_to(~np.isin(np.arange(4), index), (T, 4))


@row("dropout", "relu")
def zeros(rng, dtype, name, _):
    """Where the result is a zero that was chosen, its cotangent has no meaning; what was dropped has none either."""
    x = normal(rng, dtype, T, S)
    if name == "relu":
        return F.relu, [x], [None], x < 0
    dropped = F.dropout(np.ones((T, S)), 0.4, True, np.random.default_rng(0)) == 0
    return lambda x: F.dropout(x, 0.4, True, np.random.default_rng(0)), [x], [dropped], dropped


@row("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "conv2d", "conv1d", "conv_transpose2d", "conv3d")
def windows(rng, dtype, name, _):
    """A pixel that only windows see which are cut off the result, or that no window sees."""
    channels = 2
    if name == "conv1d":
        corner = np.broadcast_to(np.arange(7) == 6, (1, channels, 7))
        return lambda x: F.conv1d(x, np.ones((2, channels, 3), dtype), padding=1)[..., :5], \
            [normal(rng, dtype, 1, channels, 7)], [corner], None
    corner = np.broadcast_to((np.arange(7)[:, None] == 6) & (np.arange(7) == 6), (1, channels, 7, 7))
    weight = normal(rng, dtype, channels, channels, 3, 3)
    calls = {"max_pool2d": lambda x: F.max_pool2d(x, 3, 1, 1)[..., :5, :5],
             "avg_pool2d": lambda x: F.avg_pool2d(x, 3, 1, 1)[..., :5, :5],
             "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 7)[..., :6, :6],
             "conv2d": lambda x: F.conv2d(x, weight, padding=1)[..., :5, :5],
             "conv_transpose2d": lambda x: F.conv_transpose2d(x, weight)[..., :6, :6],
             "conv3d": lambda x: F.conv3d(F.unsqueeze(x, 2), weight[:, :, None], padding=(0, 1, 1))[..., :5, :5]}
    return calls[name], [normal(rng, dtype, 1, channels, 7, 7)], [corner], None

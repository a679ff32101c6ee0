"""Mutants that no check can tell from the original, one by one, each with the reason.

An entry names the function, the changed line as it then reads, and why the gradient is the same. One that matches no
mutant any more, or one that a check kills, is reported as stale.
"""

__all__ = ["EQUIVALENT"]

SAME = "the general way, slower, to the same numbers"
SYMMETRIC = "the two arguments of the function play the same part"
CLIPPED = "np.clip(a, x, b) and np.clip(x, a, b) are both min(max(a, x), b)"
SIZE_ONLY = "only the size is read, which x and the target have in common"
ANY_LENGTH = "NumPy takes any negative length for the one to work out"
NEVER_CALLED = "the gradient of an input that is None is never asked for"
TAPE_SUMS = "the tape sums over axes that the input does not have"
TAPE_CASTS = "the tape casts to the input's dtype; the quotient differs by a rounding at most"

EQUIVALENT = [  # (function, changed line, reason)
    ("activations.tanh_gelu_slope", "z = np.clip(-10.0, x, 10.0)", CLIPPED),
    ("activations.tanh_gelu_slope", "z = np.clip(x, -20.0, 10.0)", "Φ(1 − Φ) is 0 in floating point beyond 10 already"),
    ("activations.tanh_gelu_slope", "z = np.clip(x, -10.0, 20.0)", "Φ(1 − Φ) is 0 in floating point beyond 10 already"),
    ("arithmetic.power_vjp", "if False:", "for a number as exponent the array formula gives the same numbers"),
    ("arithmetic.power_vjp", "if not np.ndim(y):", "where y is 0-d so is b; otherwise " + SAME),
    ("arithmetic.power_vjp", "return g * b * a ** np.where((a == 0) & (b == 0), 2.0, b - 1)", "0 to either power is 0"),
    ("dropping.dropout_vjp", "return g * mask * scale", "without a mask both are one: g ⊙ True · 1 is g"),
    ("dropping.dropout_vjp", "return g if scale is True else g * mask * scale", "without a mask both are one: g ⊙ True · 1 is g"),
    ("dropping.dropout_vjp", "return g if mask is False else g * mask * scale", "without a mask both are one: g ⊙ True · 1 is g"),
    ("extremes.to_chosen", "n = np.sum(chosen, axis=axes, keepdims=True)", TAPE_CASTS),
    ("linalg.matmul_vjp", "if False:", "stacks of no axes: " + SAME),
    ("linalg.matmul_vjp", "if a.ndim == b.ndim == 3:", TAPE_SUMS),
    ("linalg.matmul_vjp", "A = a[None, :]", "one more axis of length 1 in front; " + TAPE_SUMS),
    ("linalg.matmul_vjp", "return d", TAPE_SUMS),
    ("linalg.matmul_vjp", "return d[..., 0, :] if a.ndim == 0 else d", TAPE_SUMS),
    ("linalg.matmul_vjp", "return d if a.ndim == 1 else d", TAPE_SUMS),
    ("linalg.matmul_vjp", "return d[..., -1, :] if a.ndim == 1 else d", "that axis has length 1: its first element is its last"),
    ("linalg.matmul_vjp", "return d[..., -1] if b.ndim == 1 else d", "that axis has length 1: its first element is its last"),
    ("linalg.rows", "return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))", "a matrix in its own shape is itself"),
    ("linalg.linear_vjp", "return (lambda: (G @ weight).reshape(input.shape), lambda: G.T @ rows(input), g)", TAPE_SUMS),
    ("linalg.linear_vjp", "lambda: G)", TAPE_SUMS),
    ("linalg.norm_vjp", "if False:", "|x|⁰ = 1: the formula for every p says the same for p = 1"),
    ("linalg.norm_vjp", "if ord == 0:", "|x|⁰ = 1: the formula for every p says the same for p = 1"),
    ("linalg.norm_vjp", "y = where(y == 0, 2, y)", "it divides x, which is 0 wherever y is"),
    ("linalg.norm_vjp", "return spread(g, axis, x.shape) * sign(x) * (where(x == 0, 2, abs(x)) / spread(y, axis, x.shape)) "
                        "** (ord - 1)", "it is multiplied by sign(0) = 0"),
    ("losses.mse_loss_vjp", "d = share(g, target, reduction) * (2 * (x - target))", SIZE_ONLY),
    ("losses.l1_loss_vjp", "d = share(g, target, reduction) * np.sign(x - target)", SIZE_ONLY),
    ("losses.huber_loss_vjp", "d = share(g, target, reduction) * np.clip(x - target, -delta, delta)", SIZE_ONLY),
    ("losses.huber_loss_vjp", "d = share(g, x, reduction) * np.clip(-delta, x - target, delta)", CLIPPED),
    ("losses.smooth_l1_loss_vjp", "d = share(g, target, reduction) * np.clip((x - target) / beta, -1.0, 1.0)", SIZE_ONLY),
    ("losses.smooth_l1_loss_vjp", "d = share(g, x, reduction) * np.clip(-1.0, (x - target) / beta, 1.0)", CLIPPED),
    ("losses.kl_div_vjp", "g = share(g, target, reduction)", SIZE_ONLY),
    ("losses.kl_div_vjp", "return lambda: -g * target, lambda: g * np.where(target > 0, np.log(np.where(target > 0, target, 2)) "
                          "+ 1 - x, 0)", "the inner number keeps the logarithm quiet; the outer choice drops it"),
    ("losses.binary_cross_entropy_with_logits_vjp", "g = share(g, target, reduction)", SIZE_ONLY),
    ("reductions.std_vjp", "share = where(y == 0, 0, g) / where(y == 0, 2, y)", "it divides a 0"),
    ("reductions.prod_composite", "y = line[..., -1] if line.shape[-1] else sum(line, -1) + 1",
     "one element is left: the first is the last"),
    ("reductions.logsumexp_vjp", "finite = spread(where(y == -math.inf, 1, y), axis, x.shape)", "e^(−∞ − c) = 0 for every finite c"),
    ("reductions.logsumexp_vjp", "finite = spread(where(y == -math.inf, -1, y), axis, x.shape)", "e^(−∞ − c) = 0 for every finite c"),
    ("shape.permute_vjp", "inverse = [1] * len(dims)", "every element is overwritten"),
    ("shape.permute_vjp", "inverse = [-1] * len(dims)", "every element is overwritten"),
    ("shape.transpose_vjp", "return transpose(g, dim1, dim0)", SYMMETRIC),
    ("shape._tuple", "return axis if isinstance(axis, (tuple, list)) else (axis,)", "a list is read as a tuple is"),
    ("softmaxes.softmax_vjp", "x = g - inner(y, g, dim)", SYMMETRIC),
    ("softmaxes.softmax_composite", "return e / (total - (total == 0))", "0 / −1 and 0 / 1 are both 0"),
    ("softmaxes.ceiling", "if False:", SAME),
    ("softmaxes.ceiling", "if x.size:", "the element at the argmax is the maximum along every axis"),
    ("softmaxes.ceiling", "if x.size and is_last(0, x):", "both branches find the same maximum"),
    ("softmaxes.ceiling", "if x.size and is_last(-1, x):", "both branches find the same maximum"),
    ("softmaxes.ceiling", "if x.size and dim:", "both branches find the same maximum"),
    ("softmaxes.ceiling", "top = np.take_along_axis(x, x.argmax(dim, keepdims=True), -1)", "in this branch dim is the last axis"),
    ("softmaxes.ceiling", "top = np.take_along_axis(x, x.argmax(-1, keepdims=True), dim)", "in this branch dim is the last axis"),
    ("softmaxes.ceiling", "top[top == -np.inf] = 1", "−∞ less any number is −∞"),
    ("softmaxes.ceiling", "top[top == -np.inf] = -1", "−∞ less any number is −∞"),
    ("softmaxes.inner", "if True:", SAME),
    ("softmaxes.inner", "if not is_last(0, a):", "axis 0 is the last only of vectors; otherwise " + SAME),
    ("softmaxes.inner", "return np.vecdot(a, np.ones(a.shape, a.dtype) if b is None else b)[..., None]",
     "ones for every row instead of ones that broadcast"),
    ("softmaxes.is_last", "return dim in (-1, x.ndim + 1)", "a last axis that is not recognised: " + SAME),
    ("softmaxes.is_last", "return dim in (-1, x.ndim)", "a last axis that is not recognised: " + SAME),
    ("softmaxes.is_last", "return dim in (-1, -1)", "a last axis that is not recognised: " + SAME),
    ("softmaxes.is_last", "return dim in (-1, x.ndim - 0)", "a last axis that is not recognised: " + SAME),
    ("class_losses.index_cross_entropy_vjp", "if True:", "without smoothing its share is 0"),
    ("class_losses.index_cross_entropy_composite", "if True:", "without smoothing its share is 0"),
    ("class_losses.index_cross_entropy_composite", "loss = -(np.where(q != 0, log_softmax(x, axis), 1) * q).sum(axis, keepdims=True)",
     "it is multiplied by q = 0"),
    ("class_losses.index_cross_entropy_composite", "loss = -(np.where(q != 0, log_softmax(x, axis), -1) * q).sum(axis, keepdims=True)",
     "it is multiplied by q = 0"),
    ("class_losses.chosen_classes", "where = np.expand_dims(np.where(kept, target, 0), axis)",
     "NumPy takes an index of any integer dtype"),
    ("class_losses.chosen_classes", "where = np.expand_dims(np.where(kept, target, -1).astype(np.intp), axis)",
     "a place that is ignored has weight 0, whatever class stands for it"),
    ("class_losses.smoothing", "return (share * (label_smoothing / classes)).reshape(-2, *[1] * (x.ndim - axis - 1))",
     ANY_LENGTH),
    ("class_losses.mean_divisor", "total = w.sum()", "the same number, as NumPy's scalar of the same dtype"),
    ("normalization.layer_norm_vjp", "shift = hat * row_mean(hat, d)", SYMMETRIC),
    ("normalization.rms_norm_vjp", "d -= hat * row_mean(hat, d)", SYMMETRIC),
    ("normalization.rms_norm_vjp", "return wrt_x, None, affine_gradients(hat, rows, weight, None)[0]", SYMMETRIC),
    ("normalization.batch_norm_vjp", "return wrt_x, None, None, lambda: product.reshape(-2), lambda: total.reshape(-1)", ANY_LENGTH),
    ("normalization.batch_norm_vjp", "return wrt_x, None, None, lambda: product.reshape(-1), lambda: total.reshape(-2)", ANY_LENGTH),
    ("normalization.machine_epsilon", "return np.finfo(x.dtype).eps if eps is None else eps",
     "the same number, as NumPy's scalar of x's dtype"),
    ("normalization.row_mean", "b = np.ones(a.shape, a.dtype) if b is None else b", "ones for every row instead of ones that broadcast"),
    ("normalization.scaled", "y = rows * (1 if weight is None else weight.reshape(-2))", ANY_LENGTH),
    ("normalization.scaled", "y += bias.reshape(-2)", ANY_LENGTH),
    ("normalization.affine_gradients", "return (lambda: np.einsum('ij,ij->j', rows, hat).reshape(weight.shape),", NEVER_CALLED),
    ("normalization.affine_gradients", "return (None if weight is None else lambda: np.einsum('ij,ij->j', hat, rows)"
                                       ".reshape(weight.shape),", SYMMETRIC),
    ("normalization.affine_gradients", "lambda: rows.sum(0).reshape(bias.shape))", NEVER_CALLED),
    ("normalization.affine_gradients", "None if hat is None else lambda: rows.sum(0).reshape(bias.shape))", NEVER_CALLED),
    ("normalization.but_channels", "return (*range(2, x.ndim), 0)", "a sum does not mind the order of its axes"),
    ("normalization.over_channels", "return [None if a is None else a.reshape((1, -2, *[1] * (x.ndim - 2))) for a in vectors]",
     ANY_LENGTH),
]

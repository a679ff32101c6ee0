"""Fusions of vectors and of decisions by their formulas, one example and one coordinate at a time, in plain NumPy.

`slow(fusion, inputs, masks, present)` as in `slow.py`. Every bilinear form is computed from its whole tensor of
weights, every tensor from its definition; a bias is the weight of a 1 that stands before the features.
"""

import functools
import itertools
import math

import numpy as np

__all__ = ["addition", "at_each_position", "bilinear", "block", "concatenation", "film", "gated_unit", "gating",
           "low_rank", "mcb", "mean_of_decisions", "mfb", "mfh", "missing_tokens", "mlb", "mutan", "product_of_experts",
           "stacked_decisions", "tensor", "weighted_decisions", "wrapped"]


def each_example(define):
    """`define(fusion, vectors, here)` → (z, weights) of one example, absent vectors zero, for all examples."""
    def slow(fusion, inputs, masks, present):
        def vectors(b):
            return [x[b] if there else np.zeros_like(x[b]) for x, there in zip(inputs, present[b])]
        return collected([define(fusion, vectors(b), here) for b, here in enumerate(present)])
    slow.define = define
    return slow


def collected(rows):
    """(z, weights) of many as (Z, weights of all), or None where nothing is shown."""
    features, weights = zip(*rows)
    return np.array(features), None if weights[0] is None else np.array(weights)


def with_bias(layer):
    """(b | W), what multiplies [1; x]."""
    W = layer.weight.data
    return np.column_stack([np.zeros(len(W)) if layer.bias is None else layer.bias.data, W])


def with_one(x):
    return np.array([1.0, *x])


def affine(layer, x):
    return np.array([math.fsum(w * v for w, v in zip(row, with_one(x))) for row in with_bias(layer)])


def form(tensor, x, y):
    """Σ_ij T_kij x_i y_j."""
    return np.array([math.fsum(T[i, j] * x[i] * y[j] for i, j in np.ndindex(T.shape)) for T in tensor])


def normalized_root(s):
    root = np.array([math.copysign(math.sqrt(abs(v)), v) for v in s])
    length = math.sqrt(math.fsum(v * v for v in root))
    return root / length if length else root


def sigma(v):
    return 1 / (1 + math.exp(-v))


@each_example
def concatenation(fusion, vectors, here):
    return np.maximum(affine(fusion.linear, np.concatenate(vectors)), 0), None


@each_example
def addition(fusion, vectors, here):
    z = fusion.bias.data + sum(affine(W, x) for W, x in zip(fusion.maps, vectors))
    return np.maximum(z, 0), None


@each_example
def gating(fusion, vectors, here):
    e = np.exp(affine(fusion.gate, np.concatenate(vectors))) * here
    gates = e / e.sum() if here.any() else e
    return np.maximum(sum(g * affine(W, x) for g, W, x in zip(gates, fusion.maps, vectors)), 0), gates


@each_example
def gated_unit(fusion, vectors, here):
    h = [np.array([math.tanh(v) for v in affine(W, x)]) for W, x in zip(fusion.maps, vectors)]
    gates = [np.array([sigma(v) for v in affine(W, np.concatenate(vectors))]) for W in fusion.gates]
    if len(vectors) == 2:
        gates = [gates[0], 1 - gates[0]] if here.all() else [np.full(fusion.width, float(there)) for there in here]
    gates = np.array(gates) * here[:, None]
    return sum(g * v for g, v in zip(gates, h)), gates


@each_example
def film(fusion, vectors, here):
    x, by = vectors
    gamma = 1 + affine(fusion.scale, by)
    return gamma * affine(fusion.features, x) + affine(fusion.shift, by), gamma


@each_example
def tensor(fusion, vectors, here):
    return tensor_form(fusion.linear.weight.data.reshape(-1, *(1 + len(x) for x in vectors)), vectors), None


@each_example
def low_rank(fusion, vectors, here):
    """By its whole tensor, Σ_r w_r ⊗_m W_m^(r)."""
    K, R = fusion.width, fusion.ranks.size
    factors = [with_bias(layer).reshape(R, K, -1) for layer in fusion.factors]
    whole = [sum(w * functools.reduce(np.multiply.outer, [W[r, k] for W in factors])
                 for r, w in enumerate(fusion.ranks.data)) for k in range(K)]
    return tensor_form(whole, vectors) + fusion.bias.data, None


def tensor_form(tensor, vectors):
    """Σ T_(i…) Π_m [1; x_m]_(i_m) for each output's T."""
    vectors = [with_one(x) for x in vectors]
    places = list(itertools.product(*(range(len(x)) for x in vectors)))
    return np.array([math.fsum(T[at] * math.prod(x[i] for x, i in zip(vectors, at)) for at in places) for T in tensor])


@each_example
def bilinear(fusion, vectors, here):
    W = fusion.linear.weight.data.reshape(fusion.width, *map(len, vectors))
    return form(W, *vectors) + fusion.linear.bias.data, None


@each_example
def mlb(fusion, vectors, here):
    """Of u = tanh(Ux + a) and v = tanh(Vy + b): a tensor that is diagonal in both."""
    u, v = (np.tanh(affine(layer, x)) for layer, x in zip((fusion.left, fusion.right), vectors))
    return form([np.diag(row) for row in fusion.out.weight.data], u, v) + fusion.out.bias.data, None


def pairs_of_rows(left, right):
    """Of each row of two maps of [1; x] and [1; y], the matrix U_r V_rᵀ."""
    return [np.multiply.outer(u, v) for u, v in zip(with_bias(left), with_bias(right), strict=True)]


@each_example
def mfb(fusion, vectors, here):
    matrices = pairs_of_rows(fusion.left, fusion.right)
    k = len(matrices) // fusion.width
    whole = [sum(matrices[o * k:(o + 1) * k]) for o in range(fusion.width)]
    return normalized_root(form(whole, *map(with_one, vectors))), None


@each_example
def mfh(fusion, vectors, here):
    """Block p multiplies p bilinear forms of each row."""
    products, blocks = 1.0, []
    for left, right in zip(fusion.left, fusion.right):
        products = products * form(pairs_of_rows(left, right), *map(with_one, vectors))
        k = len(products) // fusion.block_width
        blocks.append(normalized_root([math.fsum(products[o * k:(o + 1) * k]) for o in range(fusion.block_width)]))
    return np.concatenate(blocks), None


def core(left, right, rank):
    """T_opq = Σ_r M_(r,o)p N_(r,o)q, of [1; x̃] and [1; ỹ]."""
    matrices = pairs_of_rows(left, right)
    size = len(matrices) // rank
    return np.array([sum(matrices[r * size + o] for r in range(rank)) for o in range(size)])


def homogeneous(layer):
    """The matrix that takes [1; x] to [1; Wx + b]."""
    whole = with_bias(layer)
    return np.vstack([np.eye(1, whole.shape[1]), whole])


@each_example
def mutan(fusion, vectors, here):
    U, V = homogeneous(fusion.left), homogeneous(fusion.right)
    T = core(fusion.left_core, fusion.right_core, fusion.rank)
    whole = np.einsum("ko,opq,pi,qj->kij", fusion.out.weight.data, T, U, V)
    return form(whole, *map(with_one, vectors)) + fusion.out.bias.data, None


@each_example
def block(fusion, vectors, here):
    """Each chunk of outputs by its own tensor of [1; x] and [1; y]."""
    U, V = homogeneous(fusion.left), homogeneous(fusion.right)
    ends = np.cumsum(fusion.sizes)
    blocks = []
    for size, end, left, right in zip(fusion.sizes, ends, fusion.left_cores, fusion.right_cores):
        rows = [0, *range(1 + end - size, 1 + end)]                      # the 1, and the chunk
        whole = np.einsum("opq,pi,qj->oij", core(left, right, fusion.rank), U[rows], V[rows])
        blocks.append(normalized_root(form(whole, *map(with_one, vectors))))
    return affine(fusion.out, np.concatenate(blocks)), None


@each_example
def mcb(fusion, vectors, here):
    """The count sketch of the outer product."""
    x, y = vectors
    s = np.zeros(fusion.width)
    for i, j in np.ndindex(len(x), len(y)):
        place = (fusion.left_places[i] + fusion.right_places[j]) % fusion.width
        s[place] += fusion.left_signs[i] * fusion.right_signs[j] * x[i] * y[j]
    return normalized_root(s), None


def normalized(p):
    return np.log(p / p.sum())


def each_decision(define):
    """`define(fusion, probabilities of the modalities that are there, here)` → (log p, weights), for all examples."""
    def slow(fusion, inputs, masks, present):
        return collected([define(fusion, [np.exp(x[b]) for x, there in zip(inputs, here) if there], here)
                          for b, here in enumerate(present)])
    return slow


@each_decision
def mean_of_decisions(fusion, p, here):
    return normalized(sum(p) if p else np.ones(fusion.width)), None


@each_decision
def product_of_experts(fusion, p, here):
    prior = np.exp(fusion.log_prior)
    return normalized(prior ** (1 - len(p)) * math.prod(p)), None


@each_decision
def weighted_decisions(fusion, p, here):
    exponents = fusion.weight.data * here
    return normalized(math.prod(q ** w for q, w in zip(p, exponents[here])) * np.ones(fusion.width)), exponents


@each_decision
def stacked_decisions(fusion, p, here):
    p = iter(p)
    rows = [next(p) if there else np.full(fusion.width, 1 / fusion.width) for there in here]
    return normalized(np.exp(affine(fusion.linear, np.log(np.concatenate(rows))))), None


def at_each_position(define):
    """f of (h_t, mean v, …) by its own definition; a sequence without a real position is absent."""
    def slow(fusion, inputs, masks, present):
        first = inputs[0]
        features = np.zeros((*first.shape[:2], fusion.width))
        shown = np.full(first.shape[:2], None)
        for b, t in np.ndindex(first.shape[:2]):
            real = [x[b][mask[b] & there] for x, mask, there in zip(inputs[1:], masks[1:], present[b, 1:])]
            h = first[b, t] if present[b, 0] and masks[0][b, t] else np.zeros(first.shape[2])
            vectors = [h, *(x.mean(0) if len(x) else np.zeros(x.shape[1]) for x in real)]
            here = np.array([present[b, 0] and masks[0][b, t], *map(bool, map(len, real))])
            z, weights = define(fusion.fusion, vectors, here)
            features[b, t] = z if masks[0][b, t] else 0
            shown[b, t] = None if weights is None else np.where(masks[0][b, t], weights, np.nan)
        return features, None if shown[0, 0] is None else np.array([list(row) for row in shown])
    return slow


def missing_tokens(slow):
    """The wrapped fusion by its own definition: absent vectors are tokens, absent sequences tokens of one position."""
    def with_tokens(fusion, inputs, masks, present):
        inputs, masks = [x.copy() for x in inputs], masks and [mask.copy() for mask in masks]
        for m, token in enumerate(fusion.tokens):
            inputs[m][~present[:, m]] = token.weight.data
            if masks:
                masks[m][~present[:, m]] = np.arange(masks[m].shape[1]) == 0
        return slow(fusion.fusion, inputs, masks, np.ones_like(present))
    return with_tokens


def wrapped(slow):
    """The wrapped fusion by its own definition."""
    return lambda fusion, *arguments: slow(fusion.fusion, *arguments)

r"""The kernel of `tiled_attention`: scores are made, used and overwritten ROWS × KEYS at a time, in a core's own cache.

What is kept for the backward pass is the result and $L_t = \ln \sum_s e^{E_{ts}}$, a number per query, from which the
weights of each tile are computed again: $P = e^{E - L}$. Heads, and parts of their queries, go to several threads.
"""

import numpy as np

from ...cores import ceil_div
from ...cores.memory import scratch
from ...cores.threads import parallel_for
from .heads import Mask, are_tame, exponentiate, factor, heads, with_ones, with_sums
from .powers import base_for
from .products import selected

__all__ = ["Tiles"]

# A tile has ROWS queries and KEYS keys: small enough for a cache, and large enough that threads seldom wait for the
# interpreter.
ROWS = 1024
KEYS = 384
EDGE = 128  # keys of a tile that the diagonal cuts: narrower, since what is above the diagonal is computed for nothing
SHARES = 8  # at least this many pieces of work, so that threads can share it evenly


class Tiles:
    """N heads of T queries and S keys, cut into tiles."""

    def __init__(self, query, key, value, mask, is_causal, scale, leading):
        self.dtype = np.result_type(query, key, value, 0.0)
        self.q, self.k, self.v = (heads(a, leading, self.dtype) for a in (query, key, value))
        self.leading = leading
        self.N = len(self.q)
        self.T = query.shape[-2]
        self.S = key.shape[-2]
        self.D = query.shape[-1]
        self.E = value.shape[-1]
        self.base = base_for(self.dtype)
        self.scale = factor(query, scale)
        self.mask = Mask(mask, is_causal, leading)
        self.is_causal = is_causal
        self.tame = are_tame(query, key, scale, mask)
        self.careful = False                                        # whether to select, as NaN or ∞ may be hidden
        wanted = ceil_div(SHARES, max(self.N, 1))
        self.parts = max(min(wanted, ceil_div(self.T, ROWS)), 1)    # of the queries of each head

    def forward(self):
        """The result Y, (*leading, T, E), and L / ln b, (N, T, 1)."""
        result = self.zeros(self.T, self.E)
        lse = np.zeros((self.N, self.T, 1), self.dtype)
        y = result.reshape(self.N, self.T, self.E)
        ones = np.ones((KEYS, 1), self.dtype)

        def attend(head, part, empty):
            tile = empty(ROWS * KEYS)
            more = empty((ROWS, self.E))
            q = np.multiply(self.q[head], self.scale / self.base.ln, out=empty((self.T, self.D)))
            v = self.v[head]
            sums = y[head]                                              # of e v
            total = lse[head]                                           # of e
            ceiling = _Ceiling(self.base, sums, total)
            for rows, keys, mask in self.tiles(head, part):
                e = self.exponentials(q[rows], self.k[head][keys], mask, tile, lambda e: ceiling(e, rows))
                total[rows] += e @ ones[:e.shape[1]]                    # BLAS: five times as fast as e.sum
                sums[rows] += self.product(e, v[keys], out=more[:len(e)])
            for rows in self.rows(part):
                total[rows] += total[rows] == 0                         # a query that may attend to nothing
                sums[rows] /= total[rows]
                total[rows] = self.base.log(total[rows]) + ceiling.shift(rows)

        self.in_parallel(attend, 2)
        return result, lse

    def backward(self, g, y, lse):
        """Q̄, K̄ and V̄, (*leading, T, D), (*leading, S, D) and (*leading, S, E), for Ȳ = g."""
        g = heads(g, self.leading, self.dtype)
        y = heads(y, self.leading, self.dtype)
        # the parts of a head have different queries, but all keys in common: each part adds to arrays of its own
        q_bar = self.zeros(self.T, self.D)
        k_bar = [self.zeros(self.S, self.D) for _ in range(self.parts)]
        v_bar = [self.zeros(self.S, self.E) for _ in range(self.parts)]

        def pull_back(head, part, empty):
            tile = empty(ROWS * KEYS)
            other = empty(ROWS * KEYS)
            dq_more = empty((ROWS, self.D))
            dk_more = empty((KEYS, self.D))
            dv_more = empty((KEYS, self.E))
            q = np.multiply(self.q[head], self.scale / self.base.ln, out=empty((self.T, self.D)))
            k = self.k[head]
            v1 = with_ones(self.v[head], empty)                         # [V, 1]
            # tame scores have no L subtracted: their p is P e^L, and e^−L multiplies [Ȳ, −D] instead
            lacking = self.base.power(-lse[head]) if self.tame else 1
            gd = with_sums(g[head], y[head], lacking, empty)            # [Ȳ, −D]
            dq = q_bar.reshape(self.N, self.T, self.D)[head]
            dk = k_bar[part].reshape(self.N, self.S, self.D)[head]
            dv = v_bar[part].reshape(self.N, self.S, self.E)[head]
            for rows, keys, mask in self.tiles(head, part):
                p = self.exponentials(q[rows], k[keys], mask, tile, lambda e: lse[head, rows])
                n, m = p.shape
                ds = np.matmul(gd[rows], v1[keys].T, out=other[:p.size].reshape(n, m))              # P̄ − D = Ȳ Vᵀ − D
                ds *= p                                                                             # S̄ = P ⊙ (P̄ − D)
                if self.careful:
                    np.copyto(ds, 0, where=p == 0)
                dv[keys] += self.product(p.T, gd[rows, :-1], out=dv_more[:m])                       # V̄ += Pᵀ Ȳ
                dk[keys] += self.product(ds.T, q[rows], out=dk_more[:m])                            # K̄ += S̄ᵀ σ Q
                dq[rows] += self.product(ds, k[keys], out=dq_more[:n])                              # Q̄ += S̄ K
            for rows in self.rows(part):
                dq[rows] *= self.scale
            dk *= self.base.ln

        self.in_parallel(pull_back, 5)
        for whole, *others in (k_bar, v_bar):
            for d in others:
                whole += d
        return q_bar, k_bar[0], v_bar[0]

    @property
    def product(self):
        return selected if self.careful else np.matmul

    def zeros(self, n, width):
        """(*leading, n, width)."""
        return np.zeros((*self.leading, n, width), self.dtype)

    def exponentials(self, q, k, mask, memory, ceiling):
        """b^{E / ln b − c} of one tile, 0 where a key is hidden; c = ceiling(E / ln b), or 0 if no score is large."""
        e = np.matmul(q, k.T, out=memory[:len(q) * len(k)].reshape(len(q), len(k)))     # E / ln b = σ Q Kᵀ / ln b
        exponentiate(e, mask, None if self.tame else ceiling, self.base, self.careful)
        return e

    def in_parallel(self, f, products):
        """f(head, part, empty) for each part of the rows of each head; empty(shape) is memory for that call only."""
        def share(start, stop):
            for item in range(start, stop):
                head, part = divmod(item, self.parts)
                with scratch() as empty:
                    f(head, part, lambda shape, dtype=self.dtype: empty(shape, dtype))

        work = products * self.N * self.T * self.S * self.D
        parallel_for(self.N * self.parts, share, work / 2 if self.is_causal else work)

    def rows(self, part):
        """A part's stretches of ROWS queries, dealt out to and fro (of three parts 0 1 2 2 1 0 …):
        under a causal mask, later stretches are more work."""
        for k, start in enumerate(range(0, self.T, ROWS)):
            if k % (2 * self.parts) in (part, 2 * self.parts - 1 - part):
                yield slice(start, min(start + ROWS, self.T))

    def tiles(self, head, part):
        """Queries, keys and mask of each tile in which any query may attend to any key."""
        for rows in self.rows(part):
            below = min(rows.start, self.S) if self.is_causal else self.S
            edge = min(rows.stop, self.S) if self.is_causal else self.S
            for keys in (*_stretches(0, below, KEYS), *_stretches(below, edge, EDGE)):
                tile = self.mask.tile(head, rows, keys)
                if tile is not None:
                    yield tile


class _Ceiling:
    """The largest E / ln b of each row so far. Sums are relative to it: when it rises, they are scaled down."""

    def __init__(self, base, *sums):
        self.base = base
        self.sums = sums
        self.top = np.full_like(sums[0], -np.inf, shape=(len(sums[0]), 1))

    def __call__(self, e, rows):
        before = self.top[rows].copy()
        self.top[rows] = np.maximum(before, e.max(-1, keepdims=True))
        shift = self.shift(rows)
        for a in self.sums:
            a[rows] *= self.base.power(before - shift)
        return shift

    def shift(self, rows):
        """What is subtracted: 0 for a row that has seen no key yet."""
        top = self.top[rows]
        return np.where(top == -np.inf, 0, top)


def _stretches(start, stop, length):
    """Slices of one length that cover start to stop; the last may be shorter."""
    return [slice(k, min(k + length, stop)) for k in range(start, stop, length)]

r"""The kernel of `tiled_attention`: scores are made, used and overwritten ROWS × KEYS at a time, in a core's own cache.

What is kept for the backward pass is the result and $L_t = \ln \sum_s e^{E_{ts}}$, a number per query, from which each
tile's weights are made again: $P = e^{E - L}$. Heads, and parts of them, go to several threads.
"""

import numpy as np

from ...cores.memory import scratch
from ...cores.threads import parallel_for
from .heads import Mask, are_tame, exponentiate, factor, heads, with_ones, with_sums
from .powers import base_for

__all__ = ["Tiles"]

ROWS, KEYS = 1024, 384  # of a tile: flat enough for a cache, large enough that threads seldom wait for the interpreter
EDGE = 128  # keys of a tile that the diagonal cuts: what is above it is computed for nothing
SHARES = 8  # at least so many pieces of work, that threads can share them evenly


class Tiles:
    """N heads of T queries and S keys, cut into tiles."""

    def __init__(self, query, key, value, mask, is_causal, scale, leading):
        self.dtype = np.result_type(query, key, value, 0.0)
        self.q, self.k, self.v = (heads(a, leading, self.dtype) for a in (query, key, value))
        self.N, self.T, self.S = len(self.q), query.shape[-2], key.shape[-2]
        self.D, self.E = query.shape[-1], value.shape[-1]
        self.base = base_for(self.dtype)
        self.scale, self.mask, self.is_causal = factor(query, scale), Mask(mask, is_causal, leading), is_causal
        self.tame = are_tame(query, key, scale, mask)
        self.leading, self.parts = leading, max(min(-(-SHARES // max(self.N, 1)), -(-self.T // ROWS)), 1)

    def forward(self):
        """The result Y, (*leading, T, E), and L / ln b, (N, T, 1)."""
        result, lse = np.zeros((*self.leading, self.T, self.E), self.dtype), np.zeros((self.N, self.T, 1), self.dtype)
        y = result.reshape(self.N, self.T, self.E)
        ones = np.ones((KEYS, 1), self.dtype)

        def some(head, part, empty):
            tile, more = empty(ROWS * KEYS), empty((ROWS, self.E))
            q = np.multiply(self.q[head], self.scale / self.base.ln, out=empty((self.T, self.D)))
            sums, total, v = y[head], lse[head], self.v[head]
            ceiling = _Ceiling(self.base, sums, total)
            for rows, keys, mask in self.tiles(head, part):
                e = self.exponentials(q[rows], self.k[head][keys], mask, tile, lambda e: ceiling(e, rows))
                total[rows] += e @ ones[:e.shape[1]]                    # BLAS: five times as fast as e.sum
                sums[rows] += np.matmul(e, v[keys], out=more[:len(e)])
            for rows in self.rows(part):
                total[rows] += total[rows] == 0                         # a query that may attend to nothing
                sums[rows] /= total[rows]
                total[rows] = self.base.log(total[rows]) + ceiling.shift(rows)

        self.in_parallel(some, 2)
        return result, lse

    def backward(self, g, y, lse):
        """Q̄, K̄ and V̄, (*leading, T, D), (*leading, S, D) and (*leading, S, E), for Ȳ = g."""
        g, y = (heads(a, self.leading, self.dtype) for a in (g, y))
        results = [[np.zeros((*self.leading, n, width), self.dtype) for _ in range(parts)]
                   for parts, n, width in ((1, self.T, self.D), (self.parts, self.S, self.D),
                                           (self.parts, self.S, self.E))]
        (dq,), dk, dv = ([d.reshape(self.N, *d.shape[-2:]) for d in shares] for shares in results)

        def some(head, part, empty):
            tile, other = empty(ROWS * KEYS), empty(ROWS * KEYS)
            dq_more, dk_more, dv_more = empty((ROWS, self.D)), empty((KEYS, self.D)), empty((KEYS, self.E))
            q = np.multiply(self.q[head], self.scale / self.base.ln, out=empty((self.T, self.D)))
            v1 = with_ones(self.v[head], empty)                         # [V, 1]
            lacking = self.base.power(-lse[head]) if self.tame else 1   # what P lacks
            gd = with_sums(g[head], y[head], lacking, empty)            # [Ȳ, −D]
            k, dq_, dk_, dv_ = self.k[head], dq[head], dk[part][head], dv[part][head]
            for rows, keys, mask in self.tiles(head, part):
                p = self.exponentials(q[rows], k[keys], mask, tile, lambda e: lse[head, rows])
                n, m = p.shape
                ds = np.matmul(gd[rows], v1[keys].T, out=other[:p.size].reshape(n, m))              # P̄ − D = Ȳ Vᵀ − D
                ds *= p                                                                             # S̄ = P ⊙ (P̄ − D)
                dv_[keys] += np.matmul(p.T, gd[rows, :-1], out=dv_more[:m])                         # V̄ += Pᵀ Ȳ
                dk_[keys] += np.matmul(ds.T, q[rows], out=dk_more[:m])                              # K̄ += S̄ᵀ σ Q
                dq_[rows] += np.matmul(ds, k[keys], out=dq_more[:n])                                # Q̄ += S̄ K
            for rows in self.rows(part):
                dq_[rows] *= self.scale
            dk_ *= self.base.ln

        self.in_parallel(some, 5)
        for first, *others in results:
            for d in others:
                first += d
        return tuple(first for first, *_ in results)

    def exponentials(self, q, k, mask, memory, ceiling):
        """b^{E / ln b − c} of one tile, 0 where one may not look; c = ceiling(E / ln b), or 0 if no score is large."""
        e = np.matmul(q, k.T, out=memory[:len(q) * len(k)].reshape(len(q), len(k)))     # E / ln b = σ Q Kᵀ / ln b
        exponentiate(e, mask, None if self.tame else ceiling, self.base)
        return e

    def in_parallel(self, some, products):
        """some(head, part, empty) for each part of the rows of each head; empty(shape) is memory for the time being."""
        def several(start, stop):
            for item in range(start, stop):
                with scratch() as empty:
                    some(*divmod(item, self.parts), lambda shape, dtype=self.dtype: empty(shape, dtype))

        work = products * self.N * self.T * self.S * self.D
        parallel_for(self.N * self.parts, several, work / 2 if self.is_causal else work)

    def rows(self, part):
        """The stretches of ROWS queries that are its part: under a causal mask the later ones have more to do."""
        for k, start in enumerate(range(0, self.T, ROWS)):
            if k % (2 * self.parts) in (part, 2 * self.parts - 1 - part):
                yield slice(start, min(start + ROWS, self.T))

    def tiles(self, head, part):
        """Queries, keys and mask of each tile in which some may attend to some."""
        for rows in self.rows(part):
            below = min(rows.start, self.S) if self.is_causal else self.S
            edge = min(rows.stop, self.S) if self.is_causal else self.S
            for keys in (*_stretches(0, below, KEYS), *_stretches(below, edge, EDGE)):
                tile = self.mask.tile(head, rows, keys)
                if tile is not None:
                    yield tile


class _Ceiling:
    """The largest E / ln b of each row so far; when it rises, what was summed below it shrinks."""

    def __init__(self, base, *sums):
        self.base, self.sums, self.top = base, sums, np.full_like(sums[0], -np.inf, shape=(len(sums[0]), 1))

    def __call__(self, e, rows):
        before = self.top[rows].copy()
        self.top[rows] = np.maximum(before, e.max(-1, keepdims=True))
        shift = self.shift(rows)
        for a in self.sums:
            a[rows] *= self.base.power(before - shift)
        return shift

    def shift(self, rows):
        """What is subtracted: 0 for a row that may not look anywhere yet."""
        top = self.top[rows]
        return np.where(top == -np.inf, 0, top)


def _stretches(start, stop, length):
    """Slices that make up start to stop, each of a length, the last perhaps shorter."""
    return [slice(k, min(k + length, stop)) for k in range(start, stop, length)]

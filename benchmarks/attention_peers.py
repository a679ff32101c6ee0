"""Attention's formula in libraries that have no attention: `{name: (module, prepare)}`, prepare(module, arrays, g) -> run."""

import math

import numpy as np

__all__ = ["PEERS"]


def with_autograd(anp, arrays, g):
    from autograd import grad

    def paired(q, k, v):
        scores = anp.matmul(q * (1 / math.sqrt(q.shape[-1])), anp.swapaxes(k, -1, -2))
        e = anp.exp(scores - anp.max(scores, -1, keepdims=True))
        return anp.sum(anp.matmul(e / anp.sum(e, -1, keepdims=True), v) * g)

    pull = grad(paired, (0, 1, 2))
    return lambda: list(pull(*arrays))


def with_mygrad(mygrad, arrays, g):
    from mygrad.nnet import softmax

    def run():
        q, k, v = (mygrad.tensor(a) for a in arrays)
        scores = mygrad.matmul(q * np.float32(1 / math.sqrt(q.shape[-1])), mygrad.swapaxes(k, -1, -2))
        mygrad.matmul(softmax(scores, axis=-1), v).backward(g)
        return [x.grad for x in (q, k, v)]

    return run


PEERS = {"autograd": ("autograd.numpy", with_autograd), "MyGrad": ("mygrad", with_mygrad)}

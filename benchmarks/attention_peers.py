"""Attention and its gradients in other libraries than PyTorch: `{name: (module, prepare)}`.

`prepare(module, arrays, g)` gives the function to time. autograd and MyGrad have no attention and get the formula; JAX
has one, which is compiled here with its gradient.
"""

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


def with_jax(jax, arrays, g):
    def attend(q, k, v):
        q, k, v = (jax.numpy.swapaxes(a, 1, 2) for a in (q, k, v))      # JAX wants (B, T, H, D)
        return jax.numpy.swapaxes(jax.nn.dot_product_attention(q, k, v), 1, 2)

    pull = jax.jit(lambda q, k, v, g: jax.vjp(attend, q, k, v)[1](g))
    inputs = [jax.numpy.asarray(a) for a in (*arrays, g)]
    return lambda: jax.block_until_ready(pull(*inputs))


PEERS = {"autograd": ("autograd.numpy", with_autograd), "MyGrad": ("mygrad", with_mygrad), "JAX": ("jax", with_jax)}

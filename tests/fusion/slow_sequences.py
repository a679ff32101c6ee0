"""Fusions of sequences by their equations, one example, position and head at a time, as in `slow.py`.

The first functions are the parts: vectors of one example, never a batch.
"""

import math

import numpy as np

__all__ = ["alternating_co_attention", "bottleneck", "causal_co_attention", "co_attention_block", "early", "gated",
           "glimpses", "intermediate", "joined_channels", "mult", "parallel_co_attention", "perceiver", "prefix",
           "querying"]


# One example: rows of vectors ----------------------------------------------------------------------------------------

def linear(layer, x):
    """W x + b."""
    return layer.weight.data @ x + (0 if layer.bias is None else layer.bias.data)


def norm(layer, x):
    """γ (x − μ)/√(σ² + ε) + β, for each row."""
    return np.array([layer.weight.data * (row - row.mean()) / math.sqrt(((row - row.mean())**2).mean() + layer.eps)
                     + layer.bias.data for row in x]).reshape(x.shape)


def softmax(e):
    return np.exp(e) / np.exp(e).sum()


def attend(layer, x, memory, allowed):
    """Rows x (T, Dx) look at rows memory (S, Dm) where allowed (T, S): (T, Dx), weights (H, T, S)."""
    size = len(layer.query.weight.data) // layer.heads
    y, weights = np.zeros(x.shape), np.zeros((layer.heads, len(x), len(memory)))
    for t in range(len(x)):
        q, found = linear(layer.query, x[t]), np.zeros(layer.heads * size)
        seen = np.flatnonzero(allowed[t])
        for head in range(layer.heads if seen.size else 0):
            own = slice(head * size, (head + 1) * size)
            alpha = softmax([q[own] @ linear(layer.key, memory[s])[own] / math.sqrt(size) for s in seen])
            weights[head, t, seen] = alpha
            found[own] = sum(a * linear(layer.value, memory[s])[own] for a, s in zip(alpha, seen))
        y[t] = linear(layer.out, found)
    return y, weights


def feed_forward(layer, x):
    def activation(a):
        if layer.activation == "relu":
            return np.maximum(a, 0)
        return np.array([u * (1 + math.erf(u / math.sqrt(2))) / 2 for u in a])

    return np.array([linear(layer.linear2, activation(linear(layer.linear1, row))) for row in x]).reshape(x.shape)


def block(layer, x, memory, allowed):
    """A pre-norm layer; memory None: x itself."""
    own = norm(layer.norm1, x)
    y, weights = attend(layer.attention, own, own if memory is None else norm(layer.norm1, memory), allowed)
    x = x + y
    return x + feed_forward(layer.feedforward, norm(layer.norm2, x)), weights


def stack(layers, x, memory, allowed):
    for layer in layers.layers:
        x, weights = block(layer, x, memory, allowed)
    return norm(layers.norm, x), weights


def examples(inputs, masks, present):
    """Of each example the inputs, zero where hidden, and which positions are there."""
    for b in range(len(present)):
        here = [mask[b] & present[b, m] for m, mask in enumerate(masks)]
        yield [np.where(h[:, None], x[b], 0) for x, h in zip(inputs, here)], here


def embedded(fusion, inputs):
    embedding = fusion.embedding
    return [np.array([linear(project, v) + embedding.modality.data[m] for v in x])
            for m, (project, x) in enumerate(zip(embedding.projections, inputs))]


def every(queries, keys):
    """Which keys are there, for each of so many queries."""
    return np.tile(keys, (queries, 1))


def zeroed(x, here):
    return np.where(here[:, None], x, 0)


def promised(weights, here):
    """Maps (..., T, S): nothing is promised for the queries that are hidden."""
    return np.where(here[:, None], weights, np.nan)


def batched(found):
    """(features, weights) of each example to those of the batch; both may be tuples."""
    features, weights = zip(*found)
    return together(features), None if weights[0] is None else together(weights)


def together(values):
    if isinstance(values[0], tuple):
        return tuple(np.stack(value) for value in zip(*values))
    return np.stack(values)


# The fusions ---------------------------------------------------------------------------------------------------------

def early(fusion, inputs, masks, present):
    """One Transformer over all positions."""
    def one(x, here):
        x, here = np.concatenate(embedded(fusion, x)), np.concatenate(here)
        z, weights = stack(fusion.stack, x, None, every(len(x), here))
        return zeroed(z, here), promised(weights, here)

    return batched(one(*example) for example in examples(inputs, masks, present))


def prefix(fusion, inputs, masks, present):
    """[image; text]: regions see regions, a word sees regions and the words up to itself."""
    def one(x, here):
        (text, image), (words, regions) = embedded(fusion, x), here
        N, T = len(image), len(text)
        allowed = np.zeros((N + T, N + T), bool)
        for p in range(N + T):
            for s in range(N + T):
                allowed[p, s] = regions[s] if s < N else p >= s and words[s - N]
        z, weights = stack(fusion.stack, np.concatenate([image, text]), None, allowed)
        return zeroed(z[N:], words), promised(weights[:, N:, :N], words)

    return batched(one(*example) for example in examples(inputs, masks, present))


def joined_channels(fusion, inputs, masks, present):
    """W [v_1t; …; v_Mt] + b where any modality has position t."""
    def one(x, here):
        z = np.array([linear(fusion.fuse, np.concatenate(rows)) for rows in zip(*x)])
        return zeroed(z, np.any(here, 0)), None

    return batched(one(*example) for example in examples(inputs, masks, present))


def intermediate(fusion, inputs, masks, present):
    """Layers of each stream by itself, and of each with the others, read before the exchange."""
    def one(x, here):
        x, weights = embedded(fusion, x), None
        exchanges = dict(zip(fusion.exchange_at, fusion.exchanges))
        for depth in range(len(fusion.layers) + 1):
            if depth:
                x = [block(layer, y, None, every(len(y), h))[0] for layer, y, h in
                     zip(fusion.layers[depth - 1], x, here)]
            if depth in exchanges:
                others = [(np.concatenate([y for n, y in enumerate(x) if n != m]),
                           np.concatenate([h for n, h in enumerate(here) if n != m])) for m in range(len(x))]
                found = [block(layer, y, other, every(len(y), h)) for layer, y, (other, h) in
                         zip(exchanges[depth], x, others)]
                x, weights = [y for y, _ in found], tuple(promised(w, h) for (_, w), h in zip(found, here))
        return tuple(zeroed(norm(last, y), h) for last, y, h in zip(fusion.norms, x, here)), weights

    return batched(one(*example) for example in examples(inputs, masks, present))


def parallel_co_attention(fusion, inputs, masks, present):
    """The affinity of every word and region that are there, then both softmaxes."""
    W_b, W_q, W_v = (getattr(fusion, name).weight.data for name in ("affinity", "text", "image"))
    w_hq, w_hv = fusion.text_score.weight.data[0], fusion.image_score.weight.data[0]

    def one(x, here):
        words, regions = (np.flatnonzero(h) for h in here)
        C = {(t, n): math.tanh(x[0][t] @ W_b @ x[1][n]) for t in words for n in regions}
        e_q = [w_hq @ np.tanh(W_q @ x[0][t] + sum(C[t, n] * W_v @ x[1][n] for n in regions)) for t in words]
        e_v = [w_hv @ np.tanh(W_v @ x[1][n] + sum(C[t, n] * W_q @ x[0][t] for t in words)) for n in regions]
        a = np.zeros(len(x[0])), np.zeros(len(x[1]))
        for weights, seen, e in zip(a, (words, regions), (e_q, e_v)):
            if seen.size:
                weights[seen] = softmax(e)
        return (a[0] @ x[0], a[1] @ x[1]), a

    return batched(one(*example) for example in examples(inputs, masks, present))


def alternating_co_attention(fusion, inputs, masks, present):
    """𝒜(Q; 0), 𝒜(V; ŝ), 𝒜(Q; v̂)."""
    def guided(layer, x, g, here):
        a, seen = np.zeros(len(x)), np.flatnonzero(here)
        guide = 0 if layer.guide is None else layer.guide.weight.data @ g
        if seen.size:
            a[seen] = softmax([layer.score.weight.data[0] @ np.tanh(layer.rows.weight.data @ x[i] + guide)
                               for i in seen])
        return sum(a[i] * x[i] for i in range(len(x))), a

    def one(x, here):
        s, _ = guided(fusion.summary, x[0], None, here[0])
        v, a_v = guided(fusion.image, x[1], s, here[1])
        q, a_q = guided(fusion.text, x[0], v, here[0])
        return (q, v), (a_q, a_v)

    return batched(one(*example) for example in examples(inputs, masks, present))


def co_attention_block(fusion, inputs, masks, present):
    """Both streams ask the other as it came; Add & LN, feed-forward network, Add & LN."""
    def one(x, here):
        streams, weights = [], []
        for m in (0, 1):
            y, maps = attend(fusion.attentions[m], x[m], x[1 - m], every(len(x[m]), here[1 - m]))
            y = norm(fusion.attention_norms[m], x[m] + y)
            y = norm(fusion.feedforward_norms[m], y + feed_forward(fusion.feedforwards[m], y))
            streams.append(zeroed(y, here[m]))
            weights.append(promised(maps, here[m]))
        return tuple(streams), tuple(weights)

    return batched(one(*example) for example in examples(inputs, masks, present))


def causal_co_attention(fusion, inputs, masks, present):
    """For each word: every region reads the words up to it, then it reads the regions."""
    size = fusion.width // fusion.heads

    def one(x, here):
        (text, image), (words, regions) = x, (here[0], np.flatnonzero(here[1]))
        T, N = len(text), len(image)
        features = np.zeros((T, fusion.width))
        alpha, beta = np.zeros((fusion.heads, T, N)), np.full((fusion.heads, T, N, T), np.nan)
        for t in np.flatnonzero(words):
            c = np.zeros(fusion.width)
            for head in range(fusion.heads):
                own = slice(head * size, (head + 1) * size)

                def project(name, v):
                    return linear(getattr(fusion, name), v)[own]

                said = [s for s in range(t + 1) if words[s]]
                keys, values = {}, {}
                for i in range(N):
                    beta[head, t, i] = 0
                    shares = softmax([project("region_query", image[i]) @ project("word_key", text[s])
                                      / math.sqrt(size) for s in said])
                    beta[head, t, i, said] = shares
                    keys[i] = project("key", image[i]) + sum(
                        b * project("read_key", text[s]) for b, s in zip(shares, said))
                    values[i] = project("value", image[i]) + sum(
                        b * project("read_value", text[s]) for b, s in zip(shares, said))
                if regions.size:
                    q = project("query", text[t])
                    alpha[head, t, regions] = softmax([q @ keys[i] / math.sqrt(size) for i in regions])
                    c[own] = sum(alpha[head, t, i] * values[i] for i in regions)
            features[t] = np.maximum(linear(fusion.fuse, np.concatenate([text[t], c])), 0)
        beta[:, :, ~here[1]] = np.nan                                    # nor for regions that are hidden
        return features, (promised(alpha, words), beta)

    return batched(one(*example) for example in examples(inputs, masks, present))


def glimpses(fusion, inputs, masks, present):
    """For each glimpse: s_g word by word, both sums of c_g region by region; then the modulation of all of them."""
    w, b = fusion.word_scores.weight.data, fusion.gate_bias.data[:, 0]

    def one(x, here):
        (text, image), (words, regions) = x, (np.flatnonzero(h) for h in here)
        beta, alpha, gamma = np.zeros((len(b), len(text))), *np.zeros((2, len(b), len(image)))
        s, found, counted = np.zeros((len(b), text.shape[1])), *np.zeros((2, len(b), image.shape[1]))
        for g in range(len(b)):
            if words.size:
                beta[g, words] = softmax([w[g] @ text[t] for t in words])
            for t in words:
                s[g] += beta[g, t] * text[t]
            asks = linear(fusion.query, norm(fusion.norm, s[g][None])[0])
            e = np.array([asks @ linear(fusion.key, image[i]) / math.sqrt(fusion.size) for i in regions])
            if regions.size:
                alpha[g, regions] = softmax(e)
                gamma[g, regions] = 1 / (1 + np.exp(-(e + b[g])))
            for i in regions:
                found[g] += alpha[g, i] * image[i]
                counted[g] += gamma[g, i] * image[i]
        s, c = np.concatenate(s), np.concatenate([np.concatenate(pair) for pair in zip(found, counted)])
        z = (1 + linear(fusion.scale, s)) * linear(fusion.seen, c) + linear(fusion.shift, s)
        return np.maximum(z, 0), (beta, alpha, gamma)

    return batched(one(*example) for example in examples(inputs, masks, present))


def gated(fusion, inputs, masks, present):
    """x + tanh(g) attention, then y + tanh(g) network."""
    def one(x, here):
        (text, image), (words, regions) = x, here
        y, weights = attend(fusion.attention, norm(fusion.attention_norm, text), image, every(len(text), regions))
        y = text + np.tanh(fusion.attention_gate.data) * y
        z = y + np.tanh(fusion.feedforward_gate.data) * feed_forward(fusion.feedforward,
                                                                     norm(fusion.feedforward_norm, y))
        return zeroed(z, words), promised(weights, words)

    return batched(one(*example) for example in examples(inputs, masks, present))


def mult(fusion, inputs, masks, present):
    """Each modality's queries through layers that all read the source's first features; then a reader."""
    def placed(x):
        D, y = x.shape[1], math.sqrt(x.shape[1]) * x
        for t in range(len(x) if fusion.positions else 0):
            for i in range(D):
                angle = (t + 1) / 10000**((i - i % 2) / D)
                y[t, i] += math.cos(angle) if i % 2 else math.sin(angle)
        return y

    def one(x, here):
        x = [placed(np.array([linear(project, v) for v in rows])) for project, rows in zip(fusion.projections, x)]
        streams, weights = [], []
        for m in range(len(x)):
            told = []
            for layers, n in zip(fusion.crossings[m], [n for n in range(len(x)) if n != m]):
                y, maps = stack(layers, x[m], x[n], every(len(x[m]), here[n]))
                told.append(y)
                weights.append(promised(maps, here[m]))
            z = placed(np.concatenate(told, 1))
            streams.append(zeroed(stack(fusion.readers[m], z, None, every(len(z), here[m]))[0], here[m]))
        return tuple(streams), tuple(weights)

    return batched(one(*example) for example in examples(inputs, masks, present))


def bottleneck(fusion, inputs, masks, present):
    """Each stream with its own copy of the tokens, and the mean of the copies of those that are there."""
    R = len(fusion.bottlenecks)

    def one(x, here):
        x, shared = embedded(fusion, x), fusion.bottlenecks.data
        there = [m for m, h in enumerate(here) if h.any()] or range(len(x))
        for depth, layers in enumerate(fusion.layers):
            if depth < fusion.exchange_from:
                x = [block(layer, y, None, every(len(y), h))[0] for layer, y, h in zip(layers, x, here)]
                continue
            found = [block(layer, np.concatenate([y, shared]), None, every(len(y) + R, np.append(h, [True] * R)))
                     for layer, y, h in zip(layers, x, here)]
            x = [y[:-R] for y, _ in found]
            shared = sum(found[m][0][-R:] for m in there) / len(there)
            if depth < len(fusion.layers) - 1:
                weights = tuple(maps[:, -R:, :-R] for _, maps in found)
        return tuple(zeroed(norm(last, y), h) for last, y, h in zip(fusion.norms, x, here)), weights

    return batched(one(*example) for example in examples(inputs, masks, present))


def perceiver(fusion, inputs, masks, present):
    """Latents look at all positions, and at each other."""
    def one(x, here):
        x, latents = np.concatenate(embedded(fusion, x)), fusion.latents.data
        allowed = every(len(latents), np.concatenate([*here, [True] * len(latents)]))
        for layer in fusion.layers:
            own = norm(layer.latent_norm, latents)
            y, weights = attend(layer.attention, own, np.concatenate([norm(layer.input_norm, x), own]), allowed)
            latents = latents + y
            latents = latents + feed_forward(layer.feedforward, norm(layer.feedforward_norm, latents))
        return norm(fusion.norm, latents), weights[:, :, :len(x)]

    return batched(one(*example) for example in examples(inputs, masks, present))


def querying(fusion, inputs, masks, present):
    """Queries and words in one self-attention under the objective's mask; queries look at the image."""
    def sees(p, s, R):
        """Whether position p may look at s: R queries, then words."""
        if p < R:
            return s < R or fusion.objective == "matching"
        if s < R:
            return fusion.objective != "contrast"
        return s <= p or fusion.objective != "generation"

    def one(x, here):
        (text, image), (words, regions) = x, here
        u, R = fusion.queries.data, len(fusion.queries)
        t = np.array([linear(fusion.projection, v) for v in text])
        x = norm(fusion.norm, np.concatenate([u, t]))
        there = np.append([True] * R, words)
        allowed = np.array([[there[s] and sees(p, s, R) for s in range(len(x))] for p in range(len(x))])
        for layer in fusion.layers:
            x = norm(layer.self_norm, x + attend(layer.self_attention, x, x, allowed)[0])
            u, t = x[:R], x[R:]
            if layer.cross_attention is not None:
                y, weights = attend(layer.cross_attention, u, image, every(R, regions))
                u = norm(layer.cross_norm, u + y)
            u = norm(layer.query_norm, u + feed_forward(layer.query_network, u))
            t = norm(layer.text_norm, t + feed_forward(layer.text_network, t))
            x = np.concatenate([u, t])
        return (zeroed(x[R:], words), x[:R]), weights

    return batched(one(*example) for example in examples(inputs, masks, present))

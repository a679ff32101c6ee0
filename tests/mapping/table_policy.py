"""A captioner so small that all it can say can be listed: a table of logits for each prefix, over two words and <eos>.

With at most three words it can say 15 things: 7 closed captions and 8 that are cut.
"""

from itertools import product

import numpy as np

import tinymm as tm
import tinymm.functional as F
from tinymm import nn
from tinymm.encoders import Encoded
from tinymm.mapping import DrawnCaptions, policy_gradient_loss

BOS, EOS, LONGEST = 3, 2, 3
SAID = [words for n in range(LONGEST) for words in product((0, 1), repeat=n)] + [*product((0, 1), repeat=LONGEST)]
CLOSED = np.array([len(words) < LONGEST for words in SAID])
PREFIXES = 2**LONGEST                                                    # numbered 1 to 7, as a heap is


class TablePolicy(nn.Module):
    """What `draw_captions` asks of a captioner; an image (1,) holds the number of its table."""

    def __init__(self, table):
        self.table = nn.Parameter(table)                                 # (images, 8, 3)

    def encode(self, images, mask=None):
        return Encoded(images[:, None], images, None)

    def forward(self, images, ids):
        images = np.repeat(images[:, 0], len(ids) // len(images))
        prefix = np.ones(len(ids), int)
        rows = [prefix]
        for words in ids[:, 1:].T:
            prefix = np.minimum(2 * prefix + words, PREFIXES - 1)        # what follows <eos> does not matter
            rows.append(prefix)
        return self.table[images[:, None], np.stack(rows, 1)], None

    def new_state(self, image):
        return _State(image.pooled[:, 0])

    def read_on(self, ids, state):
        state.prefix = np.ones(len(ids), int) if state.prefix is None else 2 * state.prefix + ids[:, 0]
        return self.table[state.images[:, None], state.prefix[:, None]]


class _State:
    def __init__(self, images):
        self.images, self.prefix = images, None

    def select(self, rows):
        self.images, self.prefix = self.images[rows], self.prefix[rows]


def drawn(which):
    """Some of SAID, by their places, as draw_captions gives them."""
    return DrawnCaptions.of([list(SAID[i]) for i in which], CLOSED[which], BOS, EOS)


def log_probabilities(policy, image=0):
    """ln p of each of SAID: Tensor (15,)."""
    everything = drawn(np.arange(len(SAID)))
    logits, _ = policy(np.array([[image]]), everything.ids[:, :-1])
    log_p = F.take_along_axis(F.log_softmax(logits, -1), everything.ids[:, 1:, None], -1)[..., 0]
    return F.sum(F.where(everything.mask, log_p, 0.0), 1)


def exact_gradient(policy, start, rewards, entropy=0.0, kl=0.0):
    """∂J/∂table of J = Σ_w p(w) (R(w) − λ ln p(w) − β ln(p(w) / p₀(w))), by its definition over whole captions."""
    log_p = log_probabilities(policy)
    penalty = (entropy + kl) * log_p - kl * log_probabilities(start).data
    J = F.sum(F.exp(log_p) * (rewards - penalty))
    return tm.grad(J, [policy.table])[0].data.ravel()


def estimate(policy, start, which, advantage, entropy=0.0, kl=0.0):
    """The estimate of ∂J/∂table from these captions of image 0."""
    captions = drawn(which)
    image = np.array([[0]])
    logits, start_logits = (model(image, captions.ids[:, :-1])[0] for model in (policy, start))
    loss = policy_gradient_loss(logits, captions.ids[:, 1:], captions.mask, advantage, start_logits.data, entropy, kl)
    return -tm.grad(loss, [policy.table])[0].data.ravel()

"""Training for reward: draw captions, reward them, compare with the baseline, follow the gradient.

The captioner stays in eval mode throughout, so that captions are drawn from the policy whose gradient is taken: no
dropout, and batch statistics stay those of the start. One pass with the drawn words as input gives their
log-probabilities with their gradients. Where the fusion looks at one region, it looks at the likeliest; where it looks
is then no part of what reward changes.
"""

from typing import NamedTuple

import numpy as np

from ....autograd import no_grad
from ....data.texts.tokenizer import BOS, EOS
from ....mapping import DrawnCaptions, draw_captions, greedy_captions, policy_gradient_loss

__all__ = ["Drawn", "draw_rewarded", "earned", "moving_hook", "reward_loss"]


class Drawn(NamedTuple):
    """What was drawn for a batch, and what it earned."""

    captions: DrawnCaptions
    rewards: np.ndarray          # (B, n)
    greedy: np.ndarray | None    # (B,), where it is needed


def draw_rewarded(captioner, images, rows, reward, tokens, n, longest, rng, with_greedy):
    """Draw n captions of each image and reward them: Drawn; rows (B,) say which images of the reward they are."""
    drawn = draw_captions(captioner, images, n, BOS, EOS, longest, rng)
    rewards = earned(reward, tokens, drawn, np.repeat(rows, n)).reshape(-1, n)
    greedy = None
    if with_greedy:
        greedy = earned(reward, tokens, greedy_captions(captioner, images, BOS, EOS, longest), rows)
    return Drawn(drawn, rewards, greedy)


def earned(reward, tokens, captions, rows):
    """The rewards (S,) of `DrawnCaptions`."""
    return reward([tokens.decode(words) for words in captions.said], captions.closed, rows)


def reward_loss(objective, reward, baseline, start, tokens, longest):
    """The function `loss(captioner, batch, rng)` of a Trainer, of batches (images, rows).

    Parameters
    ----------
    objective : Objective
    reward : callable
        Of the training images; see `tinymm.mapping.rewards`.
    baseline : callable
        See `tinymm.mapping.reinforcement.baselines`; it is asked here and updated by `moving_hook`.
    start : Captioner
        The frozen one that `kl` keeps near.
    tokens : WordTokenizer
    longest : int
        Words of a caption, at most.
    """
    weights = objective.entropy * reward.highest, objective.kl * reward.highest

    def loss(captioner, batch, rng):
        images, rows = batch
        captioner.eval()
        drawn, rewards, greedy = draw_rewarded(captioner, images, rows, reward, tokens, objective.samples, longest, rng,
                                               baseline.uses_greedy)
        advantage = baseline(rewards, greedy)
        logits, _ = captioner(images, drawn.ids[:, :-1])
        start_logits = None
        if objective.kl:
            with no_grad():
                start_logits = start(images, drawn.ids[:, :-1])[0].data
        value = policy_gradient_loss(logits, drawn.ids[:, 1:], drawn.mask, advantage.ravel(), start_logits, *weights)
        return value, {"reward": rewards.mean(), "reward_spread": rewards.std(),
                       "positive_advantages": (advantage > 0).mean(), "closed": drawn.closed.mean(),
                       "words": drawn.mask.sum() / len(drawn.said)}

    return loss


def moving_hook(baseline):
    """The hook that tells a moving average the mean reward of a step, over all replicas, once its gradient is known."""
    return lambda captioner, numbers, rng: baseline.update(np.array(numbers["reward"]))

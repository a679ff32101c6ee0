r"""What a caption's reward is compared with: the advantage $R - b$, by four baselines.

Each is called as ``baseline(rewards, greedy)`` with the rewards (B, n) of n captions drawn for each image and, if it
`uses_greedy`, the rewards (B,) of the greedy captions. It returns advantages (B, n). Every b here is independent of
the caption that it judges, so none of them changes the mean of the gradient.
"""

from ... import nn

__all__ = ["LeaveOneOut", "MovingAverage", "NoBaseline", "SelfCritical"]


class NoBaseline:
    r"""REINFORCE as it is: $b = 0$.

    References
    ----------
    Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement learning.

    Examples
    --------
    >>> import numpy as np
    >>> NoBaseline()(np.array([[1.0, 3.0]]))
    array([[1., 3.]])
    """

    uses_greedy = False

    def __call__(self, rewards, greedy=None):
        return rewards


class MovingAverage(nn.MovingBaseline):
    r"""One number for all images, the moving average of earlier rewards: $b \leftarrow m\,b + (1 - m)\,\bar R$.

    Call `update` with the rewards once the step's gradient is known.

    Parameters
    ----------
    momentum : float
        m in [0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> baseline = MovingAverage(momentum=0.5)
    >>> baseline.update(np.array([[2.0, 6.0]]))
    >>> baseline(np.array([[1.0, 3.0]]))
    array([[-1.,  1.]])
    """

    uses_greedy = False

    def forward(self, rewards, greedy=None):
        return super().forward(rewards)


class SelfCritical:
    r"""The reward of the image's greedy caption, of the same policy: $b_i = R(\hat w_i)$.

    What is drawn is made likelier only where it beats what the captioner would say when it is used.

    References
    ----------
    Rennie et al. (2017), Self-critical sequence training for image captioning, equation 9.

    Examples
    --------
    >>> import numpy as np
    >>> SelfCritical()(np.array([[1.0, 3.0]]), np.array([2.5]))
    array([[-1.5,  0.5]])
    """

    uses_greedy = True

    def __call__(self, rewards, greedy):
        return rewards - greedy[:, None]


class LeaveOneOut:
    r"""The mean reward of the image's other captions: $b_{ij} = \frac{1}{n-1} \sum_{k \ne j} R_{ik}$.

    The advantage is $\frac{n}{n-1}(R_{ij} - \bar R_i)$: it sums to zero over the captions of an image.

    Raises
    ------
    ValueError
        For a single caption per image.

    References
    ----------
    Kool, van Hoof, Welling (2019), Buy 4 REINFORCE samples, get a baseline for free!, equation 8.

    Examples
    --------
    >>> import numpy as np
    >>> LeaveOneOut()(np.array([[1.0, 3.0, 5.0]]))
    array([[-3.,  0.,  3.]])
    """

    uses_greedy = False

    def __call__(self, rewards, greedy=None):
        n = rewards.shape[1]
        if n < 2:
            raise ValueError(f"LeaveOneOut: needs two captions or more of each image; got {n}")
        others = (rewards.sum(1, keepdims=True) - rewards) / (n - 1)
        return rewards - others

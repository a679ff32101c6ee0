r"""Policy gradient (3.2.2): a captioner that is rewarded for what it says.

$$J(\theta) = \mathrm E_{w \sim \pi_\theta}[R(w)] + \lambda\, H(\pi_\theta)
              - \beta\, \mathrm{KL}(\pi_\theta \,\|\, \pi_0)$$

`drawn` draws captions w from the policy π, `baselines` says what their rewards R are compared with, `loss`
has the loss whose gradient is an unbiased estimate of that of −J. Rewards are in `tinymm.mapping.rewards`;
`docs/reinforcement.md` derives it all.
"""

from .baselines import LeaveOneOut, MovingAverage, NoBaseline, SelfCritical
from .drawn import DrawnCaptions, draw_captions, greedy_captions
from .loss import policy_gradient_loss

__all__ = ["DrawnCaptions", "LeaveOneOut", "MovingAverage", "NoBaseline", "SelfCritical", "draw_captions",
           "greedy_captions", "policy_gradient_loss"]

"""`tinymm run captioning --objective reward`: from a likelihood captioner to one that is rewarded for what it says.

`options` are what the command asks for, `starting` is which checkpoints it may start from, `training` how it learns,
`rewarding` puts a run together, `spread` how noisy the gradient is with each baseline, `judging` what a captioner says
and how good it is, `telling` what the report shows: gains, and what was lost or gamed for them.
"""

from .options import Objective
from .rewarding import Rewarding, RewardPlan

__all__ = ["Objective", "RewardPlan", "Rewarding"]

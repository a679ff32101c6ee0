"""What a captioner is trained for: the options of the command."""

import math
from dataclasses import dataclass

from ....mapping import LeaveOneOut, MovingAverage, NoBaseline, SelfCritical
from ..options import require, require_used

__all__ = ["BASELINES", "Objective"]

BASELINES = {"none": NoBaseline, "moving-average": MovingAverage, "self-critical": SelfCritical,
             "leave-one-out": LeaveOneOut}
USERS = dict.fromkeys(("reward", "baseline", "samples", "entropy", "kl"), "reward")


@dataclass(frozen=True)
class Objective:
    """Objective.

    Parameters
    ----------
    objective : {"likelihood", "reward"}
        Learn to say the true captions, or, from there, to say what is rewarded.
    init : path, optional
        checkpoint.npz to start from. With reward: of a likelihood run on the same data. With likelihood: of
        `tinymm run clip`, whose picture tower looks at the image and goes on learning.
    reward : {"cider", "bleu", "truth"}
        With reward: CIDEr-D or BLEU-4 of each caption, closing word included; of the shapes world also its truth.
    baseline : {"none", "moving-average", "self-critical", "leave-one-out"}
        With reward: what each caption's reward is compared with.
    samples : int
        With reward: captions drawn for each image of a step.
    entropy : float
        With reward: what a nat of a caption's entropy earns, as a share of the highest reward (10 of CIDEr-D, else 1).
    kl : float
        With reward: what a nat of divergence from the start costs, as such a share.
    """

    objective: str = "likelihood"
    init: str | None = None
    reward: str = "cider"
    baseline: str = "leave-one-out"
    samples: int = 5
    entropy: float = 0.0
    kl: float = 0.02

    def __post_init__(self):
        require_used(self, "objective", USERS)
        require(not self.is_reward or self.init is not None, "--init",
                "--objective reward must start from the checkpoint.npz of a likelihood run: what an untrained "
                "captioner says is nonsense and earns nothing, so the gradient would carry nothing", "none")
        fewest = 2 if self.baseline == "leave-one-out" else 1
        require(self.samples >= fewest, "--samples",
                f"must be at least {fewest} with --baseline {self.baseline}", self.samples)
        for option, weight in (("--entropy", self.entropy), ("--kl", self.kl)):
            require(0 <= weight < math.inf, option, "must be a number from 0", weight)

    @property
    def is_reward(self):
        return self.objective == "reward"

    def new_baseline(self):
        """The baseline that was asked for, before it has seen a reward."""
        return BASELINES[self.baseline]()

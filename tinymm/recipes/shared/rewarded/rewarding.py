"""A run with --objective reward, put together: the start, the rewards, the training, what is told of it."""

import copy
from typing import NamedTuple

import numpy as np

from ....mapping import BleuReward, CiderReward, TruthReward
from ....training import TrainingSet
from ..checkpoints import load
from ..options import require
from ..plan import Plan
from .judging import endings_of, judged, say_greedily
from .spread import gradient_noise
from .starting import load_start
from .telling import add_captions, add_gains, add_ngrams, add_noise, add_training, gains
from .training import moving_hook, reward_loss

__all__ = ["RewardPlan", "Rewarding"]

VALIDATED = 200  # validation images captioned after each epoch
MEASURED = 16  # training images of which the gradient's noise is measured
DRAWS = 24  # as often are captions drawn for them


class RewardPlan(NamedTuple):
    """How a captioner learns from rewards.

    Attributes
    ----------
    plan : Plan
    images : int
        Training images to draw captions for, at most: the first ones; a pass over all may take too long between
        validations. References and document frequencies are those of all.
    trains_encoder : bool
        Whether the image encoder learns too. Where it knows the few training images by heart, reward for them has made
        it no better on others, and rather worse (docs/reinforcement.md).
    """

    plan: Plan
    images: int
    trains_encoder: bool


class Rewarding:
    """What a rewarded run does before, in and after its training; the recipe does the rest as for likelihood.

    Parameters
    ----------
    run : Run
    objective : Objective
    config : dict
        Of the captioner that the options ask for; the start must be one.
    tokens : WordTokenizer
        Of the training captions.
    parts : dict of str to Captioned
    longest : int
        Words of a caption, at most.
    """

    def __init__(self, run, objective, config, tokens, parts, longest):
        self.run, self.objective, self.config, self.longest = run, objective, config, longest
        self.tokens, self.parts = tokens, parts
        self.start = load_start(objective.init, config, tokens, run.seed, len(parts["train"]))
        run.say("counting the references ...")
        self.rewards = _rewards(objective.reward, parts)

    @staticmethod
    def check(objective, data, fusions, decoding):
        """Raise ValueError for options that do not go together, before anything is read."""
        if objective.is_reward:
            require(objective.reward != "truth" or not data, "--reward",
                    "truth needs the shapes world, whose scenes are known; with --data there are none", "truth")
            require(len(fusions) == 1, "--fusion", "must name one with --objective reward: the start has one",
                    ",".join(fusions))
            require(decoding.decode == "greedy", "--decode", "must be greedy with --objective reward: the start is "
                    "compared by what it says greedily; `tinymm caption` decodes either as you like", decoding.decode)
            load(objective.init, "captioning")                           # a wrong file is told at once

    def train(self, how, images, scored):
        """Train from the start, and return the captioner.

        Parameters
        ----------
        how : RewardPlan
        images : callable
            ``images(rows, rng)`` gives a step's training images.
        scored : callable
            ``scored(captions, references, scenes)`` gives `Scores`.
        """
        baseline, train = self.objective.new_baseline(), self.rewards["train"]
        state, hook = {}, None
        if self.objective.baseline == "moving-average":
            state, hook = {"baseline": baseline}, moving_hook(baseline)
        loss = reward_loss(self.objective, train, baseline, self.start, self.tokens, self.longest)
        data = TrainingSet(min(how.images, len(self.parts["train"])), lambda rows, rng: (images(rows, rng), rows))
        encoder = self.start.image_encoder if hasattr(self.start, "image_encoder") else self.start.encoder
        encoder.requires_grad_(how.trains_encoder)
        trainer = self.run.fit(how.plan, copy.deepcopy(self.start), loss, data, self._validator(scored),
                               config=self.config, tokenizer=self.tokens, after_backward=hook, extra_state=state)
        return trainer.model

    def _validator(self, scored):
        part = self.parts["val"]
        first = np.arange(min(len(part), VALIDATED))
        references, scenes, images = part.captions[:len(first)], part.scenes and part.scenes[:len(first)], \
            part.images(first)

        def validate(captioner):
            captions, closed = say_greedily(captioner, self.tokens, images, self.longest)
            reward = self.rewards["val"](captions, closed, first)
            return {"reward": reward.mean(), "reward_spread": reward.std(), "closed": closed.mean(),
                    **scored(captions, references, scenes).metrics}

        return validate

    def tell_gains(self, report, captioner):
        """Begin the report with what the reward has changed: of every test part what the start and the captioner say,
        each a dict of str to Judged, for `tell_more`."""
        before, after = self._judged(self.start), self._judged(captioner, self.start)
        for part in before:
            add_gains(report, part, before[part], after[part])
        add_captions(report, self.parts["test"], before["test"], after["test"])
        add_ngrams(report, before["test"].captions, after["test"].captions, self.parts["test"].captions)
        return before, after

    def tell_more(self, report, before, after):
        """Add how training went: dict of str to number, for `metrics.json`."""
        metrics = {name: number for part in before for name, number in gains(part, before[part], after[part]).items()}
        rows = np.arange(min(len(self.parts["train"]), MEASURED))
        noise = gradient_noise(self.start, self.parts["train"].images(rows), rows, self.rewards["train"], self.tokens,
                               self.objective.samples, self.longest, self.run.rng(6), DRAWS)
        for name, (trace, error) in noise.items():
            name = f"noise/{name.replace('-', '_')}"
            metrics |= {name: trace, f"{name}/standard_error": error}
        add_training(report, self.run.trainer.log.rows, self.objective)
        add_noise(report, noise, self.objective.samples, len(rows))
        return metrics

    def _judged(self, captioner, start=None):
        """Of every test part."""
        endings = endings_of(self.parts["train"].captions)
        return {name: judged(captioner, self.tokens, part, self.rewards[name], endings, self.longest, self.run.rng(5),
                             start) for name, part in self.parts.items() if name.startswith("test")}


def _rewards(name, parts):
    """The reward of every part; document frequencies are those of the whole training split."""
    if name == "truth":
        return {part: TruthReward(own.scenes) for part, own in parts.items()}
    train = {"cider": CiderReward, "bleu": BleuReward}[name](parts["train"].captions)
    return {part: train if part == "train" else train.of(own.captions) for part, own in parts.items()}

"""The worlds of complementarity as experiments: what learns in each, how it is trained, and on what it is tested.

The contenders of a trial are either modality alone, two fusions, and the product of two single classifiers, all with
equally many parameters. Trained on changed examples, they are controls.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from .... import functional as F
from ....data.interactions import StreamBounce, VectorWorld, second_replaced, stream_bounce, unlabelled
from ....encoders import AudioRecurrent, ConvEncoder, VideoRecurrent
from ....fusion import ConcatenationFusion, MLBFusion
from ....metrics import bayes_accuracy
from ..plan import Plan
from .contenders import Alone, Examples, Experts, Together, VectorEncoder, is_right, learned, sized

__all__ = ["FUSIONS", "REPLACED", "SHUFFLED", "SINGLES", "UNORDERED", "ClipTrial", "Trial", "VectorTrial"]

SINGLES, FUSIONS = ("first", "second"), ("concatenation", "bilinear")
REPLACED, SHUFFLED = "second replaced", "labels shuffled"  # in training
UNORDERED = "frames in no order"


class Trial:
    """What all trials share; a subclass says what it trains on (`training`) and what reads a modality (`encoder`).

    Parameters
    ----------
    run : Run
    share : float
        Of the steps of its `plan`.
    name : str
    key : int
        Of its random numbers.
    prior : array (K,)
        How frequent each class is.
    val, test : Examples

    Attributes
    ----------
    parts : dict of str to Examples
        Those two, and the test with either modality of another example.
    accuracies : (float, float, float) or None
        Of the first modality, the second and both, the best that is possible, where it is known.
    speakers : (str, str) or None
        The parts with the same clips where their speakers are known, and where they are new.
    """

    accuracies = speakers = None

    def __init__(self, run, share, name, key, prior, val, test):
        self.run, self.plan, self.name, self.key, self.prior = run, self.plan.shortened(share), name, key, prior
        rng = run.rng(32, key)
        self.parts = {"val": val, "test": test} | {f"{modality} permuted": test.permuted(place, rng)
                                                   for place, modality in enumerate(SINGLES)}

    def fit(self, kind, change, rate, seed, report):
        """Train a contender, on examples that are changed or not (None), and test it: dict of part to (N,) array."""
        model = self.model(kind, np.random.default_rng([seed, 33, self.key]))
        data = self.training(change, np.random.default_rng([seed, 36, self.key]))  # the same for all of a seed
        learned(self.run, replace(self.plan, peak_rate=rate), model, data, seed, report)
        return {part: is_right(model, examples) for part, examples in self.parts.items()}

    def model(self, kind, rng):
        """A contender by name, with at most so many parameters."""
        if kind in SINGLES:
            return self._alone(SINGLES.index(kind), self.parameters, rng)
        if kind == "product":
            return Experts([self._alone(place, self.parameters // 2, rng) for place in range(2)], self.prior)
        fusion = {"concatenation": ConcatenationFusion, "bilinear": _bilinear}[kind]

        def make(width):
            encoders = {name: self.encoder(place, rng) for place, name in enumerate(SINGLES)}
            widths = {name: encoder.pooled_width for name, encoder in encoders.items()}
            return Together(encoders, fusion(widths, width, rng=rng), len(self.prior), rng=rng)

        return sized(make, self.parameters)

    def _alone(self, place, parameters, rng):
        return sized(lambda width: Alone(self.encoder(place, rng), place, width, len(self.prior), rng=rng), parameters)


class _TableTrial(Trial):
    """A world that is drawn by a table, and its controls by others.

    Parameters
    ----------
    run, share, key
        As of `Trial`.
    interaction : Interaction
    """

    def __init__(self, run, share, interaction, key):
        self.interaction, self.accuracies, table = interaction, interaction.accuracies, interaction.table
        self.tables = {None: table, REPLACED: second_replaced(table), SHUFFLED: unlabelled(table)}
        val, test = (self.draw(self.sizes[part], run.rng(31, key, number))
                     for number, part in enumerate(("val", "test")))
        super().__init__(run, share, interaction.name, key, table.sum((0, 1)), val, test)

    def draw(self, n, rng, table=None):
        """Examples of the world, or of another table of its symbols."""
        return Examples(*self.world.sample(n, rng, table))

    def training(self, change, rng):
        """Examples to learn from."""
        return self.draw(self.sizes["train"], rng, self.tables[change])


class VectorTrial(_TableTrial):
    """A world whose symbols are shown as vectors.

    Parameters
    ----------
    run : Run
    share : float
        Of the steps.
    number : int
        Of the world.
    interaction : Interaction
    """

    kind = "vectors"
    width, encoded = 16, 32  # of a vector, and of what its encoder makes of it
    parameters = 5000
    sizes = {"train": 2000, "val": 500, "test": 1000}
    plan = Plan(batch_size=64, steps=600, peak_rate=1e-3, weight_decay=0.01, replicas=1)

    def __init__(self, run, share, number, interaction):
        self.world = VectorWorld(interaction.table, run.rng(30, number), self.width)
        super().__init__(run, share, interaction, number)

    def encoder(self, place, rng):
        """What reads a modality."""
        return VectorEncoder(self.width, self.encoded, rng=rng)


class ClipTrial(_TableTrial):
    """The clip of two balls with its sound; the first modality are the frames, the second is the spectrogram.

    Parameters
    ----------
    run : Run
    share : float
        Of the steps.

    Attributes
    ----------
    unordered_accuracy : float
        The best that is possible if the frames come in no order.
    """

    kind = "clips"
    states = 32  # of the recurrent networks
    bands, window, hop = 20, 256, 100  # of the spectrogram: four steps while a frame is shown
    parameters = 24_000
    sizes = {"train": 2000, "val": 500, "test": 1000}
    plan = Plan(batch_size=32, steps=650, peak_rate=1e-3, weight_decay=0.01, replicas=1)

    def __init__(self, run, share):
        self.world = StreamBounce()
        super().__init__(run, share, stream_bounce(), 100)
        apart, early, middle, late = self.world.table
        # without their order the frames tell the middle moment from the others: only there all distances occur twice
        self.unordered_accuracy = bayes_accuracy(np.stack([apart, middle, early + late]))
        self.parts[UNORDERED] = self.parts["test"].changed(0, partial(_in_no_order, rng=run.rng(34)))

    def draw(self, n, rng, table=None):
        """Clips and spectrograms."""
        (clips, sounds), events = self.world.sample(n, rng, table)
        x = F.log_mel_spectrogram(sounds, self.world.rate, self.bands, self.window, self.hop, floor=1e-6)
        return Examples((clips, (x - x.mean(1, keepdims=True)) / 2), events)

    def encoder(self, place, rng):
        """What reads a modality."""
        if place == 0:
            frame = ConvEncoder(((4,), (16,)), self.world.size, channels=1, glance=2, rng=rng)
            return VideoRecurrent(frame, self.states, rng=rng)
        return AudioRecurrent(self.bands, self.states, channels=(8, 8), halvings=2, rng=rng)


def _bilinear(widths, width, *, rng):
    return MLBFusion(widths, width, hidden=width, rng=rng)


def _in_no_order(clips, rng):
    """Clips (n, T, ...), the frames of each in an order of their own."""
    orders = rng.permuted(np.tile(np.arange(clips.shape[1]), (len(clips), 1)), axis=1)
    return np.take_along_axis(clips, orders.reshape(*orders.shape, *(1,) * (clips.ndim - 2)), 1)

"""What the claim on noise is tested on: pairs of two modalities, and all that can happen to either."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..plan import Plan

__all__ = ["SEVERITIES", "NoisyWorld"]

SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class NoisyWorld:
    """Pairs, what can happen to them, and what reads them.

    Pairs, of any type, have `labels`, an int array (N,), and ``examples(missing=None)``, which gives `Examples` with
    three inputs: the first modality, the second, and booleans (N, 2) that say which of them is there.

    Attributes
    ----------
    modalities : (str, str)
    draw : callable
        ``draw(part, rng)`` → pairs of "train", "val" or "test".
    prior : float array (K,)
        How frequent each class is.
    encoders : callable
        ``encoders(rng)`` → dict of modality to encoder.
    parameters : int
        Of a contender, at most.
    plan : Plan
    rates : tuple of float
        Learning rates to choose from.
    sweeps : dict of str to sequence of callable
        By name what happens, one after the other: ``change(pairs, severity, rng)`` → pairs, in place of none, with a
        severity in [0, 1] or one for each pair; at 0 a pair is as it was. "both seen" and "both new" are among them.
    seen : (str, str)
        The sweeps that a training on noisy pairs knows, of the first modality and of the second.
    new : dict of str to sequence of str
        By "new in MODALITY", for each modality, the sweeps that it does not know.
    example : dict of str to float
        Sweeps, and how severe, of the part "example".
    ceilings : dict of (str, str) to float
        By modality alone and part, the best that is possible.
    """

    modalities: tuple
    draw: Callable
    prior: np.ndarray
    encoders: Callable
    parameters: int
    plan: Plan
    rates: tuple
    sweeps: dict
    seen: tuple
    new: dict
    example: dict
    ceilings: dict

    @property
    def conditions(self):
        """The parts of the test that decide, and the modality that is bad in each, or None if both are."""
        own = {part: name for name, seen in zip(self.modalities, self.seen) for part in (seen, f"new in {name}")}
        return {"example": None, "both seen": None, "both new": None} | own

    def other(self, modality):
        """The modality that is not this one."""
        return self.modalities[1 - self.modalities.index(modality)]

    def corrupted(self, pairs, sweep, severity, rng):
        """The pairs after what a sweep does, at a severity in [0, 1]; at 0 they are as they were."""
        for change in self.sweeps[sweep]:
            pairs = change(pairs, severity, rng)
        return pairs

    def varied(self, pairs, rng):
        """The pairs as a training that knows of noise sees them: to half of either modality happens what is seen, each
        time at a severity of its own."""
        for sweep in self.seen:
            severity = np.where(rng.random(len(pairs.labels)) < 0.5, rng.random(len(pairs.labels)), 0.0)
            pairs = self.corrupted(pairs, sweep, severity, rng)
        return pairs

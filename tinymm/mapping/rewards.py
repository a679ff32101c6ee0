"""What a caption earns: CIDEr-D or BLEU-4 against the references of its image, or the truth about its scene.

A reward is called as ``reward(captions, closed, images)``: captions as strings or token sequences, whether each was
closed, and the image each is of, by its place among those that the reward was made for. It returns float64 (S,), from 0
to `highest`.

The closing word is one more token of a closed caption and of every reference. Without it the n-grams at a caption's end
would be worth as much as any others, and captions trained on them end in fragments ("a man with a"): every further word
costs a little precision, and stopping early earns nothing less. The name says which it is: `cider_closed` counts the
closing word, `cider` does not, and then equals the metric of the reports, given the same document frequencies.
"""

import numpy as np

from ..data import judge
from ..metrics import CountedReferences, caption_tokens

__all__ = ["BleuReward", "CiderReward", "TruthReward"]

CLOSING = "<eos>"  # no token of a text: punctuation is none


class _AgreementReward:
    """How much captions agree with references, with or without the closing word: what the next two have in common."""

    def __init__(self, references, document_frequency, closing):
        self.closing = closing
        self.counted = CountedReferences([[self._tokens(caption) for caption in group] for group in references],
                                         document_frequency)

    @property
    def name(self):
        return f"{self.measure}_closed" if self.closing else self.measure

    def _all_tokens(self, captions, closed):
        return [self._tokens(*pair) for pair in zip(captions, closed, strict=True)]

    def _tokens(self, caption, closed=True):
        tokens = tuple(caption_tokens(caption) if isinstance(caption, str) else caption)
        return (*tokens, CLOSING) if self.closing and closed else tokens


class CiderReward(_AgreementReward):
    """CIDEr-D, from 0 to 10.

    Parameters
    ----------
    references : sequence of N sequences of str, or of token sequences
        One or more captions per image. Strings are normalised by `caption_tokens`.
    document_frequency : DocumentFrequency, optional
        By default that of these references: make the reward from the whole training split, and for other images use
        `of`.
    closing : bool
        Whether the closing word counts.

    References
    ----------
    Vedantam, Zitnick, Parikh (2015), CIDEr, equations 1 and 4; Rennie et al. (2017), §4, on the closing word.

    Examples
    --------
    >>> reward = CiderReward([["a man with a hat"], ["a man on a horse"]])
    >>> captions = ["a man with a hat", "a man with a hat", "a man with a"]
    >>> reward(captions, [True, False, True], np.array([0, 0, 0])).round(2).tolist()
    [10.0, 8.75, 5.6]
    """

    measure, highest = "cider", 10.0

    def __init__(self, references, document_frequency=None, closing=True):
        super().__init__(references, document_frequency, closing)

    def __call__(self, captions, closed, images):
        return self.counted.cider_d(self._all_tokens(captions, closed), images)

    def of(self, references):
        """The same reward, with the same document frequencies, for other images."""
        return CiderReward(references, self.counted.document_frequency, self.closing)


class BleuReward(_AgreementReward):
    """BLEU-4 of single captions, from 0 to 1, with the smoothing of COCO's evaluation.

    That smoothing adds 1e-15 to every count of matches: a caption without a common 4-gram earns nearly nothing, however
    many shorter ones it shares, and so does every caption of fewer than four tokens.

    Parameters
    ----------
    references : sequence of N sequences of str, or of token sequences
        One or more captions per image. Strings are normalised by `caption_tokens`.
    closing : bool
        Whether the closing word counts.

    References
    ----------
    Papineni et al. (2002), BLEU, section 2.3, there for whole corpora.

    Examples
    --------
    >>> reward = BleuReward([["a man with a hat"]])
    >>> reward(["a man with a hat", "a man with a"], [True, True], np.array([0, 0])).round(2).tolist()
    [1.0, 0.58]
    """

    measure, highest = "bleu", 1.0

    def __init__(self, references, closing=True):
        super().__init__(references, None, closing)

    def __call__(self, captions, closed, images):
        return self.counted.bleu(self._all_tokens(captions, closed), images)[:, -1]

    def of(self, references):
        """The same reward for other images."""
        return BleuReward(references, self.closing)


class TruthReward:
    """1 for a closed caption that is true of its scene and mentions all of it, else 0.

    Parameters
    ----------
    scenes : sequence of Scene

    Examples
    --------
    >>> from tinymm.data.shapes.scene import Scene, Thing
    >>> reward = TruthReward([Scene((Thing("red", "circle", "small", x=0.2, y=0.3, radius=0.11),))])
    >>> reward(["a red circle", "a red circle", "a blue circle"], [True, False, True], [0, 0, 0]).tolist()
    [1.0, 0.0, 0.0]
    """

    name, highest = "truth", 1.0

    def __init__(self, scenes):
        self.scenes = scenes

    def of(self, scenes):
        """The same reward for other scenes."""
        return TruthReward(scenes)

    def __call__(self, captions, closed, images):
        return np.array([self._one(*triple) for triple in zip(captions, closed, images, strict=True)], float)

    def _one(self, caption, closed, image):
        verdict = judge(caption, self.scenes[image])
        return closed and verdict.true and verdict.complete

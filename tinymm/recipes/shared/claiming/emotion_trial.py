"""Complementarity where nothing should be gained: emotions, by the voice and by the sentence that is spoken.

In EmoDB everybody says the same ten sentences in every emotion, so that the sentence says next to nothing about the
emotion. Speakers are few; each is left out once, and all clips are tested on.
"""

import numpy as np

from ....data import WordTokenizer, pad_batch
from ....data.files import file_error
from ....data.speech import read_emodb
from ..plan import Plan
from ..sounds import RATE, wide_statistics
from .contenders import Caption, Examples, VectorEncoder, frequencies
from .new_speakers import SpokenTrial, each_left_out
from .trials import SINGLES

__all__ = ["EmotionTrial", "emotion_trials"]

STATISTICS = 298  # numbers of `wide_statistics`
WIDTHS = 32, 16  # of the encoders of voices and of sentences


def emotion_trials(run, share):
    """The trial on the folder of a run, in a list.

    Raises
    ------
    ValueError
        As `read_emodb`, or if there are too few speakers, or too few recordings of them.
    """
    data = read_emodb(run.data, RATE)
    if len(set(data.speakers)) < 3:
        raise file_error(run.data, "complementarity needs three speakers, to learn from, to choose by and to test on; "
                                   f"got {', '.join(sorted(set(data.speakers)))}")
    folds = each_left_out(data.speakers, run.rng(37))
    if not all(len(rows) for fold in folds for rows in fold):
        raise file_error(run.data, "complementarity needs more recordings of each speaker, some to learn from and some "
                                   f"to put aside; got {len(data)} by {len(folds)} speakers")
    return [EmotionTrial(run, share, "emotions", 210, data, folds)]


class EmotionTrial(SpokenTrial):
    """Emotions; the first modality are statistics of the spectrogram and of the pitch, the second are the words.

    Parameters
    ----------
    run, share, name, key
        As of `Trial`.
    data : LabelledSpeech
    folds : sequence of Fold
    """

    kind = "emotions"
    parameters = 24_000
    plan = Plan(batch_size=32, steps=400, peak_rate=1e-3, weight_decay=1.0, replicas=1)
    speakers = "known speakers", "new speakers"

    def __init__(self, run, share, name, key, data, folds):
        self.words = WordTokenizer.fit(data.transcripts)
        ids, _ = pad_batch([self.words.encode(text) for text in data.transcripts])
        voices = np.stack([wide_statistics(sound) for sound in data.load(np.arange(len(data)))])
        self.examples = Examples((voices, ids), data.labels)
        prior = frequencies(data.labels, len(data.names))
        twice = np.concatenate([fold.known for fold in folds])           # clips that are tested in both ways
        asked = {part: lambda fold: fold.new for part in ("test", *(f"{name} permuted" for name in SINGLES))}
        asked |= {"known speakers": lambda fold: fold.known,
                  "new speakers": lambda fold: np.intersect1d(fold.new, twice)}
        super().__init__(run, share, name, key, prior, self.examples, self.examples, folds, asked)

    def encoder(self, place, rng):
        """What reads a modality."""
        if place == 0:
            return VectorEncoder(STATISTICS, WIDTHS[0], rng=rng)
        return Caption(len(self.words), WIDTHS[1], rng=rng)

    def drawn(self, rows, rng):
        """Examples to learn from: the clips as they are."""
        return self.examples.part(rows)

    def scaled(self, data):
        """What brings each statistic to mean 0 and variance 1, over the clips to learn from."""
        voices = data.inputs[0]
        mean, scale = voices.mean(0), voices.std(0) + np.float32(1e-6)
        return lambda examples: examples.changed(0, lambda x: (x - mean) / scale)

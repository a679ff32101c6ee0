"""Sound classification: a clip → a class, here one spoken digit a clip (article 2.1).

Without --data it learns from the embedded voice, which says single digits by formant synthesis, every clip by a new
speaker. With --data DIR it reads recordings DIR/digit_speaker_take.wav or DIR/recordings/..., as the Free Spoken Digit
Dataset has them; takes 0 to 4 are for the test where there are others.
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..data.speech import WORDS, read_wave
from ..encoders import AudioRecurrent, AudioTransformer
from ..metrics import confusion_matrix
from ..training import Selection, TrainingSet
from ..viz import Example, spectrogram_image
from .shared import OURS, Plan, Results, over_batches, recipe, require
from .shared.baselines import majority_class
from .shared.checkpoints import checked_config
from .shared.classification import add_classes, add_worst_errors, answers, scored, validation_scores
from .shared.clips import read_takes, speakers_of, voice_parts
from .shared.sounds import BANDS, RATE, Variation, classified, padded, spectrogram
from .shared.several import Outcome
from .shared.speakers import leave_each_out

__all__ = ["ENCODER", "INPUTS", "SoundClassifier", "add_variations", "audio_encoder", "build", "predict",
           "probabilities", "run"]

INPUTS = ("audio",)
NEW_VOICES = Variation(speed=1.25, tempo=1.25, snr=(5.0, 40.0))  # as if others said it
SAME_VOICES = Variation(speed=1.1, tempo=1.2, snr=(10.0, 40.0))  # as if the same said it again


def _plan(steps):
    return Plan(batch_size=32, steps=steps, peak_rate=2e-3, weight_decay=0.05, warmup=0.15,
                select=Selection("val/accuracy"))


VOICE = {"plan": _plan(500), "dropout": 0.1, "variation": NEW_VOICES}
TAKES = {"plan": _plan(1200), "dropout": 0.2, "variation": SAME_VOICES}
TAKES_OF_OTHERS = {"plan": _plan(800), "dropout": 0.3, "variation": NEW_VOICES}
SMOOTHING = 0.1  # of the labels
ENCODER = {"encoder": ("gru", "lstm", "transformer"), "width": int, "channels": [int], "dropout": float}  # of a config


@recipe
def run(run, leave_out=None, encoder="gru"):
    """Train a classifier of clips, test it beside its baselines, write the output folder.

    Parameters
    ----------
    leave_out : str, optional
        With --data: test on all recordings of this speaker, learn from the others; all: of each in turn.
    encoder : {"gru", "lstm", "transformer"}
        What reads the spectrogram over time.
    """
    require(leave_out is None or run.data, "--leave-out",
            "needs --data; every speaker of the embedded voice is new in the test anyway", leave_out)
    if leave_out == "all":
        return leave_each_out(run, speakers_of(run.data),
                              lambda run: _one(run, run.options["leave_out"], encoder), WORDS)
    return _one(run, leave_out, encoder).metrics


def _one(run, leave_out, encoder):
    """One training and test: Outcome."""
    run.say(f"reading {run.data} ..." if run.data else "synthesising the embedded voice ...")
    parts, notes = read_takes(run.data, run.rng, leave_out) if run.data else voice_parts(run.rng(1), (1, 1))
    setting = VOICE
    if run.data:
        setting = TAKES if leave_out is None else TAKES_OF_OTHERS
    train, val, test = parts["train"], parts["val"], parts["test"]
    run.begin(run.data or "the embedded voice", parts, notes)

    config = {"encoder": encoder, "classes": len(WORDS), "width": 160, "channels": [16, 32, 32],
              "dropout": setting["dropout"]}

    def batch(rows, rng):
        return *padded([setting["variation"](train.sounds[i], rng) for i in rows]), train.labels[rows]

    def loss(classifier, batch, rng):
        x, mask, labels = batch
        return F.cross_entropy(classifier(x, mask), labels, label_smoothing=SMOOTHING)

    classifier = run.fit(
        setting["plan"], build(config, run.rng(0)), loss, TrainingSet(len(train), batch),
        lambda classifier: validation_scores(probabilities(classifier, val.sounds), val.labels),
        config=config, classes=WORDS).model

    p = probabilities(classifier, test.sounds)
    known, new = ([spectrogram(sound) for sound in part.sounds] for part in (train, test))
    shift = 1 + int(run.rng(5).integers(max(1, len(test) - 1)))          # nobody keeps their own clip
    predictions = {OURS: p.argmax(1), "majority": majority_class(train.labels, len(test)),
                   "logistic regression": classified(known, train.labels, new, len(WORDS)),
                   "shuffled audio": np.roll(p.argmax(1), -shift)}
    results = Results("test", scored(predictions, test.labels), "clips")
    report = run.report("Sound classification: single digits", f"Trained on {len(train)} clips")
    results.add_to(report, "Test: unheard clips", "Logistic regression sees the spectrogram's outline, its mean over "
                   "eight stretches of time; shuffled audio: the same model, hearing other clips.")
    add_classes(report, p.argmax(1), test.labels, WORDS)
    add_worst_errors(report, p, test.labels, WORDS, lambda i: (spectrogram_image(new[i]), test.speakers[i]))
    add_variations(report, train.sounds[0], WORDS[train.labels[0]], setting["variation"])
    return Outcome(run.finish(report, [results]), results, confusion_matrix(p.argmax(1), test.labels, len(WORDS)))


class SoundClassifier(nn.Module):
    r"""$p(k \mid \text{clip}) = \operatorname{softmax}(W y + b)_k$, y the mean of an audio encoder's features.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> model = SoundClassifier(AudioRecurrent(40, 16, channels=(4, 8), rng=rng), classes=3, rng=rng)
    >>> model(np.zeros((2, 9, 40), np.float32)).shape
    (2, 3)
    """

    def __init__(self, encoder, classes, dropout=0.0, *, rng):
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.scores = nn.Linear(encoder.width, classes, rng=rng)

    def forward(self, x, mask=None):
        """Spectrograms (B, T, F), mask (B, T) to logits (B, K)."""
        return self.scores(self.dropout(self.encoder(x, mask).pooled))


def build(config, rng):
    """The classifier of a config, its weights drawn from `rng`."""
    checked_config(config, classes=int, **ENCODER)
    return SoundClassifier(audio_encoder(config, rng), config["classes"], config["dropout"], rng=rng)


def audio_encoder(config, rng):
    """The encoder of a config: convolutions, then a recurrent network or a Transformer over time."""
    options = {"width": config["width"], "channels": config["channels"], "halvings": 2, "layers": 1,
               "dropout": config["dropout"], "rng": rng}
    if config["encoder"] == "transformer":
        return AudioTransformer(BANDS, **options)
    return AudioRecurrent(BANDS, kind=config["encoder"], **options)


def probabilities(classifier, sounds, batch=50):
    """The probability of each class for each clip: float array (N, K)."""
    def answer(rows):
        return F.softmax(classifier(*padded([spectrogram(sounds[i]) for i in rows])).data, -1)

    return np.array(over_batches(classifier, len(sounds), batch, answer, lengths=[len(sound) for sound in sounds]))


def predict(loaded, items):
    """The class of each recording."""
    sounds = [read_wave(item["audio"], RATE).samples for item in items]
    return answers(probabilities(loaded.model, sounds), loaded.classes)


def add_variations(report, sound, words, variation):
    """Add to a report one training clip as it is, and as three epochs saw it."""
    rng = np.random.default_rng(1)
    varied = {f"varied, {k}": variation(sound, rng) for k in (1, 2, 3)}
    pictures = {"as it is": spectrogram(sound, variation.hop), **varied}
    report.heading("How a clip varies in training")
    report.gallery([Example(spectrogram_image(x), name) for name, x in pictures.items()], caption=(
        f"{words}: speed (pitch and formants), tempo, noise, loudness, and parts hidden by SpecAugment."))

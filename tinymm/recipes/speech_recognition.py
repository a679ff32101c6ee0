"""Speech recognition: recordings → strings of digits, by CTC (article 2.1).

Without --data it learns from the embedded voice, which says strings of two to five digits by formant synthesis, every
clip by a new speaker. With --data DIR it reads recordings of single digits, DIR/digit_speaker_take.wav or
DIR/recordings/..., as the Free Spoken Digit Dataset has them, and joins them to strings of one speaker; takes 0 to 4
are for the test where there are others. Single digits are `sound-classification`.
"""

import math
from dataclasses import dataclass

import numpy as np

from .. import functional as F
from .. import nn
from ..data import NgramModel
from ..data.speech import WORDS, read_wave
from ..mapping import ctc_beam_search, ctc_greedy
from ..metrics import edit_distance, word_error_rate
from ..training import Selection, TrainingSet
from .shared import OURS, Answer, Plan, Results, Scores, over_batches, recipe, require
from .shared.checkpoints import checked_config
from .shared.clips import speakers_of
from .shared.options import require_used
from .shared.sounds import RATE, Variation, padded, spectrogram
from .shared.several import Outcome
from .shared.speakers import leave_each_out
from .shared.strings import add_errors, commonest_digit, cut_and_classified, string_parts, written
from .sound_classification import ENCODER, add_variations, audio_encoder

__all__ = ["Decoding", "INPUTS", "Recogniser", "bigrams", "build", "posterior", "predict", "run", "scored", "scores_of",
           "to_digits", "to_labels", "transcription_loss", "transcripts"]

INPUTS = ("audio",)
BLANK, LABELS = 0, 11  # CTC's classes: the blank, then the ten digits
BLANK_SIGN = "–"

VARIATION = Variation(speed=1.25, tempo=1.25, snr=(5.0, 40.0))  # as if others said it


def _plan(steps):
    return Plan(batch_size=32, steps=steps, peak_rate=2e-3, weight_decay=0.05, warmup=0.15,
                select=Selection("val/digit_error_rate", "min"))


VOICE = {"plan": _plan(500), "dropout": 0.1}
TAKES = {"plan": _plan(1000), "dropout": 0.3}


@dataclass(frozen=True)
class Decoding:
    """Decoding of strings.

    Parameters
    ----------
    decode : {"greedy", "beam"}
        Take the likeliest class of every frame, or search for the likeliest string.
    beam : int
        With beam: strings kept at each frame.
    lm : float
        With beam: weight of a bigram model of the training strings, 0 for none.
    """

    decode: str = "greedy"
    beam: int = 8
    lm: float = 0.0

    def __post_init__(self):
        require(self.beam >= 1, "--beam", "must be at least 1", self.beam)
        require(0 <= self.lm < math.inf, "--lm", "must be at least 0", self.lm)
        require_used(self, "decode", {"beam": "beam", "lm": "beam"})


@recipe(moved={"isolated": "a recipe of its own: tinymm run sound-classification"})
def run(run, leave_out=None, encoder="gru", decoding=Decoding()):
    """Train a recogniser of digit strings, test it beside its baselines, write the output folder.

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
                              lambda run: _one(run, run.options["leave_out"], encoder, decoding))
    return _one(run, leave_out, encoder, decoding).metrics


def _one(run, leave_out, encoder, decoding):
    """One training and test: Outcome."""
    parts, notes, draw = string_parts(run, leave_out)
    setting = TAKES if run.data else VOICE
    train, val, test = parts["train"], parts["val"], parts["test"]
    run.begin(run.data or "the embedded voice", parts, notes)

    config = {"encoder": encoder, "width": 160, "channels": [16, 32, 32], "dropout": setting["dropout"]}

    def batch(rows, rng):
        clips = draw(rows, rng)
        return *padded([VARIATION(sound, rng) for sound in clips.sounds]), clips.digits

    def validate(recogniser):
        return {"digit_error_rate": word_error_rate(transcripts(scores_of(recogniser, val.sounds)), val.digits)}

    recogniser = run.fit(setting["plan"], build(config, run.rng(0)), transcription_loss,
                         TrainingSet(len(train), batch), validate, config=config).model

    scores, rng = scores_of(recogniser, test.sounds), run.rng(5)
    language_model = bigrams(draw(np.arange(len(train)), rng).digits) if decoding.lm else None
    heard = transcripts(scores, decoding, language_model)
    shift = 1 + int(rng.integers(max(1, len(test) - 1)))                 # nobody keeps their own clip
    systems = {OURS: heard, "commonest digit": commonest_digit(train, len(test)),
               "equal cuts": cut_and_classified(train, test),
               "shuffled audio": [heard[(i + shift) % len(heard)] for i in range(len(heard))]}
    results = Results("test", {system: scored(strings, test.digits) for system, strings in systems.items()}, "clips",
                      lower_is_better=("digit_error_rate", "string_error_rate"))
    report = run.report("Speech recognition: connected digits by CTC", f"Trained on {len(train)} clips")
    results.add_to(report, "Test: unheard clips", (
        "Edits over digits; the share of strings with any error. Commonest digit: whatever was said; equal cuts: told "
        "how many digits there are, each of as many equal pieces by logistic regression; shuffled audio: the same "
        "model, hearing other clips."))
    add_errors(report, test.speakers, test.digits, heard)
    _add_alignments(report, test, heard, scores)
    first = draw(np.arange(1), np.random.default_rng(0))
    add_variations(report, first.sounds[0], written(first.digits[0]), VARIATION)
    # With digits as words the word error rate is the digit error rate.
    metrics = run.finish(report, [results], {"test/word_error_rate": results.systems[OURS].metrics["digit_error_rate"]})
    return Outcome(metrics, results)


# The model --------------------------------------------------------------------------------------------------------


class Recogniser(nn.Module):
    """Spectrograms to scores of the blank and the digits at each place: what CTC aligns."""

    def __init__(self, encoder, *, rng):
        self.encoder = encoder
        self.scores = nn.Linear(encoder.width, LABELS, rng=rng)

    def forward(self, x, mask=None):
        """Spectrograms (B, T, F), mask (B, T) to scores (B, N, 11), mask (B, N)."""
        encoded = self.encoder(x, mask)
        return self.scores(encoded.sequence), encoded.mask


def build(config, rng):
    """The recogniser of a config, its weights drawn from `rng`."""
    return Recogniser(audio_encoder(checked_config(config, **ENCODER), rng), rng=rng)


def transcription_loss(recogniser, batch, rng):
    """CTC: minus the log of the probability of the digits, over all ways to align them."""
    x, mask, digits = batch
    scores, mask = recogniser(x, mask)                                   # (B, N, 11), (B, N)
    lengths = np.array([len(string) for string in digits])
    log_p = F.transpose(F.log_softmax(scores, -1), 0, 1)                 # (N, B, 11)
    return F.ctc_loss(log_p, np.concatenate([to_labels(string) for string in digits]), mask.sum(1), lengths)


def to_labels(digits):
    """Digits to CTC's classes, in which 0 is the blank."""
    return [digit + 1 for digit in digits]


def to_digits(labels):
    """CTC's classes to digits."""
    return tuple(label - 1 for label in labels)


def scores_of(recogniser, sounds, batch=50):
    """The scores of each clip, (N, 11) with its own N."""
    def answer(rows):
        scores, mask = recogniser(*padded([spectrogram(sounds[i]) for i in rows]))
        return [row[real] for row, real in zip(scores.data, mask)]

    return over_batches(recogniser, len(sounds), batch, answer, lengths=[len(sound) for sound in sounds])


def transcripts(scores, decoding=Decoding(), language_model=None):
    """The digits of each clip, a tuple, out of its scores (N, 11); a language model of labels helps a beam."""
    def labels(row):
        if decoding.decode == "greedy":
            return ctc_greedy(row[:, None], [len(row)])[0]
        return ctc_beam_search(F.log_softmax(row, -1)[:, None], [len(row)], beam=decoding.beam,
                               language_model=language_model, weight=decoding.lm)[0]

    return [to_digits(labels(row)) for row in scores]


def bigrams(strings):
    """The language model of training strings (tuples of digits), over the labels of CTC."""
    return NgramModel([to_labels(string) for string in strings], 2, vocabulary=range(1, LABELS))


def predict(loaded, items):
    """The digits said in each recording; their probability is summed over all ways to align them."""
    sounds = [read_wave(item["audio"], RATE).samples for item in items]
    scores = scores_of(loaded.model, sounds)
    return [Answer(" ".join(map(str, digits)), _probability(row, digits))
            for row, digits in zip(scores, transcripts(scores))]


def _probability(scores, digits):
    log_p = F.log_softmax(scores, -1)[:, None]                           # (N, 1, 11)
    labels = np.array(to_labels(digits), int)
    return float(np.exp(-F.ctc_loss(log_p, labels, [len(scores)], [len(digits)], reduction="sum")))


# The test and the report ------------------------------------------------------------------------------------------


def scored(heard, digits):
    """Scores of the digits heard; a string's edits over the mean length have the digit error rate as their mean."""
    mean = np.mean([len(string) for string in digits])
    edits = np.array([edit_distance(a, b) for a, b in zip(heard, digits)])
    return Scores({"digit_error_rate": edits / mean, "string_error_rate": edits > 0})


def _add_alignments(report, test, heard, scores):
    report.heading("Where the digits were heard")
    report.text("Each digit that was said has a lane, the first at the bottom, with a lane for the blank before, "
                "between and after. The heat is α·β: how likely the true string, wherever it is aligned, is at that "
                "lane at that time.")
    is_right = np.array([heard[i] == test.digits[i] for i in range(len(test))])
    for i in [*np.flatnonzero(is_right)[:3], *np.flatnonzero(~is_right)[:3]]:
        digits = test.digits[i]
        lanes = [BLANK_SIGN, *(sign for digit in digits for sign in (WORDS[digit], BLANK_SIGN))]
        verdict = "heard right" if is_right[i] else f"heard as {written(heard[i])}"
        report.alignment(spectrogram(test.sounds[i]), lanes, posterior(scores[i], digits),
                         caption=f"{written(digits)}, said by {test.speakers[i]}, {verdict}.")


def posterior(scores, digits):
    """How likely each lane, blank or digit, is at each place if the clip says `digits`: (N, 2·len(digits) + 1)."""
    labels = np.array([to_labels(digits)])
    return F.ctc_posteriors(F.log_softmax(scores, -1)[:, None], labels, [len(scores)], [len(digits)])[:, 0]

"""Speech recognition: recordings → strings of digits, by CTC (article 2.1).

Without --data it learns from the embedded voice, which says strings of two to five digits by formant synthesis, every
clip by a new speaker. With --data DIR it reads recordings of single digits, DIR/digit_speaker_take.wav or
DIR/recordings/..., as the Free Spoken Digit Dataset has them, and joins them to strings of one speaker; takes 0 to 4
are for the test where there are others. Single digits are `sound-classification`.
"""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from .. import functional as F
from .. import nn
from ..data import NgramModel
from ..data.speech import WORDS, draw_strings, join_sounds, read_wave
from ..mapping import ctc_beam_search, ctc_greedy
from ..metrics import edit_alignment, edit_distance, word_error_rate
from ..training import Selection, TrainingSet
from .shared import OURS, Answer, Plan, Results, Scores, over_batches, recipe, require
from .shared.checkpoints import checked_config
from .shared.clips import Clips, read_takes, speakers_of, voice_parts
from .shared.options import require_used
from .shared.sounds import RATE, Variation, classified, padded, spectrogram
from .shared.several import Outcome
from .shared.speakers import leave_each_out
from .sound_classification import ENCODER, add_variations, audio_encoder

__all__ = ["Decoding", "INPUTS", "Recogniser", "bigrams", "build", "commonest_digit", "cut_and_classified",
           "joined_parts", "new_strings", "posterior", "predict", "run", "scored", "scores_of", "to_digits",
           "to_labels", "transcription_loss", "transcripts"]

INPUTS = ("audio",)
LENGTHS = (2, 5)  # digits of a string
PAUSE = (0.0, 0.15)  # seconds of silence between joined recordings
FADE = 0.005  # seconds at either end of a joined recording
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
    run.say(f"reading {run.data} ..." if run.data else "synthesising the embedded voice ...")
    if run.data:
        takes, notes = read_takes(run.data, run.rng, leave_out)
        parts = joined_parts(takes, run.rng(4))
        setting, draw = TAKES, new_strings(takes["train"])
    else:
        parts, notes = voice_parts(run.rng(1), LENGTHS)
        setting, draw = VOICE, parts["train"].drawn
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
    _add_errors(report, test, heard)
    _add_alignments(report, test, heard, scores)
    first = draw(np.arange(1), np.random.default_rng(0))
    add_variations(report, first.sounds[0], _written(first.digits[0]), VARIATION)
    # With digits as words the word error rate is the digit error rate.
    metrics = run.finish(report, [results], {"test/word_error_rate": results.systems[OURS].metrics["digit_error_rate"]})
    return Outcome(metrics, results)


# The data ---------------------------------------------------------------------------------------------------------


def joined_parts(takes, rng):
    """Single digits by part to strings: of validation and test once and for all, of training anew in every epoch."""
    return {name: part if name == "train" else _strings(part, rng) for name, part in takes.items()}


def _strings(singles, rng):
    """Strings out of single digits, each of which is used about once."""
    rows = draw_strings(singles.speakers, max(1, round(len(singles) / np.mean(LENGTHS))), rng, LENGTHS)
    return _joined(singles, rows, rng)


def new_strings(singles):
    """draw(rows, rng): each row's digit begins a string; what follows is drawn from the same speaker."""
    names = np.array(singles.speakers)
    own = {speaker: np.flatnonzero(names == speaker) for speaker in set(singles.speakers)}

    def draw(rows, rng):
        strings = [np.append(i, rng.choice(own[singles.speakers[i]], rng.integers(*LENGTHS))) for i in rows]
        return _joined(singles, strings, rng)

    return draw


def _joined(singles, strings, rng):
    """Clips of some strings, each the rows of its digits."""
    def sound(rows):
        pauses = [round(RATE * rng.uniform(*PAUSE)) for _ in rows[1:]]
        return join_sounds([singles.sounds[i] for i in rows], pauses, round(FADE * RATE))

    return Clips([sound(rows) for rows in strings], [tuple(singles.digits[i][0] for i in rows) for rows in strings],
                 [singles.speakers[rows[0]] for rows in strings])


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


def commonest_digit(train, n):
    """For each of n strings the commonest training digit, once: no constant answer of one digit is nearer."""
    return [(Counter(digit for string in train.digits for digit in string).most_common(1)[0][0],)] * n


def cut_and_classified(train, test):
    """Told how many digits there are, cut each clip into as many equal pieces and classify each: the strings of `test`.

    It learns from the pieces of training strings; of single digits the whole clip is the piece.
    """
    def pieces(part):
        return [piece for sound, string in zip(part.sounds, part.digits)
                for piece in np.array_split(spectrogram(sound), len(string))]

    labels = np.array([digit for string in train.digits for digit in string])
    found = iter(classified(pieces(train), labels, pieces(test), classes=10).tolist())
    return [tuple(next(found) for _ in string) for string in test.digits]


def _add_errors(report, test, heard):
    wrong = sorted((i for i in range(len(test)) if heard[i] != test.digits[i]),
                   key=lambda i: -edit_distance(heard[i], test.digits[i]))
    report.heading("The worst errors")
    if not wrong:
        report.text("None: every string was heard right.")
        return
    rows = [[test.speakers[i], _written(test.digits[i]), _written(heard[i]), _aligned(heard[i], test.digits[i])]
            for i in wrong[:20]]
    report.table(rows, ["speaker", "said", "heard", "alignment"], caption=(
        f"{len(rows)} of {len(wrong)} strings with errors, those with the most edits first. "
        "5→9: heard as another; −5: missed; +5: heard where there was none."))


def _add_alignments(report, test, heard, scores):
    report.heading("Where the digits were heard")
    report.text("Each digit that was said has a lane, the first at the bottom, with a lane for the blank before, "
                "between and after. The heat is α·β: how likely the true string, wherever it is aligned, is at that "
                "lane at that time.")
    is_right = np.array([heard[i] == test.digits[i] for i in range(len(test))])
    for i in [*np.flatnonzero(is_right)[:3], *np.flatnonzero(~is_right)[:3]]:
        digits = test.digits[i]
        lanes = [BLANK_SIGN, *(sign for digit in digits for sign in (WORDS[digit], BLANK_SIGN))]
        verdict = "heard right" if is_right[i] else f"heard as {_written(heard[i])}"
        report.alignment(spectrogram(test.sounds[i]), lanes, posterior(scores[i], digits),
                         caption=f"{_written(digits)}, said by {test.speakers[i]}, {verdict}.")


def posterior(scores, digits):
    """How likely each lane, blank or digit, is at each place if the clip says `digits`: (N, 2·len(digits) + 1)."""
    labels = np.array([to_labels(digits)])
    return F.ctc_posteriors(F.log_softmax(scores, -1)[:, None], labels, [len(scores)], [len(digits)])[:, 0]


def _written(digits):
    return " ".join(map(str, digits)) or "(nothing)"


def _aligned(heard, said):
    """The edits that turn what was said into what was heard, in one line: 5→9, −5, +5."""
    signs = {"match": "{0}", "substitute": "{0}→{1}", "delete": "−{0}", "insert": "+{1}"}
    return " ".join(signs[kind].format(true, found) for kind, true, found in edit_alignment(heard, said))

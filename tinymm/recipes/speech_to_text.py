"""Speech to text: recordings → words or characters, by an encoder-decoder with attention (article 2.3, 3.2.1).

A small model of Whisper's shape: log-mel spectrogram → two convolutions and a Transformer encoder → a Transformer
decoder that writes the transcript unit by unit. A CTC head on the encoder is trained with it, and the transcript is
sought by both together; the report shows each alone. Without --data it learns from the embedded voice, which says
strings of two to five digits, every clip by a new speaker. With --data DIR it reads recordings of single digits,
DIR/digit_speaker_take.wav or DIR/recordings/..., as the Free Spoken Digit Dataset has them, and joins them to strings
of one speaker. CTC alone, with a recurrent encoder, is `speech-recognition`.
"""

import numpy as np

from .. import functional as F
from .. import nn
from ..autograd import no_grad
from ..cores import ceil_div
from ..data import CharTokenizer, WordTokenizer, pad_batch
from ..data.speech import WORDS, read_wave
from ..data.texts.tokenizer import BOS, EOS, PAD, UNK
from ..encoders import WhisperEncoder
from ..mapping import (
    EncoderDecoder, ForbiddenWords, TextDecoder, beam_search, ctc_greedy, ctc_next_label, mixed, next_word_of,
    sequence_loss,
)
from ..metrics import edit_alignment, word_error_rate
from ..training import Selection, TrainingSet
from .shared import OURS, Answer, Plan, Results, Scores, over_batches, recipe, require
from .shared.checkpoints import checked_config
from .shared.clips import speakers_of
from .shared.several import Outcome
from .shared.sounds import BANDS, EDGE, RATE, Variation, padded, spectrogram
from .shared.speakers import leave_each_out
from .shared.strings import (
    LENGTHS, PAUSE, add_errors, commonest_digit, cut_and_classified, string_parts, written,
)
from .sound_classification import add_variations

__all__ = ["INPUTS", "Transcriber", "build", "predict", "run", "scored", "text_of", "transcription_loss",
           "transcripts"]

INPUTS = ("audio",)
TOKENIZERS = {"word": WordTokenizer, "char": CharTokenizer}
UNITS = {"word": WordTokenizer, "character": CharTokenizer}
POSITIONS = {"word": 16, "character": 48}  # units of a transcript, at most: half as many again as five digits have
SMOOTHING = 0.1  # of the units to be written
ONLY_UNITS = ForbiddenWords((PAD, BOS, UNK))  # no transcript holds them
BLANK = PAD  # CTC's blank has the number of a unit that no transcript holds
LONGEST = 30.0  # seconds of a clip, as Whisper's: what is longer is no string of digits
HOP = 160  # samples from frame to frame (20 ms), twice Whisper's: half the work
NEW_VOICES = Variation(speed=1.25, tempo=1.25, snr=(5.0, 40.0), hop=HOP)  # as if others said it
SAME_VOICES = Variation(speed=1.1, tempo=1.2, snr=(10.0, 40.0), hop=HOP)  # as if the same said it again
SLOWER, MORE = 1.3, 20  # a varied clip has at most so many times the frames of the clip, and so many more
FAILURES = ("substitutions", "deletions", "insertions", "loops")

SIZES = {"width": 128, "encoder_layers": 3, "decoder_layers": 2, "heads": 4}


def _plan(steps):
    return Plan(batch_size=32, steps=steps, peak_rate=2e-3, weight_decay=0.05, warmup=0.15,
                select=Selection("val/word_error_rate", "min"))


VOICE = {"plan": _plan(1000), "dropout": 0.1, "variation": NEW_VOICES}
TAKES = {"plan": _plan(2000), "dropout": 0.1, "variation": SAME_VOICES}
TAKES_OF_OTHERS = {"plan": _plan(1400), "dropout": 0.2, "variation": NEW_VOICES}


@recipe
def run(run, units="word", leave_out=None, ctc_weight=0.3, beam=4):
    """Train a transcriber, test it beside its baselines and each of its halves, write the output folder.

    Parameters
    ----------
    units : {"word", "character"}
        What a transcript is written in.
    leave_out : str, optional
        With --data: test on all recordings of this speaker, learn from the others; all: of each in turn.
    ctc_weight : float
        Share of CTC in the loss, and in the score of a transcript; 0: the decoder alone.
    beam : int
        Transcripts kept at each unit.
    """
    require(leave_out is None or run.data, "--leave-out",
            "needs --data; every speaker of the embedded voice is new in the test anyway", leave_out)
    require(0 <= ctc_weight < 1, "--ctc-weight", "must be at least 0 and below 1", ctc_weight)
    require(beam >= 1, "--beam", "must be at least 1", beam)
    if leave_out == "all":
        return leave_each_out(run, speakers_of(run.data),
                              lambda run: _one(run, units, run.options["leave_out"], ctc_weight, beam))
    return _one(run, units, leave_out, ctc_weight, beam).metrics


def _one(run, units, leave_out, ctc_weight, beam):
    """One training and test: Outcome."""
    parts, notes, draw = string_parts(run, leave_out)
    setting = VOICE
    if run.data:
        setting = TAKES if leave_out is None else TAKES_OF_OTHERS
    places = _places(run, parts)
    train, val = parts["train"], parts["val"]
    run.begin(run.data or "the embedded voice", parts, notes)

    tokens = UNITS[units].fit([" ".join(WORDS)])
    config = {"vocabulary": len(tokens), "places": places, "positions": POSITIONS[units], "ctc_weight": ctc_weight,
              "dropout": setting["dropout"], **SIZES}

    def batch(rows, rng):
        """Spectrograms (B, T, F), mask (B, T), ids (B, U), mask (B, U)."""
        clips = draw(rows, rng)
        ids = [tokens.encode(text_of(digits)) for digits in clips.digits]
        return *padded([setting["variation"](sound, rng) for sound in clips.sounds]), *pad_batch(ids)

    def loss(transcriber, batch, rng):
        return transcription_loss(transcriber, batch, ctc_weight)

    said = [text_of(digits) for digits in val.digits]

    def validate(transcriber):
        shares = _shares(ctc_weight)
        found = transcripts(transcriber, tokens, val.sounds, shares.values(), beam=1)
        names = ["word_error_rate" if way == OURS else f"{way}_word_error_rate" for way in shares]
        return {name: word_error_rate(texts, said) for name, texts in zip(names, found)}

    transcriber = run.fit(setting["plan"], build(config, run.rng(0)), loss, TrainingSet(len(train), batch), validate,
                          config=config, tokenizer=tokens).model
    return _tested(run, transcriber, tokens, parts, ctc_weight, beam, setting["variation"])


def _places(run, parts):
    """How many places of two frames the encoder must have for the longest clip there can be, varied."""
    longest = max(len(sound) for part in parts.values() for sound in part.sounds)
    if run.data:                                                         # training joins single digits
        joined = LENGTHS[1] * max(map(len, parts["train"].sounds)) + (LENGTHS[1] - 1) * round(PAUSE[1] * RATE)
        longest = max(longest, joined)
    require(longest <= LONGEST * RATE, "--data", f"strings of digits must last at most {LONGEST:.0f} s",
            f"up to {longest / RATE:.1f} s")
    return ceil_div(int(SLOWER * longest / HOP) + MORE, 2)


def _shares(ctc_weight):
    """The share of CTC in the score by which each way of decoding seeks a transcript."""
    return {OURS: ctc_weight, "attention": 0.0, "ctc": 1.0} if ctc_weight else {OURS: 0.0}


def text_of(digits):
    """Digits as a transcript: "seven two"."""
    return " ".join(WORDS[digit] for digit in digits)


# The model --------------------------------------------------------------------------------------------------------


class Transcriber(EncoderDecoder):
    """An encoder-decoder, and on its encoder a head for CTC over the same units."""

    def __init__(self, encoder, decoder, vocabulary, *, rng):
        super().__init__(encoder, decoder)
        self.labels = nn.Linear(encoder.width, vocabulary, rng=rng)

    def label_log_probs(self, encoded):
        """log p of each unit, and of the blank, at each place: (N, B, V), as CTC takes it."""
        return F.transpose(F.log_softmax(self.labels(encoded.sequence), -1), 0, 1)


def build(config, rng):
    """The transcriber of a config, its weights drawn from `rng`."""
    checked_config(config, vocabulary=int, places=int, positions=int, ctc_weight=float, dropout=float, width=int,
                   encoder_layers=int, decoder_layers=int, heads=int)
    width, heads, dropout = config["width"], config["heads"], config["dropout"]
    encoder = WhisperEncoder(BANDS, width, config["encoder_layers"], heads, config["places"], dropout, rng=rng)
    decoder = TextDecoder(config["vocabulary"], width, config["decoder_layers"], heads, config["positions"],
                          dropout=dropout, rng=rng)
    return Transcriber(encoder, decoder, config["vocabulary"], rng=rng)


def transcription_loss(transcriber, batch, ctc_weight):
    r"""$\mathcal L = \lambda \mathcal L_{\text{CTC}} + (1 - \lambda)\, \mathcal L_{\text{attention}}$, each per unit
    (Watanabe et al. 2017, equation 39)."""
    x, mask, ids, said = batch
    encoded = transcriber.encode(x, mask)
    logits, _ = transcriber.decode(encoded, ids[:, :-1])
    attention = sequence_loss(logits, ids, said, SMOOTHING)
    if not ctc_weight:
        return attention
    lengths = said.sum(1) - 2                                            # without <bos> and <eos>
    labels = np.concatenate([row[1:1 + n] for row, n in zip(ids, lengths)])
    ctc = F.ctc_loss(transcriber.label_log_probs(encoded), labels, encoded.mask.sum(1), lengths, BLANK,
                     zero_infinity=True)                                 # a hurried clip may have too few frames
    return ctc_weight * ctc + (1 - ctc_weight) * attention, {"ctc": float(ctc.data), "attention": float(attention.data)}


def transcripts(transcriber, tokens, sounds, shares, beam=4, batch=50):
    """The text of each clip, once for each share of CTC in the score by which a beam seeks it: lists of str.

    Of a share of 0 the decoder writes alone; of 1 CTC does, and the likeliest path is taken.
    """
    longest = transcriber.decoder.longest - 1                            # <bos> takes a position

    def answer(rows):
        encoded = transcriber.encode(*padded([spectrogram(sounds[i], HOP) for i in rows]))
        log_q, lengths = transcriber.label_log_probs(encoded).data, encoded.mask.sum(1)

        def sought(share):
            if share == 1:
                return ctc_greedy(log_q, lengths, BLANK)
            step = mixed(next_word_of(transcriber, encoded), ctc_next_label(log_q, lengths, EOS, BLANK), share)
            return beam_search(step, len(rows), BOS, EOS, longest, beam, length_penalty=0.0, rules=(ONLY_UNITS,))

        return list(zip(*map(sought, shares)))                           # for each clip what each share found

    found = over_batches(transcriber, len(sounds), batch, answer, lengths=[len(sound) for sound in sounds])
    return [[tokens.decode(ids) for ids in way] for way in zip(*found)]


def predict(loaded, items):
    """The transcript of each recording, sought as in the test; its probability is what the decoder gives to it."""
    sounds = [_read(item["audio"], loaded.config["places"]) for item in items]
    texts, = transcripts(loaded.model, loaded.tokenizer, sounds, [loaded.config["ctc_weight"]])
    return [Answer(text, _probability(loaded.model, sound, loaded.tokenizer.encode(text)))
            for sound, text in zip(sounds, texts)]


def _read(path, places):
    """Samples of a recording that the encoder has room for: a frame every HOP samples, two frames a place."""
    sound = read_wave(path, RATE).samples
    room = 2 * places * HOP - 2 * EDGE
    require(len(sound) < room, path, f"a recording must be shorter than {room / RATE:.1f} s, the longest that the "
            "model has places for", f"{len(sound) / RATE:.1f} s")
    return sound


def _probability(transcriber, sound, ids):
    """p(w₁ … <eos> | sound) of <bos> w₁ … <eos>."""
    logits, _ = transcriber(spectrogram(sound, HOP)[None], np.array([ids[:-1]]))
    log_p = F.log_softmax(logits.data[0], -1)
    return float(np.exp(log_p[np.arange(len(ids) - 1), ids[1:]].sum()))


# The test and the report ------------------------------------------------------------------------------------------


def _tested(run, transcriber, tokens, parts, ctc_weight, beam, variation):
    """Outcome: both halves together, each alone, and baselines on the test part; the report is written."""
    train, test = parts["train"], parts["test"]
    said = [text_of(digits) for digits in test.digits]
    shares = _shares(ctc_weight)
    heard = dict(zip(shares, transcripts(transcriber, tokens, test.sounds, shares.values(), beam)))
    shift = 1 + int(run.rng(5).integers(max(1, len(test) - 1)))          # nobody keeps their own clip
    told = heard | {name: [text_of(digits) for digits in strings] for name, strings in (
        ("commonest digit", commonest_digit(train, len(test))), ("equal cuts", cut_and_classified(train, test)))}
    told["shuffled audio"] = [heard[OURS][(i + shift) % len(test)] for i in range(len(test))]
    results = Results("test", {system: scored(texts, said) for system, texts in told.items()}, "clips",
                      ("word_error_rate", "string_error_rate"), FAILURES, [way for way in heard if way != OURS])
    report = run.report("Speech to text by attention and CTC", f"Trained on {len(train)} clips")
    halves = "attention: the same model's decoder alone; ctc: its CTC head alone. " if ctc_weight else ""
    results.add_to(report, "Test: unheard clips", (
        f"Edits over words; the share of strings with any error. {halves}Commonest digit: whatever was said; equal "
        "cuts: told how many digits there are, each of as many equal pieces by logistic regression; shuffled audio: "
        "the same model, hearing other clips."))
    _add_failures(report, results, list(heard))
    add_errors(report, test.speakers, [text.split() for text in said], [text.split() for text in heard[OURS]])
    forward = _add_looks(report, transcriber, tokens, test, said, heard[OURS])
    add_variations(report, train.sounds[0], written(train.digits[0]), variation)
    return Outcome(run.finish(report, [results], {"test/attention/forward": forward}), results)


def scored(heard, said):
    """Scores of transcripts: each kind of edit over the mean number of words, so that its mean is the rate of all."""
    pairs = [(a.split(), b.split()) for a, b in zip(heard, said)]
    mean = np.mean([len(words) for _, words in pairs])
    steps = [edit_alignment(*pair) for pair in pairs]
    kinds = {name: np.array([sum(op == kind for op, _, _ in each) for each in steps]) / mean
             for name, kind in (("substitutions", "substitute"), ("deletions", "delete"), ("insertions", "insert"))}
    edits = sum(kinds.values())
    return Scores({"word_error_rate": edits, "string_error_rate": edits > 0, **kinds,
                   "loops": np.array([_loops(each) for each in steps])})


def _loops(steps):
    """Whether a word was written again that was not said again."""
    found = [(op, word) for op, _, word in steps if op != "delete"]
    return any(a[1] == b[1] and "insert" in (a[0], b[0]) for a, b in zip(found, found[1:]))


def _add_failures(report, results, ways):
    report.heading("How each way fails")
    report.text("A decoder may skip a word, write one again, or run on: nothing ties it to the recording but its "
                "attention. CTC reads every frame once and in order. It cannot go back, but it writes a word twice "
                "where a blank falls into its middle.")
    rows = [[way, *(results.systems[way].metrics[name] for name in FAILURES)] for way in ways]
    report.table(rows, ["", *FAILURES], caption="Edits of each kind over words; loops: the share of strings in which a "
                 "word was written again that was not said again.")


def _add_looks(report, transcriber, tokens, test, said, heard):
    """Where the decoder looked for each unit of the true transcript, over the spectrogram; the share of steps forward.
    """
    looks = [_looks(transcriber, tokens, sound, text) for sound, text in zip(test.sounds, said)]
    steps = np.concatenate([np.diff(shares @ np.arange(shares.shape[1])) for shares in looks])
    forward = float(np.mean(steps > 0))
    report.heading("Where the decoder looked")
    report.text(f"Each unit of the true transcript has a lane, the first at the bottom; the heat is the decoder's "
                f"attention, the mean over layers and heads, each lane up to its own maximum. Nothing makes it go "
                f"forward. From one unit to the next its centre moved forward in {forward:.1%} of {len(steps)} steps.")
    is_right = np.array([a == b for a, b in zip(heard, said)])
    for i in [*np.flatnonzero(is_right)[:3], *np.flatnonzero(~is_right)[:3]]:
        verdict = "heard right" if is_right[i] else f"heard as {heard[i] or '(nothing)'}"
        lanes = [tokens.words[unit] for unit in tokens.encode(said[i])[1:-1]]
        report.alignment(spectrogram(test.sounds[i], HOP), lanes, (looks[i] / looks[i].max(1, keepdims=True)).T,
                         caption=f"{said[i]}, said by {test.speakers[i]}, {verdict}.")
    return forward


def _looks(transcriber, tokens, sound, text):
    """The attention that each unit of a transcript was written with: (units, places)."""
    with no_grad():
        encoded = transcriber.encode(spectrogram(sound, HOP)[None])
        return transcriber.decoder.looks(encoded, np.array([tokens.encode(text)[:-2]]))[0]

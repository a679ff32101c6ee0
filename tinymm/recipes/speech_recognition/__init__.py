"""Speech recognition: strings of digits by CTC, or single digits by classification; audio alone, the unimodal case.

Without --data it trains on the embedded voice, which says strings of two to five digits by formant synthesis, every
clip by a new speaker. With --data DIR it reads recordings DIR/digit_speaker_take.wav or DIR/recordings/..., joined to
strings of one speaker; takes 0 to 4 are for the test where there are others. With --isolated each clip is one digit.
"""

import time
from dataclasses import asdict
from functools import partial

import numpy as np

from ...machine import describe
from ..folder import RunFolder
from .data import folder_task, voice_task
from .decoding import Decoding
from .evaluate import evaluate, flat, table
from .report import write_report
from .speakers import leave_each_out
from .train import make_trainer

__all__ = ["add_arguments", "run"]


def add_arguments(parser):
    """The options of this recipe alone."""
    group = parser.add_argument_group("speech-recognition")
    group.add_argument("--isolated", action="store_true", help="one digit a clip, to be classified")
    group.add_argument("--leave-out", metavar="SPEAKER",
                       help="with --data: test on all recordings of this speaker, learn from the others; "
                            "all: of each in turn")
    group.add_argument("--encoder", choices=("gru", "lstm", "transformer"), default="gru",
                       help="what reads the spectrogram over time (default: gru)")
    group = parser.add_argument_group("decoding of strings")
    group.add_argument("--decode", choices=("greedy", "beam"), default="greedy",
                       help="take the likeliest class of every frame, "
                            "or search for the likeliest string (default: greedy)")
    group.add_argument("--beam", type=int, default=8, metavar="N",
                       help="with beam: strings kept at each frame (default: 8)")
    group.add_argument("--lm", type=float, default=0.0, metavar="WEIGHT",
                       help="with beam: weight of a bigram model of the training strings (default: 0, none)")


def run(data=None, out=None, seed=0, epochs=None, resume=False, isolated=False, leave_out=None, encoder="gru",
        progress=True, **decoding):
    """Train a recogniser, test it beside its baselines, write the output folder.

    Parameters
    ----------
    data : path, optional
        A folder of single digits in the FSDD's layout; by default the embedded voice.
    out : path, optional
        The output folder; by default runs/speech-recognition, or the next free number.
    seed, epochs : int
    resume : bool
        Go on from the folder's checkpoint; the run ends as if it had never stopped.
    isolated : bool
        Classify single digits instead of transcribing strings.
    leave_out : str, optional
        The speaker to test on; "all": a run for each speaker, in a folder each, and their mean.
    encoder : {"gru", "lstm", "transformer"}
    progress : bool
    **decoding
        decode, beam, lm.

    Returns
    -------
    dict
        What `metrics.json` holds.

    Raises
    ------
    ValueError
        For bad data or options, in one line.
    """
    decoding = Decoding.checked(**decoding)
    if epochs is not None and epochs < 1:
        raise ValueError(f"--epochs: must be at least 1; got {epochs}")
    if leave_out is not None and not data:
        raise ValueError("--leave-out: needs --data; every speaker of the embedded voice is new in the test anyway")
    config = {"recipe": "speech-recognition", "data": data and str(data), "seed": seed, "epochs": epochs,
              "isolated": isolated, "leave_out": leave_out, "encoder": encoder,
              **{f"decoding/{k}": v for k, v in asdict(decoding).items()}}
    say = partial(print, flush=True) if progress else lambda words: None
    out = out or RunFolder.default("speech-recognition", resume)
    if leave_out == "all":
        return leave_each_out(_one, out, config, decoding, resume, progress, say)
    return _one(out, config, decoding, resume, progress, say)[0]


def _one(out, config, decoding, resume, progress, say):
    """One training and test as the configuration says: (metrics, Outcome)."""
    data, seed, isolated = config["data"], config["seed"], config["isolated"]
    say(f"reading {data} ..." if data else "synthesising the embedded voice ...")
    task = folder_task(data, seed, isolated, config["leave_out"]) if data else voice_task(seed, isolated)
    folder = RunFolder(out, config, resume)
    say(f"speech-recognition: {task.name}, " + ", ".join(f"{len(part)} {name}" for name, part in task.parts.items())
        + f" -> {folder.path}")
    trainer = make_trainer(task, seed, config["epochs"], config["encoder"], folder)
    trainer.fit(resume=resume, progress=progress)
    model, seconds = trainer.model, trainer.at.seconds

    began = time.monotonic()
    say(f"testing on {len(task.parts['test'])} clips, beside the baselines ...")
    outcome = evaluate(model, task, decoding, np.random.default_rng([seed, 5]))
    metrics = {**flat(outcome), "parameters": model.num_parameters(), "seconds/train": round(seconds, 1),
               "seconds/test": round(time.monotonic() - began, 1)}
    folder.write("metrics.json", metrics)
    write_report(folder, task, outcome, trainer.log.rows, {
        **config, **task.notes, **describe(), "metrics": metrics})
    say(table(outcome, "test"))
    say(f"trained in {seconds:.0f} s; report: {folder.report}")
    return metrics, outcome

"""Which checkpoint a rewarded captioner may start from: one that fits the options, and has not seen the test images."""

from ....data.files import named
from ....training.checkpoint import Checkpoint
from ..checkpoints import load
from ..options import require

__all__ = ["load_start"]


def load_start(path, config, tokens, seed, examples):
    """The captioner of a checkpoint, in eval mode, once it is found to be the one that is asked for.

    Parameters
    ----------
    path : path
    config : dict
        Of the captioner that the options ask for.
    tokens : WordTokenizer
        Of the training captions.
    seed, examples : int
        Of this run, and of its training images: with others, its test images may be ones that the start has learned.

    Returns
    -------
    Captioner

    Raises
    ------
    ValueError
        Naming what differs; or if the checkpoint is of another recipe, damaged, or untrained.
    """
    loaded = load(path, "captioning")
    with Checkpoint(path) as checkpoint:
        trained, steps = checkpoint.meta.get("identity"), checkpoint.meta.get("position", {}).get("step")
    require(steps, "--init", "the start must have learned: what an untrained captioner says is nonsense",
            f"{named(path)} after 0 steps")
    for name, wanted in config.items():
        told = f"{named(path)} with {name.replace('_', ' ')}"
        require(name == "vocabulary" or loaded.config[name] == wanted, "--init",
                f"must be of the captioner that the options ask for, with {name.replace('_', ' ')} {wanted}",
                f"{told} {loaded.config[name]}")
    require(loaded.tokenizer.words == tokens.words, "--init", "must be of a run on these captions, with their words",
            f"{named(path)} with {_difference(loaded.tokenizer.words, tokens.words)}")
    before = (trained.get("seed"), trained.get("examples")) if isinstance(trained, dict) else (None, None)
    require(before == (seed, examples), "--init", f"must be of a run with this seed, {seed}, and these training "
            f"images, {examples}, or the test would hold images that it was trained on",
            f"{named(path)} with seed {before[0]} and {before[1]} images")
    return loaded.model


def _difference(theirs, ours):
    """How two vocabularies differ, in words."""
    other, missing = sorted({*theirs} - {*ours}), sorted({*ours} - {*theirs})
    if other:
        return f"the word {other[0]!r}"
    return f"no word {missing[0]!r}" if missing else "the words in another order"

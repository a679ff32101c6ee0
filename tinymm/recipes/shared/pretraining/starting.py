"""Where a classifier of texts starts: from nothing, or from what `tinymm run masked-language` has learned."""

import numpy as np

from ....data.files import quoted
from ....pretraining import Bert
from ..baselines import logistic_regression
from ..checkpoints import load
from ..options import require
from ..prediction import over_batches

__all__ = ["BERT_SIZES", "bert_of", "check_lengths", "from_pretrained", "linear_probe", "pretrained"]

BERT_SIZES = {"width": 128, "layers": 3, "heads": 4, "positions": 128}  # of --encoder bert; those of masked-language
PENALTIES = (1e-4, 1e-3, 1e-2)  # of a probe, chosen on validation texts


def bert_of(config, rng):
    """The encoder of a classifier's config; its table has the row of <mask> too, so that a pre-trained one fits in."""
    return Bert(config["vocabulary"] + 1, config["width"], config["layers"], config["heads"],
                positions=config["positions"], dropout=config["dropout"], rng=rng)


def pretrained(path, encoder, tokenizer):
    """The checkpoint of masked-language to start from; options that say otherwise are refused.

    Parameters
    ----------
    path : path
    encoder, tokenizer : str or None
        As the command asks for them.

    Returns
    -------
    Loaded
    """
    loaded = load(path, "masked-language")
    kind = next(name for name, cls in loaded.recipe.TOKENIZERS.items() if type(loaded.tokenizer) is cls)
    require(encoder in (None, "bert"), "--init", "needs --encoder bert, as it was pre-trained", f"--encoder {encoder}")
    require(tokenizer in (None, kind), "--init", f"needs --tokenizer {kind}, as it was pre-trained",
            f"--tokenizer {tokenizer}")
    return loaded


def from_pretrained(classifiers, loaded):
    """Give each classifier the pre-trained encoder's weights; what lies above it stays as it was drawn.

    Raises
    ------
    ValueError
        If the widths or the vocabulary differ, naming what does not fit.
    """
    for classifier in classifiers:
        classifier.encoder.load_state_dict(loaded.model.bert.state_dict())


def check_lengths(tokens, parts, positions):
    """Refuse a text that is longer than an encoder with so many positions can read."""
    for part in parts.values():
        for text in part.texts:
            length = len(tokens.encode(text))
            require(length <= positions, "--encoder bert", f"reads texts of {positions} tokens, [CLS] and [SEP] "
                    "included", f"{length} in {quoted(text)}")


def linear_probe(encoder, encode, train, val, test):
    """The class of each test text by logistic regression on what a frozen encoder makes of it.

    Features are the means over a text's words; the penalty is the one that is best on validation texts.

    Parameters
    ----------
    encoder : Bert
    encode : callable
        A list of texts to (ids, mask).
    train, val, test : LabelledTexts

    Returns
    -------
    int array (N,)
    """
    x, x_val, x_test = (_text_features(encoder, encode, part.texts) for part in (train, val, test))
    mean, scale = x.mean(0), x.std(0) + 1e-6
    x, x_val, x_test = ((features - mean) / scale for features in (x, x_val, x_test))
    both = np.concatenate([x_val, x_test])
    found = [logistic_regression(x, train.labels, both, len(train.classes), penalty) for penalty in PENALTIES]
    best = max(found, key=lambda classes: (classes[:len(val)] == val.labels).mean())
    return best[len(val):]


def _text_features(encoder, encode, texts):
    """The mean of a frozen encoder's features over the words of each text: float array (N, D)."""
    def answer(rows):
        ids, mask = encode([texts[i] for i in rows])
        sequence = encoder(ids, mask).sequence.data                      # zero where there is no word
        return sequence.sum(1) / mask.sum(1, keepdims=True)

    return np.array(over_batches(encoder, len(texts), 64, answer, [len(text) for text in texts]))

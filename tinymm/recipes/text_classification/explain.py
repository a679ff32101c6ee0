"""Which words an answer hangs on: gradient times input, and integrated gradients, of each token."""

import numpy as np

from ...data import SubwordTokenizer, WordTokenizer
from ...data.texts.tokenizer import split_words
from ...nn import gradient_times_input, integrated_gradients
from .model import padded

__all__ = ["explain"]

METHODS = {"gradient × input": gradient_times_input, "integrated gradients": integrated_gradients}


def explain(model, tokenizer, text, target=None):
    r"""The share of each token in the score of a class: $\sum_e \phi_{te}$ over the elements of its vector.

    Integrated gradients start from vectors of zeros, so their shares sum to what the whole text adds to the score.
    Members of an ensemble have vectors of their own; the shares are the mean of theirs.

    Parameters
    ----------
    model : Ensemble
    tokenizer
        Of one of the classes in `TOKENIZERS`.
    text : str
    target : int, optional
        The class; by default the one predicted.

    Returns
    -------
    words : list of T str
        The tokens as they were read, with the spaces between them.
    shares : dict of str to float array (T,)
        By method: "gradient × input" and "integrated gradients".
    """
    model.eval()
    ids, _ = padded([tokenizer.encode(text)])                            # (1, T) or (1, T, G)
    target = np.array([model(ids).data[0].argmax() if target is None else target])
    vectors = [member.encoder.embed(ids).data for member in model.members]                     # (1, T, E) each
    shares = {name: np.mean([method(member.judge, x, target=target)[0].sum(-1)
                             for member, x in zip(model.members, vectors)], 0)
              for name, method in METHODS.items()}
    # without <bos> and <eos>
    return _spelled(tokenizer, text, ids[0]), {name: share[1:-1] for name, share in shares.items()}


def _spelled(tokenizer, text, ids):
    """The tokens between <bos> and <eos>, with the spaces between them."""
    if isinstance(tokenizer, SubwordTokenizer):
        return [f"{word} " for word in split_words(text)]
    space = " " if isinstance(tokenizer, WordTokenizer) else ""
    return [tokenizer.words[i] + space for i in ids[1:-1]]

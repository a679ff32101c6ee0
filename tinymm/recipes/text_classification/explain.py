"""Which words an answer hangs on: gradient times input, and integrated gradients, of each token."""

import numpy as np

from ...data import WordTokenizer
from ...data.tokenizer import BOS, EOS
from ...nn import gradient_times_input, integrated_gradients

__all__ = ["explain"]

METHODS = {"gradient × input": gradient_times_input, "integrated gradients": integrated_gradients}


def explain(model, tokenizer, text, target=None):
    r"""The share of each token in the score of a class: $\sum_e \phi_{te}$ over the elements of its vector.

    Integrated gradients start from vectors of zeros, so their shares sum to what the whole text adds to the score. Members of
    an ensemble have vectors of their own; the shares are the mean of theirs.

    Parameters
    ----------
    model : Ensemble
    tokenizer : WordTokenizer, CharTokenizer or BytePairTokenizer
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
    ids = tokenizer.encode(text)
    target = np.array([model(np.array([ids])).data[0].argmax() if target is None else target])
    vectors = [member.encoder.embedding(np.array([ids])).data for member in model.members]      # (1, T, E) each
    shares = {name: np.mean([method(member.judge, x, target=target)[0].sum(-1) for member, x in zip(model.members, vectors)], 0)
              for name, method in METHODS.items()}
    inner = [i for i, number in enumerate(ids) if number not in (BOS, EOS)]
    space = " " if isinstance(tokenizer, WordTokenizer) else ""
    return [tokenizer.words[ids[i]] + space for i in inner], {name: share[inner] for name, share in shares.items()}

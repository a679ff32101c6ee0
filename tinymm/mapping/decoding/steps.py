"""What every decoder does with a step: refuse one of the earlier form, and put its rules between the model and itself.
"""

import inspect

import numpy as np

__all__ = ["refuse_prefixes", "ruled"]


def refuse_prefixes(name, step):
    """For one release: a step of the earlier form, step(prefixes, rows), is refused with the new one."""
    try:
        signature = inspect.signature(step)
    except ValueError:                                                   # written in C, it does not tell
        return
    try:
        signature.bind("words", "rows", "state")
    except TypeError:
        raise ValueError(f"{name}: step must be step(words, rows, state) -> (log_p, state), words the newest of each "
                         f"caption and rows those of the last call; got step{signature}") from None


def ruled(name, log_p, captions, rules):
    """log_p (n, V) after the rules, one after the other; each must leave every caption a word to go on with.

    Parameters
    ----------
    name : str
        The decoder's, for errors.
    log_p : float array (n, V)
    captions : list of n lists of int
        The words of each so far, without `bos`; all are of one length.
    rules : sequence of callable
        rule(log_p, captions) → log_p: −∞ for a word that is forbidden, less for one that is made less likely.

    Raises
    ------
    ValueError
        If a rule raises a log-probability, or leaves a caption no word.
    """
    for rule in rules:
        before, log_p = log_p, rule(log_p, captions)
        told = getattr(rule, "__name__", rule)
        if (log_p > before).any():                                       # beam search counts on scores that only fall
            raise ValueError(f"{name}: a rule may forbid words or lower their log-probabilities, not raise them; "
                             f"got {told} at step {len(captions[0]) + 1}")
        if not (log_p > -np.inf).any(-1).all():
            raise ValueError(f"{name}: a rule must leave every caption at least one word; got {told}, which leaves "
                             f"none at step {len(captions[0]) + 1}")
    return log_p

"""The outcome: a score per file, the survivors with their diffs,
and entries of the list of equivalents that no longer hold."""

import math
from collections import Counter

__all__ = ["shown", "shown_of_room", "wilson"]

LISTED = 50  # survivors of a room, at most


def shown(verdicts, equivalents):
    """Print the outcome and return the exit status:
    1 if a mutant survived that is not known as equivalent, or an entry is stale.

    Parameters
    ----------
    verdicts : list of (Mutant, str or None)
        Each mutant and what killed it.
    equivalents : list of (str, str, str)
        Function, changed line, reason. An entry accounts for one survivor.
    """
    entries = Counter((target, line) for target, line, _ in equivalents)
    scores, survivors = {}, []
    for mutant, killer in verdicts:
        place, fate = (mutant.target.name, mutant.line), "killed" if killer else "survived"
        if not killer and entries[place]:
            entries[place] -= 1
            fate = "equivalent"
        scores.setdefault(mutant.target.file, Counter())[fate] += 1
        if fate == "survived":
            survivors.append(mutant)
    table(scores)
    for mutant in survivors:
        print(f"\n{mutant.target.name}: {mutant.what}; checks of {', '.join(mutant.target.ops)}\n{mutant.diff}")
    stale = list(stale_entries(verdicts, +entries))
    for line in stale:
        print(f"\nstale: {line}")
    return 1 if survivors or stale else 0


def shown_of_room(room, verdicts, total, known):
    """Print the score of a room and its survivors, and return the exit status:
    1 if one survived for which no reason is known.

    Parameters
    ----------
    room : str
    verdicts : list of (Mutant, str or None)
        Each mutant and what killed it.
    total : int
        How many mutants there are, of which these were drawn.
    known : list of (str, str, str)
        Function, changed line, reason. An entry accounts for one survivor.
    """
    entries = {}
    for target, line, reason in known:
        entries.setdefault((target, line), []).append(reason)
    survivors = [mutant for mutant, killer in verdicts if not killer]
    reasons = Counter()
    unexplained = []
    for mutant in survivors:
        mine = entries.get((mutant.target.name, mutant.line))
        if mine:
            reasons[mine.pop()] += 1
        else:
            unexplained.append(mutant)
    killed = len(verdicts) - len(survivors)
    low, high = wilson(killed, len(verdicts))
    print(f"{room}: {len(verdicts)} of {total} mutants, {killed} killed: "
          f"{killed / max(1, len(verdicts)):.1%}, with 95% confidence {low:.1%} to {high:.1%} of all")
    for reason, count in reasons.most_common():
        print(f"{count:6} survived: {reason}")
    print(f"{len(unexplained):6} survived without a known reason")
    for mutant in unexplained[:LISTED]:
        print(f"\n{mutant.target.name}: {mutant.what}\n{mutant.diff}")
    return 1 if unexplained else 0


def wilson(successes, trials, z=1.96):
    """Wilson's interval of a share, (p̂ + z²/2n ± z √(p̂(1 − p̂)/n + z²/4n²)) / (1 + z²/n)."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials))
    return tuple((share + square / 2 + sign * spread) / (1 + square) for sign in (-1, 1))


def table(scores):
    """One line per file, and their sum."""
    if len(scores) > 1:
        scores = {**scores, "all": sum(scores.values(), Counter())}
    print(f"{'file':16}{'mutants':>9}{'killed':>9}{'equivalent':>12}{'survived':>10}{'score':>9}")
    for file, score in scores.items():
        killed, equivalent, survived = (score[fate] for fate in ("killed", "equivalent", "survived"))
        share = killed / (killed + survived) if killed + survived else 1.0
        print(f"{file:16}{score.total():9}{killed:9}{equivalent:12}{survived:10}{share:9.1%}")


def stale_entries(verdicts, unused):
    """What is wrong with each unused entry about the functions examined:
    no mutant reads so, or one that does is killed."""
    killers = {(mutant.target.name, mutant.line): killer for mutant, killer in verdicts if killer}
    examined = {mutant.target.name for mutant, _ in verdicts}
    for target, line in unused:
        if target in examined:
            killer = killers.get((target, line))
            yield f"{target}: {line!r} {f'is killed by {killer}' if killer else 'matches no mutant'}"

"""The outcome: a score per file, the survivors with their diffs,
and entries of the list of equivalents that no longer hold."""

from collections import Counter

__all__ = ["shown"]


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

"""Is a checkpoint one that this run can go on from? All of it is looked at before anything is taken over."""

import json
import math
from contextlib import suppress

import numpy as np

from ..data.files import named, one_line, quoted
from .checkpoint import misfits, not_finite, part_of

__all__ = ["check_about", "check_identity", "check_parts", "check_plain_values", "check_rng_states", "restore"]

COUNTS = ("epoch", "batch", "step", "waited")


def _refused(path, reason):
    return ValueError(f"fit: {named(path)} must be a checkpoint of this run; {reason}")


def check_identity(saved, own):
    """Raise ValueError if a checkpoint is of a run of another seed, batch size, data, …, or of none."""
    saved = {"drop_last": False, **saved} if isinstance(saved, dict) else {}     # earlier checkpoints do not name it
    differences = [f"{what} {value}, the checkpoint has {quoted(saved.get(what))}" for what, value in own.items()
                   if saved.get(what) != value]
    if differences:
        raise ValueError(f"fit: a resumed run must agree with its checkpoint; got {'; '.join(differences)}")


def check_about(path, saved, own):
    """Raise ValueError if a checkpoint says another thing of its model than this run would."""
    own = json.loads(json.dumps(own))
    if saved != own:
        names = sorted({*own, *saved} if isinstance(saved, dict) and isinstance(own, dict) else ())
        other = [name for name in names if name not in saved or name not in own or saved[name] != own[name]]
        names = ", ".join(map(quoted, other)) or quoted(saved)
        raise _refused(path, f"what it says of its model differs ({names}), as where the data have changed")


def check_plain_values(path, meta, selection):
    """Raise ValueError if the plain values that `Trainer.save` writes are not all there and of their kinds."""
    position = meta.get("position")
    kinds = {
        "position": isinstance(position, dict)
        and {*position} == {*COUNTS, "best", "rate", "seconds"}
        and all(_is_count(position[name]) for name in COUNTS)
        and (position["best"] is None or _is_row(position["best"], selection))
        and (position["rate"] is None or _is_number(position["rate"]))
        and _is_number(position["seconds"]) and 0 <= position["seconds"] < math.inf,
        "log_rows": _is_count(meta.get("log_rows")),
        "recent": _is_means(meta.get("recent")),
        "whole": _is_means(meta.get("whole")),
        "rng": isinstance(meta.get("rng"), list),
    }
    for name, is_right in kinds.items():
        if not is_right:
            raise _refused(path, f"its {name} is damaged: {quoted(meta.get(name))}")


def _is_count(value):
    return type(value) is int and value >= 0


def _is_number(value):
    return type(value) in (int, float)


def _is_row(row, selection):
    return isinstance(row, dict) and row.get("kind") == "epoch" \
        and all(_is_number(value) for name, value in row.items() if name != "kind") \
        and (selection is None or _is_number(row.get(selection.metric)))


def _is_means(sums):
    return isinstance(sums, dict) and all(
        isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)) and pair[1] > 0
        for pair in sums.values())


def check_rng_states(path, generators, states):
    """Raise ValueError if Generators cannot take these states as they are."""
    if len(states) != len(generators):
        raise ValueError(f"fit: this run keeps {len(generators)} Generators; the checkpoint has {len(states)}")
    for generator, state in zip(generators, states):
        trial = type(generator.bit_generator)(0)
        try:
            trial.state = state
            is_right = json.dumps(trial.state, sort_keys=True) == json.dumps(state, sort_keys=True)
        except (TypeError, ValueError, KeyError, OverflowError, AttributeError):
            is_right = False
        if not is_right:
            raise _refused(path, f"the state of a Generator is damaged: {quoted(state)}")


def check_parts(path, arrays, parts, optimizer, best):
    """Raise ValueError if arrays are missing, unknown, of another shape or kind, or not finite where they must be.

    Parameters
    ----------
    path : path
    arrays : dict of str to ndarray
        All those of the checkpoint.
    parts : dict of str to object with `state_dict`
        Those of the run. What is in `extra_state` judges its arrays itself.
    optimizer : Optimizer
    best : dict or None
        The row of the epoch whose weights are kept.
    """
    if best is None and part_of(arrays, "kept"):
        raise _refused(path, "it keeps the weights of an epoch that it does not know")
    known = {name.partition("/")[0] for name in parts} | {"kept"}
    if strange := [name for name in arrays if "/" not in name or name.partition("/")[0] not in known]:
        raise _refused(path, f"it holds {quoted(strange[0])}, which no part of the run is")
    for name in ("model", "schedule", "ema", "kept"):
        own = parts["model" if name == "kept" else name].state_dict() if name == "kept" or name in parts else {}
        saved = part_of(arrays, name)
        if name == "kept" and not saved:
            continue
        if problems := misfits({key: (array.shape, array.dtype) for key, array in saved.items()}, own):
            raise _refused(path, f"the checkpoint's {name} does not fit this run ({problems})")
        if wrong := not_finite(saved):
            raise _refused(path, f"the checkpoint's {name} holds infinities or NaN ({wrong})")
    _check_optimizer(path, part_of(arrays, "optimizer"), optimizer)


def _check_optimizer(path, saved, optimizer):
    """Settings as the optimiser's own; of each parameter no state yet, or what `update` keeps, in its shape."""
    own = {name: array for name, array in optimizer.state_dict().items() if name.startswith("param_groups.")}
    settings = {name: (a.shape, a.dtype) for name, a in saved.items() if name.startswith("param_groups.")}
    problems = [misfits(settings, own)]
    kept = [_kept_by_update(optimizer, p, group) for group in optimizer.param_groups for p in group["params"]]
    states = [{} for _ in kept]
    for name, array in saved.items():
        table, _, rest = name.partition(".")
        i, _, key = rest.partition(".")
        if table == "state" and i.isdecimal() and int(i) < len(states):
            states[int(i)][key] = array
        elif table != "param_groups":
            problems.append(f"unknown {quoted(name)}")
    for i, (p, state, template) in enumerate(zip(optimizer.parameters, states, kept)):
        full = {key: np.broadcast_to(value, p.shape) if value.ndim else value for key, value in template.items()}
        problems.append(misfits({f"state.{i}.{key}": (array.shape, array.dtype) for key, array in state.items()},
                                {f"state.{i}.{key}": value for key, value in full.items()}) if state else "")
    if problems := [problem for problem in problems if problem]:
        raise _refused(path, f"the checkpoint's optimizer does not fit this run ({problems[0]})")


def _kept_by_update(optimizer, p, group):
    """What one step keeps of a parameter: dict of str to array, found out on one element."""
    one, state = np.zeros((1,) * p.ndim, p.dtype), {}
    optimizer.update(one, np.zeros_like(one), state, group)
    return {key: np.asarray(value) for key, value in state.items()}


def restore(path, arrays, parts):
    """Load each part's arrays; if one refuses them, all are as they were before.

    Raises
    ------
    ValueError
        Naming the part.
    """
    before = {name: part.state_dict() for name, part in parts.items()}
    for name, part in parts.items():
        try:
            part.load_state_dict(part_of(arrays, name))
        except Exception as error:  # extra_state is the user's own code
            for other, state in before.items():
                with suppress(Exception):
                    parts[other].load_state_dict(state)
            raise _refused(path, f"the checkpoint's {name} does not fit this run "
                                 f"({type(error).__name__}: {one_line(error)})") from error

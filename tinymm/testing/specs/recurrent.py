"""Rows for `tinymm.functional.recurrent`: the equations for one number at a time, and PyTorch's cells step by step."""

import math

import numpy as np

from ...functional import cells
from ..specification import spec
from ..strategies import arrays, masks, st


@st.composite
def sequences(draw, gates, states=1):
    """input, states, weights, biases or none, a mask or none, a direction."""
    batch, steps, width, size = (draw(st.integers(1, 3)) for _ in range(4))
    biased = draw(st.booleans())
    bias = arrays((gates * size,)) if biased else st.none()
    mask = draw(st.one_of(st.none(), masks((batch, steps))))
    return (draw(arrays((batch, steps, width))), *(draw(arrays((batch, size))) for _ in range(states)),
            draw(arrays((gates * size, width))), draw(arrays((gates * size, size))), draw(bias), draw(bias), mask,
            draw(st.booleans())), {}


@st.composite
def single_steps(draw, gates, states=1):
    """The same for one step of a cell."""
    args, _ = draw(sequences(gates, states))
    return (args[0][:, 0], *args[1:states + 5]), {}


def sigma(v):
    return 1 / (1 + math.exp(-v))


def gate(x, h, w_ih, w_hh, b_ih, b_hh, row):
    """The two numbers inside one gate: the input's and the state's."""
    ours = sum(w_ih[row, k] * x[k] for k in range(len(x))) + (0 if b_ih is None else b_ih[row])
    return ours, sum(w_hh[row, k] * h[k] for k in range(len(h))) + (0 if b_hh is None else b_hh[row])


def lstm_unit(unit, x, states, *weights):
    h, c = states
    i, f, g, o = (sum(gate(x, h, *weights, k * len(h) + unit)) for k in range(4))
    c_new = sigma(f) * c[unit] + sigma(i) * math.tanh(g)
    return sigma(o) * math.tanh(c_new), c_new


def gru_unit(unit, x, states, *weights):
    h, = states
    (xr, hr), (xz, hz), (xn, hn) = (gate(x, h, *weights, k * len(h) + unit) for k in range(3))
    z = sigma(xz + hz)
    return (1 - z) * math.tanh(xn + sigma(xr + hr) * hn) + z * h[unit],


def tanh_unit(unit, x, states, *weights):
    return math.tanh(sum(gate(x, states[0], *weights, unit))),


def one_by_one(unit_step, states):
    """A sequence op's value, from the equations of a single unit of a single example."""
    def run(input, *args):
        state = np.stack(args[:states])  # (states, B, H)
        *weights, mask, reverse = args[states:]
        batch, steps, _ = input.shape
        outputs = np.zeros((batch, steps, state.shape[2]))
        for b in range(batch):
            for t in reversed(range(steps)) if reverse else range(steps):
                if mask is None or mask[b, t]:
                    units = range(state.shape[2])
                    state[:, b] = np.array([unit_step(k, input[b, t], state[:, b], *weights) for k in units]).T
                outputs[b, t] = state[0, b]
        return outputs, *state

    return run


def one_step(run):
    """The reference of a sequence, on a sequence of one step."""
    return lambda input, *args: run(input[:, None], *args, None, False)[1:]


def flat(torch, parts):
    """Several results joined into one, as `Subject.run` joins ours."""
    return torch.cat([part.reshape(-1) for part in parts])


def theirs(name, states):
    """PyTorch's cell in a loop over steps."""
    def run(torch, input, *args):
        state = args[:states]
        *weights, mask, reverse = args[states:]
        cell = getattr(torch, name)
        outputs = [None] * input.shape[1]
        for t in reversed(range(input.shape[1])) if reverse else range(input.shape[1]):
            new = cell(input[:, t], state if states > 1 else state[0], *weights)
            new = new if states > 1 else (new,)
            state = new if mask is None else [torch.where(mask[:, t, None], a, b) for a, b in zip(new, state)]
            outputs[t] = state[0]
        return flat(torch, [torch.stack(outputs, 1), *state])

    return run


def cell_of_torch(name, states):
    def run(torch, input, *args):
        y = getattr(torch, name)(input, args[:states] if states > 1 else args[0], *args[states:])
        return flat(torch, y if states > 1 else [y])

    return run


def lstm_cell(input, h, c, *weights):
    """`lstm_cell` with its pair of states spread out."""
    return cells.lstm_cell(input, (h, c), *weights)


def as_one(f):
    """A single result as a tuple of one."""
    return lambda *args: (f(*args),)


def scanned(input, h, w_ih, w_hh, b_ih, b_hh, mask, reverse):
    """The cell of the simple network, scanned: the same as the op that does it at once."""
    return cells.scan(lambda x, state: (cells.rnn_tanh_cell(x, state[0], w_ih, w_hh, b_ih, b_hh),), input, (h,),
                      mask, reverse)


spec("lstm", lambda: sequences(4, 2), one_by_one(lstm_unit, 2), theirs("lstm_cell", 2))
spec("lstm", lambda: single_steps(4, 2), one_step(one_by_one(lstm_unit, 2)), cell_of_torch("lstm_cell", 2),
     function=lstm_cell)
spec("gru", lambda: sequences(3), one_by_one(gru_unit, 1), theirs("gru_cell", 1))
spec("gru", lambda: single_steps(3), one_step(one_by_one(gru_unit, 1)), cell_of_torch("gru_cell", 1),
     function=as_one(cells.gru_cell), public="gru_cell")
spec("rnn_tanh", lambda: sequences(1), one_by_one(tanh_unit, 1), theirs("rnn_tanh_cell", 1))
spec("rnn_tanh", lambda: single_steps(1), one_step(one_by_one(tanh_unit, 1)), cell_of_torch("rnn_tanh_cell", 1),
     function=as_one(cells.rnn_tanh_cell), public="rnn_tanh_cell")
spec("rnn_tanh", lambda: sequences(1), one_by_one(tanh_unit, 1), function=scanned, public="scan")

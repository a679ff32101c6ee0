"""How badly an input is corrupted: from 0, as it is, to 1; one number, or one for each input."""

import numpy as np

__all__ = ["severities"]


def severities(name, severity, count, what):
    """A severity for each of some inputs.

    Parameters
    ----------
    name : str
        Of the function that asks, for the error.
    severity : float, or sequence of one for each input
    count : int
    what : str
        What the inputs are, such as "texts".

    Returns
    -------
    float64 array (count,)

    Raises
    ------
    ValueError
        If one is outside [0, 1], or there is not one for each input.

    Examples
    --------
    >>> severities("blurred", 0.5, 2, "images").tolist()
    [0.5, 0.5]
    """
    severity = np.asarray(severity, np.float64)
    if severity.shape not in ((), (count,)) or not ((severity >= 0) & (severity <= 1)).all():
        raise ValueError(f"{name}: severity must be in [0, 1], one number or one for each of {count} {what}; "
                         f"got {severity if severity.size < 5 else severity.shape}")
    return np.broadcast_to(severity, count)

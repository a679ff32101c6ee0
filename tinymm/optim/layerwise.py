"""Layer-wise learning rates: the lower a layer lies, the less it is changed."""

__all__ = ["layerwise_groups"]


def layerwise_groups(stages, lr, decay):
    r"""Parameter groups whose rate falls from stage to stage downwards: $\gamma_l = \gamma\, \xi^{\,L - l}$.

    Lower layers hold what is of use for any task, and a new task should change them least.

    Parameters
    ----------
    stages : sequence of L + 1 iterables of Tensor
        From the lowest, such as the embeddings, to the highest, such as a new head; frozen parameters are left out.
    lr : float
        γ, the rate of the highest stage.
    decay : float
        ξ in (0, 1]; 1 gives all stages one rate.

    Returns
    -------
    list of dict
        For any `Optimizer`, whose schedule then scales all rates alike.

    Raises
    ------
    ValueError
        If `decay` is not in (0, 1].

    References
    ----------
    Howard and Ruder (2018), Universal language model fine-tuning for text classification, §3.2 (discriminative
    fine-tuning, ξ = 1/2.6); Clark et al. (2020), ELECTRA, appendix A (ξ = 0.8).

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layers = [tm.nn.Linear(2, 2, rng=np.random.default_rng(0)) for _ in range(3)]
    >>> groups = layerwise_groups([layer.parameters() for layer in layers], lr=0.1, decay=0.5)
    >>> [(len(group["params"]), group["lr"]) for group in groups]
    [(2, 0.025), (2, 0.05), (2, 0.1)]
    """
    if not 0 < decay <= 1:
        raise ValueError(f"layerwise_groups: decay must lie in (0, 1]; got {decay}")
    trained = [[p for p in stage if p.requires_grad] for stage in stages]
    rates = [lr * decay ** (len(trained) - 1 - stage) for stage in range(len(trained))]
    return [{"params": params, "lr": rate} for params, rate in zip(trained, rates) if params]

"""Record what the reference implementations compute, for tests that need none of them.

`python -m tests.pretraining.record` needs transformers and PyTorch; the files it writes are small and part of the
project. Every parameter is drawn anew, those of norms too: their defaults, 1 and 0, would hide mistakes.
"""

from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).parent / "reference"


def randomised(model, seed=0):
    """The model in float64 with every parameter from N(0, 0.3²), 1 added to those of norms."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    model = model.double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "LayerNorm.weight" in name else 0.0
            parameter.copy_(centre + 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def record_bert():
    """Two padded pairs of sentences through a BERT of two layers; gradients at the sum of the three embeddings."""
    import torch
    from transformers import BertConfig, BertForPreTraining

    model = randomised(BertForPreTraining(BertConfig(
        vocab_size=13, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
        max_position_embeddings=9, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)))
    ids = np.array([[1, 5, 6, 2, 7, 8, 2], [1, 9, 2, 10, 2, 0, 0]])
    mask = ids != 0
    segments = np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0]])
    rng = np.random.default_rng(1)
    kept = {}

    def keep(module, inputs, output):
        output.retain_grad()
        kept["embedded"] = output

    model.bert.embeddings.LayerNorm.register_forward_hook(keep)
    found = model(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask).long(),
                  token_type_ids=torch.tensor(segments))
    cotangents = {"words": rng.normal(size=found.prediction_logits.shape) * mask[..., None],
                  "next": rng.normal(size=found.seq_relationship_logits.shape)}
    loss = (found.prediction_logits * torch.tensor(cotangents["words"])).sum() \
        + (found.seq_relationship_logits * torch.tensor(cotangents["next"])).sum()
    loss.backward()
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    _save("bert", state, ids=ids, mask=mask, segments=segments, words=found.prediction_logits.detach().numpy(),
          next=found.seq_relationship_logits.detach().numpy(), embedded_gradient=kept["embedded"].grad.numpy(),
          words_cotangent=cotangents["words"], next_cotangent=cotangents["next"])


def record_lxmert():
    """One block of LXMERT's two streams, which ViLBERT's parts must be able to compose."""
    import torch
    from transformers import LxmertConfig
    from transformers.models.lxmert.modeling_lxmert import LxmertXLayer

    layer = randomised(LxmertXLayer(LxmertConfig(
        hidden_size=8, num_attention_heads=2, intermediate_size=12, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0)))
    rng = np.random.default_rng(2)
    text, image = (torch.tensor(rng.normal(size=(2, n, 8)), requires_grad=True) for n in (4, 3))
    masks = [np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool), np.array([[1, 1, 0], [1, 1, 1]], bool)]
    hidden = [torch.tensor(np.where(mask, 0.0, -np.inf))[:, None, None] for mask in masks]
    found = layer(text, hidden[0], image, hidden[1])
    cotangents = [rng.normal(size=y.shape) * mask[..., None] for y, mask in zip(found, masks)]
    sum((y * torch.tensor(g)).sum() for y, g in zip(found, cotangents)).backward()
    state = {name: value.detach().numpy() for name, value in layer.state_dict().items()}
    arrays = {"text": text, "image": image, "text_after": found[0], "image_after": found[1]}
    _save("lxmert", state, text_mask=masks[0], image_mask=masks[1], text_gradient=text.grad.numpy(),
          image_gradient=image.grad.numpy(), text_cotangent=cotangents[0], image_cotangent=cotangents[1],
          **{name: x.detach().numpy() for name, x in arrays.items()})


def _save(name, state, **arrays):
    REFERENCE.mkdir(exist_ok=True)
    np.savez_compressed(REFERENCE / f"{name}.npz", **arrays, **{f"state/{key}": value for key, value in state.items()})


def load(name):
    """(arrays, state) of a recorded model."""
    with np.load(REFERENCE / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    state = {key.removeprefix("state/"): arrays.pop(key) for key in list(arrays) if key.startswith("state/")}
    return arrays, state


def fill(model, names, state, dtype):
    """Give a model the recorded parameters by a table of names, in a dtype; nothing may be left over."""
    used = set()
    for own, parameter in model.named_parameters():
        public = names[own]
        used.update(public)
        value = np.concatenate([state[name] for name in public])
        assert value.shape == parameter.shape, own
        parameter.data = value.astype(dtype)
    return set(state) - used


if __name__ == "__main__":
    record_bert()
    record_lxmert()

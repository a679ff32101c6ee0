"""Record what the reference implementations compute, for tests that need none of them.

`python -m tests.pretraining.record` needs transformers and PyTorch; the files it writes are small and part of the
project. Every parameter is drawn anew, those of norms too: their defaults, 1 and 0, would hide mistakes.
"""

import re
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
            centre = 1.0 if re.search("norm.*weight", name.lower()) else 0.0
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


def record_clip():
    """Pictures and texts through both towers of CLIP; gradients at the words' and the patches' vectors."""
    from transformers import CLIPConfig, CLIPModel

    towers = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
    model = randomised(CLIPModel(CLIPConfig(
        text_config=towers | {"vocab_size": 13, "max_position_embeddings": 7, "bos_token_id": 1, "eos_token_id": 11},
        vision_config=towers | {"image_size": 8, "patch_size": 4}, projection_dim=6)))
    _record_towers("clip", model, np.array([[1, 5, 6, 7, 11, 0, 0], [1, 9, 8, 4, 3, 7, 11]]))


def record_siglip():
    """The same of SigLIP; its texts fill all positions."""
    from transformers import SiglipConfig, SiglipModel

    towers = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12}
    model = randomised(SiglipModel(SiglipConfig(
        text_config=towers | {"vocab_size": 13, "max_position_embeddings": 7},
        vision_config=towers | {"image_size": 8, "patch_size": 4})))
    _record_towers("siglip", model, np.array([[5, 6, 7, 2, 1, 1, 1], [9, 8, 4, 3, 7, 10, 2]]))


def _record_towers(name, model, ids):
    import torch

    rng = np.random.default_rng(3)
    images = rng.normal(size=(3, 3, 8, 8))
    kept = {}

    def keeper(what):
        def keep(module, inputs, output):
            output.retain_grad()
            kept[what] = output
        return keep

    model.text_model.embeddings.token_embedding.register_forward_hook(keeper("words"))
    model.vision_model.embeddings.patch_embedding.register_forward_hook(keeper("patches"))
    found = model(input_ids=torch.tensor(ids), pixel_values=torch.tensor(images))
    cotangent = rng.normal(size=found.logits_per_image.shape)
    (found.logits_per_image * torch.tensor(cotangent)).sum().backward()
    state = {key: value.detach().numpy() for key, value in model.state_dict().items()}
    _save(name, state, ids=ids, images=images, logits=found.logits_per_image.detach().numpy(), cotangent=cotangent,
          image_vectors=found.image_embeds.detach().numpy(), text_vectors=found.text_embeds.detach().numpy(),
          words_gradient=kept["words"].grad.numpy(), patches_gradient=kept["patches"].grad.numpy())


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
        values = [state[name] for name in public]
        value = values[0] if len(values) == 1 else np.concatenate(values)
        assert value.shape == parameter.shape or value.size == parameter.size == 1, own
        parameter.data = value.reshape(parameter.shape).astype(dtype)
    return set(state) - used


if __name__ == "__main__":
    record_bert()
    record_lxmert()
    record_clip()
    record_siglip()

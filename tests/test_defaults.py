"""What an argument is when it is not given: PyTorch's defaults for functions and layers of its names, written down; and
our own for others, on which published numbers depend.

The last test compares what is written down with PyTorch itself, where it is installed.
"""

import importlib
import inspect
from operator import attrgetter

import pytest

CONV = dict(bias=None, stride=1, padding=0, dilation=1, groups=1)
MEAN = dict(reduction="mean")
RECURRENT = dict(num_layers=1, bias=True, dropout=0.0, bidirectional=False)
TRANSFORMER = dict(dim_feedforward=2048, dropout=0.1, layer_norm_eps=1e-5, norm_first=False)
ADAM = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
DEFAULTS = {
    "functional": dict(
        avg_pool2d=dict(stride=None, padding=0), batch_norm=dict(weight=None, bias=None, training=False, momentum=0.1,
                                                                 eps=1e-5),
        binary_cross_entropy_with_logits=dict(weight=None, pos_weight=None, **MEAN),
        conv1d=CONV, conv2d=CONV, conv3d=CONV,
        conv_transpose2d=dict(bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1),
        cross_entropy=dict(weight=None, ignore_index=-100, label_smoothing=0.0, **MEAN),
        ctc_loss=dict(blank=0, zero_infinity=False, **MEAN), dropout=dict(p=0.5, training=True), elu=dict(alpha=1.0),
        embedding=dict(padding_idx=None), gelu=dict(approximate="none"),
        group_norm=dict(weight=None, bias=None, eps=1e-5), gumbel_softmax=dict(tau=1.0, hard=False, dim=-1),
        huber_loss=dict(delta=1.0, **MEAN), kl_div=dict(log_target=False, **MEAN), l1_loss=MEAN,
        layer_norm=dict(weight=None, bias=None, eps=1e-5), leaky_relu=dict(negative_slope=0.01),
        linear=dict(bias=None), max_pool2d=dict(stride=None, padding=0, dilation=1), mse_loss=MEAN,
        nll_loss=dict(weight=None, ignore_index=-100, **MEAN), pad=dict(mode="constant"),
        rms_norm=dict(weight=None, eps=None), smooth_l1_loss=dict(beta=1.0, **MEAN),
        scaled_dot_product_attention=dict(attn_mask=None, is_causal=False, scale=None, enable_gqa=False)),
    "nn": dict(
        AvgPool2d=dict(stride=None, padding=0), BatchNorm1d=dict(eps=1e-5, momentum=0.1),
        BatchNorm2d=dict(eps=1e-5, momentum=0.1), Conv1d=dict(stride=1, padding=0, dilation=1, bias=True),
        Conv2d=dict(stride=1, padding=0, groups=1, bias=True), Conv3d=dict(stride=1, padding=0, bias=True),
        ConvTranspose2d=dict(stride=1, padding=0, output_padding=0, bias=True), Dropout=dict(p=0.5),
        Embedding=dict(padding_idx=None), GELU=dict(approximate="none"), GRU=RECURRENT, GroupNorm=dict(eps=1e-5),
        LSTM=RECURRENT, LayerNorm=dict(eps=1e-5), Linear=dict(bias=True), MaxPool2d=dict(stride=None, padding=0),
        MultiheadAttention=dict(dropout=0.0, bias=True, kdim=None, vdim=None), Parameter=dict(requires_grad=True),
        RMSNorm=dict(eps=None), RNN=RECURRENT, TransformerDecoder=dict(norm=None), TransformerDecoderLayer=TRANSFORMER,
        TransformerEncoder=dict(norm=None), TransformerEncoderLayer=TRANSFORMER),
    "optim": dict(Adam=dict(ADAM, weight_decay=0.0), AdamW=dict(ADAM, weight_decay=0.01),
                  SGD=dict(lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False)),
}
OWN = {
    "encoders": dict(
        AudioRecurrent=dict(width=256, channels=(32, 64, 64), halvings=2, layers=1, kind="gru", dropout=0.0),
        AudioTransformer=dict(width=128, channels=(32, 64, 64), halvings=2, layers=2, heads=4, dropout=0.0),
        BagOfWords=dict(width=128, dropout=0.0),
        CausalLSTM=dict(width=256, embedding=128, context=128, dropout=0.0, context_dropout=0.0),
        CausalTransformer=dict(width=256, layers=2, heads=4, context=128, dropout=0.0, context_dropout=0.0),
        ConvEncoder=dict(widths=((32,), (64, 64), (128, 128)), size=32, channels=3, glance=4, brightness=False),
        ConvSubsampling=dict(width=128, channels=(32, 64, 64), halvings=2),
        ResidualColourEncoder=dict(widths=(16, 32, 64), blocks=2, size=32, channels=3, colours=32),
        ResidualEncoder=dict(widths=(16, 32, 64), blocks=2, size=32, channels=3),
        TextCNN=dict(width=192, embedding=128, windows=(1, 2, 3), dropout=0.0),
        TextRNN=dict(width=256, embedding=128, cell="lstm", layers=1, dropout=0.0),
        TextTransformer=dict(width=128, layers=2, heads=4, dropout=0.0),
        VideoAttention=dict(width=128, layers=2, heads=4, dropout=0.0),
        VideoConv3d=dict(widths=(16, 32, 64), channels=3), VideoRecurrent=dict(width=128, cell="gru"),
        VisionTransformer=dict(width=64, layers=4, heads=4, patch=4, size=32, channels=3, dropout=0.0),
        WhisperEncoder=dict(width=128, layers=2, heads=4, places=1500, dropout=0.0)),
    "fusion": dict(AttentionFusion=dict(width=256, heads=1, dropout=0.0), FusedClassifier=dict(dropout=0.0),
                   FusedOverTime=dict(dropout=0.0, states=128)),
    "mapping": dict(beam_search=dict(beam=4, length_penalty=1.0, rules=()),
                    diverse_beam_search=dict(beam=4, groups=4, diversity=0.5, length_penalty=1.0, rules=()),
                    sample=dict(temperature=1.0, top_k=None, top_p=None, min_p=None, rules=()),
                    ctc_greedy=dict(blank=0), collapse=dict(blank=0), ctc_next_label=dict(blank=0),
                    TextDecoder=dict(width=128, layers=2, heads=4, positions=64, memory_width=None, dropout=0.0),
                    ctc_beam_search=dict(blank=0, beam=16, language_model=None, weight=1.0, bonus=0.0)),
    "metrics": dict(bleu=dict(max_n=4), cider_d=dict(n=4, sigma=6.0), rouge_l=dict(beta=1.2),
                    wilson_interval=dict(confidence=0.95), bootstrap_interval=dict(confidence=0.95, resamples=1000)),
}
CASES = [(room, name) for room, names in DEFAULTS.items() for name in names]
IN_C = {"avg_pool2d", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "gelu", "linear",
        "scaled_dot_product_attention", "max_pool2d", "GRU", "LSTM", "RNN"}  # they do not tell their defaults


def defaults_of(f):
    return {name: p.default for name, p in inspect.signature(f).parameters.items() if p.default is not p.empty}


@pytest.mark.parametrize("room, name", [*CASES, *((room, name) for room, names in OWN.items() for name in names)])
def test_defaults_are_as_written_down(room, name):
    ours = defaults_of(getattr(importlib.import_module(f"tinymm.{room}"), name))
    for argument, value in {**DEFAULTS, **OWN}[room][name].items():
        assert ours[argument] == value and type(ours[argument]) is type(value), argument


@pytest.mark.parametrize("room, name", [case for case in CASES if case[1] not in IN_C])
def test_what_is_written_down_is_what_pytorch_says(room, name):
    torch = pytest.importorskip("torch")
    theirs = defaults_of(attrgetter({"functional": f"nn.functional.{name}"}.get(room, f"{room}.{name}"))(torch))
    for argument, value in DEFAULTS[room][name].items():
        assert theirs[argument] == value, argument

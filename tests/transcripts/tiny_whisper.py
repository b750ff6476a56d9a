"""A Whisper model of random weights in CTranslate2's format, made in a second without torch.

What it writes down is nonsense, but it goes through the genuine loading, decoding and word timing.
"""

from pathlib import Path

import numpy as np
from ctranslate2.specs import model_spec
from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH, HEADS, MELS, AUDIO_CONTEXT, TEXT_CONTEXT = 32, 2, 80, 1500, 448
BYTES = 256


def make(folder: Path, *, multilingual: bool) -> Path:
    """Write model, vocabulary and tokenizer."""
    folder.mkdir(parents=True)
    tokens = _write_tokenizer(folder, multilingual)
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    _fill(spec, np.random.default_rng(0), len(tokens))
    spec.register_vocabulary(tokens)
    config = spec.config
    assert isinstance(config, WhisperConfig)
    config.suppress_ids, config.suppress_ids_begin = [], []
    config.lang_ids = [tokens.index(f"<|{code}|>") for code in _LANGUAGE_CODES]
    config.alignment_heads = [(0, 0), (0, 1)]
    spec.validate()
    spec.save(str(folder))
    return folder


def _write_tokenizer(folder: Path, multilingual: bool) -> list[str]:
    """A vocabulary of bytes; the empty word marks a multilingual one."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    control = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in _LANGUAGE_CODES),
        *(
            "<|translate|>",
            "<|transcribe|>",
            "<|startoflm|>",
            "<|startofprev|>",
            "<|nospeech|>",
            "<|notimestamps|>",
        ),
    ]
    stamps = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    words = [*letters, ""] if multilingual else letters
    tokenizer = Tokenizer(models.BPE({word: at for at, word in enumerate(words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in control])
    tokenizer.add_tokens([AddedToken(token, special=False) for token in stamps])
    tokenizer.save(str(folder / "tokenizer.json"))
    return [*words, *control, *stamps]


def _fill(spec: WhisperSpec, rng: np.random.Generator, words: int) -> None:
    """Random weights in every place that the format knows."""

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.2, shape).astype(np.float32)

    sizes = {"linear_0": WIDTH * 2, "linear_1": WIDTH}
    for part in (spec.encoder, spec.decoder):
        part.position_encodings.encodings = weights(
            AUDIO_CONTEXT if part is spec.encoder else TEXT_CONTEXT, WIDTH
        )
        _norm(part.layer_norm)
        for layer in part.layer:
            for attention in (layer.self_attention, getattr(layer, "attention", None)):
                if attention is not None:
                    _attention(attention, weights)
            _norm(layer.ffn.layer_norm)
            for name, size in sizes.items():
                linear = getattr(layer.ffn, name)
                linear.weight = weights(size, WIDTH if name == "linear_0" else WIDTH * 2)
                linear.bias = weights(size)
    for conv, inputs in ((spec.encoder.conv1, MELS), (spec.encoder.conv2, WIDTH)):
        conv.weight, conv.bias = weights(WIDTH, inputs, 3), weights(WIDTH)
    spec.decoder.embeddings.weight = weights(words, WIDTH)
    spec.decoder.embeddings.weight[:BYTES] += 0.3  # it rather says letters than that there is no speech …
    spec.decoder.layer_norm.beta = np.ones(WIDTH, np.float32)  # … since all it says leans this way
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.decoder.scale_embeddings = False


def _norm(norm: model_spec.LayerSpec) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _attention(attention: model_spec.LayerSpec, weights: object) -> None:
    _norm(attention.layer_norm)
    parts = len(attention.linear)  # 2: queries, keys and values in one; 3: of the other side
    shapes = {2: (3, 1), 3: (1, 2, 1)}[parts]
    for linear, times in zip(attention.linear, shapes, strict=True):
        linear.weight = weights(WIDTH * times, WIDTH)  # type: ignore[operator]
        linear.bias = weights(WIDTH * times)  # type: ignore[operator]

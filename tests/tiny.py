"""A GGUF model of a few thousand random weights: what it says is nonsense, how is llama.cpp's own.

It loads in milliseconds, so claims about the engine and its process need no downloaded model.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SPECIAL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
CONTEXT_TOKENS = 8192
_ALIGNMENT = 32
_COUNT, _INT, _FLOAT, _TEXT, _ARRAY = 4, 5, 6, 8, 9
_NORMAL, _CONTROL = 1, 3


def write(path: Path, *, width: int = 64, layers: int = 2, seed: int = 1) -> Path:
    """Write a ChatML model whose tokens are single bytes; `width` and `layers` make it slow."""
    chance = np.random.default_rng(seed)
    spelled = [*_bytes_as_text(), *SPECIAL]
    hidden = 2 * width
    shapes = {"token_embd": (len(spelled), width), "output": (len(spelled), width)}
    for i in range(layers):
        shapes |= {f"blk.{i}.attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
        shapes |= {f"blk.{i}.ffn_{part}": (hidden, width) for part in ("gate", "up")}
        shapes[f"blk.{i}.ffn_down"] = (width, hidden)
    weights = {
        name: chance.normal(0, width**-0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    norms = ["output_norm"]
    norms += [f"blk.{i}.{part}_norm" for i in range(layers) for part in ("attn", "ffn")]
    weights |= {name: np.ones(width, np.float32) for name in norms}
    values: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "llama.context_length": CONTEXT_TOKENS,
        "llama.embedding_length": width,
        "llama.block_count": layers,
        "llama.feed_forward_length": hidden,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 4,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": width // 4,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": spelled,
        "tokenizer.ggml.token_type": [_NORMAL] * 256 + [_CONTROL] * len(SPECIAL),
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 258,
        "tokenizer.ggml.eos_token_id": 257,
        "tokenizer.chat_template": "<|im_start|>",
    }
    path.write_bytes(_gguf(values, weights))
    return path


def _bytes_as_text() -> list[str]:
    """How a byte-level vocabulary spells each byte: as itself where it can be seen."""
    seen = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    unseen = iter(range(0x100, 0x200))
    return [chr(byte if byte in seen else next(unseen)) for byte in range(256)]


def _gguf(values: dict[str, object], weights: dict[str, np.ndarray[Any, Any]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(weights), len(values))
    for key, value in values.items():
        head += _text(key) + _typed(value)
    data = b""
    for name, tensor in weights.items():
        head += _text(f"{name}.weight") + struct.pack("<I", tensor.ndim)
        head += struct.pack(f"<{tensor.ndim}Q", *reversed(tensor.shape))
        head += struct.pack("<IQ", 0, len(data))
        data += tensor.tobytes() + bytes(-tensor.nbytes % _ALIGNMENT)
    return head + bytes(-len(head) % _ALIGNMENT) + data


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _typed(value: object) -> bytes:
    match value:
        case str():
            return struct.pack("<I", _TEXT) + _text(value)
        case float():
            return struct.pack("<If", _FLOAT, value)
        case int():
            return struct.pack("<II", _COUNT, value)
        case list():
            kind = _TEXT if isinstance(value[0], str) else _INT
            items = (
                b"".join(map(_text, value))
                if kind == _TEXT
                else struct.pack(f"<{len(value)}i", *value)
            )
            return struct.pack("<IIQ", _ARRAY, kind, len(value)) + items
    raise TypeError(value)

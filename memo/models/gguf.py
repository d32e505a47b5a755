"""The head of a GGUF file, read with every length checked: nobody vouches for the file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from memo.errors import ModelDamaged, ModelNotFound, UnknownFamily
from memo.models.catalogue import FAMILIES

if TYPE_CHECKING:
    from pathlib import Path

_MARKERS = {"<|im_start|>": "chatml", "<|start_header_id|>": "llama3", "<start_of_turn>": "gemma"}
"""A word that only one chat format uses, and that format's family."""

_FOREIGN = "<|im_sep|>"
"""Phi-4 opens turns as ChatML does, but goes on differently."""

_SOUGHT = {word.encode(): word for word in (*_MARKERS, _FOREIGN)}

_MAX_KEYS = 1 << 16
_MAX_ITEMS = 1 << 22
_MAX_TEXT = 1 << 24

_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _ARRAY = 8, 9

_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""ggml's types: weights in a block, bytes of a block."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What the head of a GGUF file says; its chat template is only searched, never rendered."""

    architecture: str
    name: str
    context_tokens: int
    """0 where the file does not say."""
    layers: int
    cell_bytes: int
    """What keys and values of one token take in all layers at 16 bits, at most."""
    markers: frozenset[str]
    """Words of chat formats that the template names; of the vocabulary where there is none."""

    def family(self, path: Path) -> str:
        """Which of FAMILIES the model was trained on.

        Raises:
            UnknownFamily: None of them, or more than one.
        """
        found = {family for marker, family in _MARKERS.items() if marker in self.markers}
        if len(found) != 1 or _FOREIGN in self.markers:
            raise UnknownFamily(
                f"{path} ({self.name or 'unnamed'}, architecture {self.architecture}) speaks no "
                f"chat format that memo knows: {', '.join(FAMILIES)}. Choose an instruct model of "
                "one of these families."
            )
        if self.architecture == "llama" and "smollm" in self.name.lower():
            return "smollm"
        return found.pop()


def read_gguf(path: Path) -> GgufHeader:
    """The head of a GGUF file, once it is plain that all its tensors are there.

    Raises:
        ModelNotFound: There is no such file, or it cannot be read.
        ModelDamaged: It is not a GGUF file, or not a whole one.
    """
    try:
        with path.open("rb") as file:
            return _GgufReader(file, path).header()
    except OSError as error:
        raise ModelNotFound(f"Cannot read the model {path}: {error.strerror}.") from error


class _GgufReader:
    """Reads with every length checked against the file, which nobody vouches for."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path
        self._size = path.stat().st_size
        self._at = 0

    def header(self) -> GgufHeader:
        if self._file.read(4) != b"GGUF":
            raise ModelDamaged(
                f"{self._path} is not a GGUF file. Choose another with `memo model use`."
            )
        self._at = 4
        version = self._number("I")
        if version not in {2, 3}:
            raise self._broken(f"its format version is {version}")
        tensors, keys = self._number("Q"), self._number("Q")
        if not tensors:
            raise self._broken("it holds no weights")
        if max(tensors, keys) > _MAX_KEYS:
            raise self._broken("it names impossibly many parts")
        values, words = self._metadata(keys)
        self._check_extents(tensors, values.get("general.alignment", 32))
        architecture = str(values.get("general.architecture", ""))
        context_tokens = values.get(f"{architecture}.context_length", 0)
        template = str(values.get("tokenizer.chat_template", ""))
        return GgufHeader(
            architecture=architecture,
            name=str(values.get("general.name") or values.get("general.basename") or ""),
            context_tokens=context_tokens if isinstance(context_tokens, int) else 0,
            layers=_count(values.get(f"{architecture}.block_count")),
            cell_bytes=_cell_bytes(architecture, values),
            markers=frozenset(word for word in _SOUGHT.values() if word in template)
            if template
            else words,
        )

    def _metadata(self, keys: int) -> tuple[dict[str, Any], frozenset[str]]:
        """The values that are no arrays, and which markers the vocabulary holds."""
        values: dict[str, Any] = {}
        words: set[str] = set()
        for _ in range(keys):
            key = self._text()
            kind = self._number("I")
            if kind == _ARRAY:
                self._array(words)
            else:
                values[key] = self._value(kind)
        return values, frozenset(words)

    def _value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self._text()
        if kind not in _SCALARS:
            raise self._broken(f"it holds a value of the unknown type {kind}")
        return self._number(_SCALARS[kind])

    def _array(self, words: set[str]) -> None:
        """Skip an array, noting the markers among its texts."""
        kind, count = self._number("I"), self._number("Q")
        if count > _MAX_ITEMS:
            raise self._broken(f"it holds an array of {count} items")
        if kind == _TEXT:
            for _ in range(count):
                text = self._text_bytes()
                if text in _SOUGHT:  # compared as bytes: a vocabulary has 150,000 texts
                    words.add(_SOUGHT[text])
        elif kind in _SCALARS:
            self._take(count * struct.calcsize("<" + _SCALARS[kind]))
        else:
            raise self._broken(f"it holds an array of the unknown type {kind}")

    def _check_extents(self, tensors: int, alignment: object) -> None:
        """Each tensor's end against the file's."""
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            raise self._broken(f"its alignment is {alignment}")
        end = 0
        for _ in range(tensors):
            self._text()
            dimensions = self._number("I")
            if dimensions > 8:  # ggml has 4
                raise self._broken(f"it holds a tensor of {dimensions} dimensions")
            elements = 1
            for _ in range(dimensions):
                elements *= self._number("Q")
            kind, offset = self._number("I"), self._number("Q")
            in_block, block_bytes = _BLOCKS.get(kind, (1, 0))
            end = max(end, offset + elements // in_block * block_bytes)
        start = -(-self._at // alignment) * alignment
        if start + end > self._size:
            raise self._broken(f"it should have {start + end:,} bytes and has {self._size:,}")

    def _text(self) -> str:
        return self._text_bytes().decode("utf-8", "replace")

    def _text_bytes(self) -> bytes:
        length = int.from_bytes(self._take(8), "little")
        if length > _MAX_TEXT:
            raise self._broken(f"it holds a text of {length:,} bytes")
        return self._take(length)

    def _number(self, code: str) -> Any:
        return struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))[0]

    def _take(self, count: int) -> bytes:
        if self._at + count > self._size:
            raise self._broken(f"it ends after {self._size:,} bytes, within its own head")
        self._at += count
        return self._file.read(count)

    def _broken(self, why: str) -> ModelDamaged:
        return ModelDamaged(f"{self._path} is damaged or cut short: {why}. Fetch or copy it again.")


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _cell_bytes(architecture: str, values: dict[str, Any]) -> int:
    """Keys and values of a token; heads that the file does not count are taken to be all."""

    def said(key: str) -> int:
        return _count(values.get(f"{architecture}.{key}"))

    heads = said("attention.head_count")
    width = said("embedding_length")
    key = said("attention.key_length") or (width // heads if heads else width)
    value = said("attention.value_length") or key
    return said("block_count") * (said("attention.head_count_kv") or heads or 1) * 2 * (key + value)

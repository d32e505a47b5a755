"""What mem0 takes for the work of `peer.py`; run by the interpreter of an environment that has it.

`PYTHON peer_mem0.py MESSAGES.json FOLDER` prints JSON. Nothing of memo is imported here. mem0 gets
no model (`infer=False`), the embedder of `peer.py`, its default vector store in a folder, and no
telemetry.
"""

from __future__ import annotations

import json
import os
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

DIM = 384


def vector(text: str) -> list[float]:
    """A direction that belongs to a text and means nothing; unit norm."""
    seed = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
    found = np.random.default_rng(seed).standard_normal(DIM)
    unit: list[float] = (found / np.linalg.norm(found)).tolist()
    return unit


class Embedder:
    """As mem0 calls one."""

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        return vector(text)

    def embed_batch(self, texts: list[str], memory_action: str | None = None) -> list[list[float]]:
        return [vector(text) for text in texts]


def main(messages: Path, folder: Path) -> dict[str, Any]:
    """Add all messages, ten a call, then search; the processor's seconds and those waited."""
    os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": str(folder), "OPENAI_API_KEY": "none"}
    from mem0 import Memory  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415

    told = json.loads(messages.read_text("utf-8"))
    memory = Memory.from_config(
        {
            "vector_store": {
                "provider": "qdrant",
                "config": {
                    "path": str(folder / "vectors"),
                    "embedding_model_dims": DIM,
                    "on_disk": True,
                },
            },
            "history_db_path": str(folder / "history.db"),
        }
    )
    memory.embedding_model = Embedder()
    ran, began = time.process_time(), time.perf_counter()
    for start in range(0, len(told["messages"]), 10):
        some = told["messages"][start : start + 10]
        memory.add([{"role": "user", "content": text} for text in some], user_id="ann", infer=False)
    add_cpu, add_wall = time.process_time() - ran, time.perf_counter() - began
    ran, began, right = time.process_time(), time.perf_counter(), 0
    for query in told["queries"]:
        found = memory.search(query, filters={"user_id": "ann"}, top_k=10)["results"]
        right += found[0]["memory"] == query
    search_cpu, search_wall = time.process_time() - ran, time.perf_counter() - began
    return {
        "add_cpu_s": add_cpu,
        "add_wall_s": add_wall,
        "search_cpu_s": search_cpu,
        "search_wall_s": search_wall,
        "right": right,
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:3]))))

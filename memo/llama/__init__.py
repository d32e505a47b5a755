"""The inference engine: the only room that knows llama.cpp."""

from memo.llama.engine import LlamaLM, offloads
from memo.llama.templates import TEMPLATES, ChatTemplate

__all__ = ["TEMPLATES", "ChatTemplate", "LlamaLM", "offloads"]

"""The inference engine: the only room that knows llama.cpp.

`ModelProcess` is what the program uses; `memo.llama.engine` holds what runs within it.
"""

from memo.llama.messages import Load
from memo.llama.placement import Shape
from memo.llama.process import ModelProcess
from memo.llama.templates import TEMPLATES, ChatTemplate

__all__ = ["TEMPLATES", "ChatTemplate", "Load", "ModelProcess", "Shape"]

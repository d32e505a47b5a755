"""The inference engine: the only room that knows llama.cpp.

`ModelProcess` is what the program uses; `memo.llama.engine` holds what runs within it.
"""

import os

from memo.llama.messages import Load
from memo.llama.placement import Shape
from memo.llama.process import ModelProcess
from memo.llama.templates import TEMPLATES, ChatTemplate

__all__ = ["TEMPLATES", "ChatTemplate", "Load", "ModelProcess", "Shape"]

# Read when OpenMP is loaded, so set before. A thread that has done its share of an operation waits
# for the others; by default it spins so long that on a busy machine it takes their processor. Much
# shorter than this costs a quarter of the speed of writing on an idle machine.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

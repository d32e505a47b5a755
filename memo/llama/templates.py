"""How each family of models marks turns; ours, never the template inside the GGUF."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The marks around turns of one family."""

    opening: str
    """Before the text of a turn; `{role}` is replaced."""
    closing: str
    roles: dict[str, str] = field(default_factory=dict)
    """Renamed roles."""
    begin: str = ""
    """Written once, as text that parses to the begin-of-sequence token."""
    system_in_user: bool = False
    """True where the family knows no system turn: it is put before the first user turn."""


TEMPLATES = {
    "chatml": ChatTemplate("<|im_start|>{role}\n", "<|im_end|>\n"),
    "smollm": ChatTemplate("<|im_start|>{role}\n", "<|im_end|>\n"),
    "llama3": ChatTemplate(
        "<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>", begin="<|begin_of_text|>"
    ),
    "gemma": ChatTemplate(
        "<start_of_turn>{role}\n",
        "<end_of_turn>\n",
        roles={"assistant": "model"},
        begin="<bos>",
        system_in_user=True,
    ),
}

"""What rested on a changed fact."""

from __future__ import annotations

import numpy as np

from memo import prompts, wording
from memo.claims import (
    has_slot,
    is_kinship,
    same_subject,
    without,
)
from memo.erase.implying import Implying
from memo.records import (
    MakeFalse,
    MarkUncertain,
    Rewrite,
    State,
)

MAX_UNCERTAIN = 5
DEPENDENT = 0.30
"""Least cosine of a fact with what usually changes along; for MiniLM-L6 int8, 27 pairs."""


class Propagating(Implying):
    """Doubt."""

    def _propagate(self) -> None:
        """Doubt what rested on a changed fact and was not read again."""
        changed = [
            self.facts[id_]
            for id_, edit in self.draft.settled.items()
            if isinstance(edit, Rewrite | MakeFalse)
            and has_slot(self.facts[id_].claim)
            and self._corrected(self.facts[id_]) is None  # a slip is put right, no life changed
        ]
        others = [
            fact
            for fact in self.facts.values()
            if fact.state is State.CURRENT
            and fact.id not in self.draft.settled
            and not fact.pinned
            and not fact.by_hand
            and not is_kinship(fact.claim)
        ]
        doubted = 0
        for fact in changed:
            whose = set(fact.claim.subjects[:1])  # `Ann's boss` rests on what Ann does
            related = [
                f
                for f in others
                if same_subject(f.claim, fact.claim)
                or whose & set(f.claim.subjects)
                or any(wording.occurs(name, f.text) for name in whose)
            ]
            if not related:
                continue
            (reply,) = self.lm.complete(
                [prompts.aspects(fact.claim.question)],
                max_tokens=prompts.ASPECT_TOKENS,
                stop=("\n",),
            )
            items = [without(item, fact.claim.subjects) for item in prompts.parse_list(reply.text)]
            if not reply.finished or not items:
                self.draft.problems.append("What else may have changed could not be told.")
                items = []
            near = np.zeros(len(related), np.float32)
            if items:
                sentences = [without(f.text, f.claim.subjects) for f in related]
                near = (self.embedder.embed(sentences) @ self.embedder.embed(items).T).max(axis=1)
            about = wording.content(" ".join((*fact.claim.subjects, *wording.names(fact.text)[:1])))
            value = fact.claim.value  # without `work`, which stands in half of a life's facts
            over = wording.telling(value) & wording.told(value) - about
            for other, cosine in zip(related, near, strict=True):
                mentions = bool(over & wording.content(other.text) - about)
                edit = self.draft.settled[fact.id]
                if (mentions or cosine >= DEPENDENT) and doubted < MAX_UNCERTAIN:
                    if other.id in self.draft.settled:
                        continue
                    doubted += 1
                    likely = min(max(float(cosine), 0.0), 1.0)  # of a mere mention below 0
                    self._settle(other, MarkUncertain(other.id, edit.at, fact.id, likely))

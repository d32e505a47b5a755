"""How much one import may end of what was known before it: the rest waits for the person's word.

A file full of lies could otherwise end a life's facts, three a document. What came with the same
import does not count: an export may well tell of ten jobs, nine of them over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memo.records import Held, MakeFalse, MarkUncertain, Rewrite, State
from memo.store.changes import Changes
from memo.store.rows import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memo.records import ChangeId, Edit, FactId, Plan

SHARE = 100
"""An import ends at most one in so many of the facts known before (reliability.md, 2.3)…"""
FLOOR = 20
"""…or so many, where they are few: a life of a year's chats changes in more than one place."""

_BEFORE = """
SELECT f.id FROM fact f JOIN change_set came ON came.id = f.change_id
WHERE came.import_id IS NOT :import
"""


class Caps(Changes):
    """Looked at within the transaction that applies one document of an import."""

    def _capped(self, change: ChangeId, plan: Plan) -> Plan:
        """A plan with its endings held where they go beyond the cap: all of them, or none."""
        ((came_with,),) = self._all(
            "SELECT import_id FROM change_set WHERE id = :change", {"change": change}
        )
        ends = {edit.fact for edit in plan.edits if isinstance(edit, MakeFalse | Rewrite)}
        ends = self._holding_before(ends, came_with) if ends else ends
        if not ends:
            return plan
        ended, cap = self._ended_before(came_with), FLOOR
        if len(ended | ends) > cap:
            (known,) = self._one(f"SELECT count(*) FROM ({_BEFORE})", {"import": came_with})  # noqa: S608 - a statement of our own
            cap = max(FLOOR, known // SHARE)
        if len(ended | ends) <= cap:
            return plan
        reason = f"its import already ends {len(ended)} of the facts known before, {cap} at most"
        beyond = [edit for edit in plan.edits if _rests_on(edit, ends)]
        return replace(
            plan,
            edits=tuple(edit for edit in plan.edits if edit not in beyond),
            held=(*plan.held, *(Held(edit, reason) for edit in beyond)),
        )

    def _holding_before(self, facts: Iterable[FactId], came_with: int | None) -> set[FactId]:
        """Those that hold and that another import or the person brought."""
        rows = self._all(
            f"""
            SELECT fact_id FROM fact_state
            WHERE fact_id IN (SELECT value FROM json_each(:facts)) AND state <> :past
              AND fact_id IN ({_BEFORE})
            """,  # noqa: S608 - a statement of our own
            {"facts": listed(facts), "past": State.PAST.value, "import": came_with},
        )
        return {fact for (fact,) in rows}

    def _ended_before(self, came_with: int | None) -> set[FactId]:
        """What of that this import has ended so far, without the person's word."""
        rows = self._all(
            f"""
            SELECT DISTINCT e.fact_id
            FROM change_set c JOIN event e ON e.change_id = c.id
            WHERE c.import_id = :import AND c.undone_by IS NULL AND e.truth = 0
              AND e.held_id IS NULL AND e.fact_id IN ({_BEFORE})
            """,  # noqa: S608 - a statement of our own
            {"import": came_with},
        )
        return {fact for (fact,) in rows}


def _rests_on(edit: Edit, facts: set[FactId]) -> bool:
    match edit:
        case MakeFalse() | Rewrite():
            return edit.fact in facts
        case MarkUncertain():
            return edit.because in facts
        case _:
            return False

"""A person's own changes: edit, pin, undo and redo, and what was held for review."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memo.errors import NotKnown, UsageProblem
from memo.records import (
    ChangeId,
    ChangeSet,
    Claim,
    Fact,
    FactId,
    Held,
    HeldId,
    State,
    from_utc_text,
    utc_text,
)
from memo.show import counted
from memo.store.rows import (
    Said,
    Work,
    claims_of,
    decision_title,
    indexed,
    listed,
    said_by,
)
from memo.store.unread import Unread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from memo.store.rows import Embed, Row


_DONE = {"edit": "edited", "merge": "merged", "pin": "pinned"}


class Decisions(Unread):
    """Each of them a change set, too."""

    def edit_fact(self, fact: FactId, claim: Claim, at: datetime, embed: Embed) -> ChangeSet:
        """Replace a fact's words by the person's own, true since `at`; a pin moves along.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: It no longer holds.
        """
        vectors = self._embedded([indexed(claim)], embed)
        with self._writing():
            old = self.holding(fact, "edit")
            work = self._begin("edit", f"Edited fact {fact}", at, vectors)
            self._reword(work, [old], claim, at, at)
        return self.change(work.change)

    def holding(self, fact: FactId, verb: str) -> Fact:
        """A fact that holds, or may, for what a person does with such facts only.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: It no longer holds; the message names the fact in its place.
        """
        found = last = self.fact(fact)
        if found.state is not State.PAST:
            return found
        seen = {fact}
        while last.replaced_by is not None and last.replaced_by not in seen:
            last = self.fact(last.replaced_by)
            seen.add(last.id)
        if last.state is State.PAST:
            instead = f"only what holds can be {_DONE[verb]}"
        else:
            instead = f"fact {last.id} came in its place: {verb} that one"
        raise UsageProblem(
            f"Fact {fact} is past; {instead}, or `memo undo` the change that "
            f"`memo history {fact}` names."
        )

    def merge_facts(self, facts: Sequence[FactId], claim: Claim, embed: Embed) -> ChangeSet:
        """Put one sentence in the place of several that hold, true since the first of them was.

        To forget it forgets those, too, as with an edit.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: They are fewer than two, or one no longer holds.
        """
        named = list(dict.fromkeys(facts))
        if len(named) < 2:
            raise UsageProblem("One fact alone cannot be merged: name two or more.")
        vectors = self._embedded([indexed(claim)], embed)
        with self._writing():
            olds = [self.holding(fact, "merge") for fact in named]
            now = max(self._clock(), *(old.since for old in olds))
            title = f"Merged facts {', '.join(map(str, named))}"
            work = self._begin("edit", title, now, vectors)
            self._reword(work, olds, claim, min(old.since for old in olds), now)
        return self.change(work.change)

    def _reword(
        self, work: Work, olds: Sequence[Fact], claim: Claim, since: datetime, at: datetime
    ) -> None:
        """End facts at a time for the person's own sentence, which a pin of theirs moves to."""
        said = Said(0, utc_text(at))
        new = self._store_fact(work, claim, by_hand=True)
        because = self._append(work, new, "added", True, since, said)
        for number, old in enumerate(olds):
            self._append(
                work,
                old.id,
                "edited",
                False,
                at,
                replace(said, edit=number),
                because=because,
                successor=new,
            )
        if any(old.pinned for old in olds):
            self._append(work, new, "pinned", None, at, replace(said, edit=len(olds)))
        self._refresh(work.touched)

    def pin(self, fact: FactId, on: bool = True) -> ChangeSet:
        """Keep a fact from being changed by what is read, or let it go again.

        Raises:
            NotKnown: There is no such fact.
            UsageProblem: It no longer holds: a pin would not make it true again.
        """
        with self._writing():
            self.holding(fact, "pin") if on else self.fact(fact)
            kind, title = ("pin", "Pinned") if on else ("unpin", "Unpinned")
            work = self._begin(kind, f"{title} fact {fact}")
            said = Said(0, work.recorded_at)
            event = "pinned" if on else "unpinned"
            self._append(work, fact, event, None, from_utc_text(work.recorded_at), said)
            self._refresh(work.touched)
        return self.change(work.change)

    def undo(self, change: ChangeId | None = None) -> ChangeSet:
        """Take a change set back, by default the newest, so that its effects never were.

        Raises:
            NotKnown: There is none, it is undone already, or it cannot be undone.
        """
        with self._writing():
            target = self._undoable(change)
            work = self._begin("undo", f"Undid change {target}", target=target)
            self._all(
                "UPDATE change_set SET undone_by = :undo WHERE id = :target",
                {"undo": work.change, "target": target},
            )
            self._rederive(target)
        return self.change(work.change)

    def undo_import(self, change: ChangeId | None = None) -> ChangeSet:
        """Take back all documents of one import at once, by default of the newest.

        Args:
            change: Any change of that import.

        Raises:
            NotKnown: There is no such import, or all of it is undone.
        """
        with self._writing():
            rows = self._all(
                """
                SELECT import_id FROM change_set c
                WHERE undone_by IS NULL AND import_id NOT NULL AND id = ifnull(:change, id)
                  AND (id > 0 OR EXISTS (SELECT 1 FROM document WHERE change_id = c.id))
                ORDER BY recorded_at DESC, min(import_id, 0), id DESC LIMIT 1
                """,
                {"change": change},
            )
            if not rows:
                named = "There is" if change is None else f"With change {change} there came"
                raise NotKnown(f"{named} no import that could be undone: `memo log` lists changes.")
            targets = self._ids(
                """
                SELECT id FROM change_set WHERE import_id = :first AND undone_by IS NULL
                ORDER BY id DESC
                """,
                {"first": rows[0][0]},
            )
            (count,) = self._one(
                """
                SELECT count(*) FROM document
                WHERE change_id IN (SELECT value FROM json_each(:targets))
                """,
                {"targets": listed(targets)},
            )
            first = min(targets, key=lambda target: (target < 0, target))
            title = f"Undid an import of {counted(count, 'document')}"
            work = self._begin("undo", title, target=ChangeId(first))
            for target in targets:
                self._all(
                    "UPDATE change_set SET undone_by = :undo WHERE id = :target",
                    {"undo": work.change, "target": target},
                )
            for target in targets:
                self._rederive(ChangeId(target))
        return self.change(work.change)

    def _undoable(self, change: ChangeId | None) -> ChangeId:
        if change is None:
            rows = self._all(
                """
                SELECT id FROM change_set
                WHERE undone_by IS NULL AND kind NOT IN ('undo', 'redo', 'forget') AND id > 0
                ORDER BY id DESC LIMIT 1
                """
            )
            if not rows:
                raise NotKnown("There is nothing to undo.")
            return ChangeId(rows[0][0])
        kind, undone_by, target = self._change_row(change)
        if kind == "forget":
            raise NotKnown(f"Change {change} forgot something for good: it cannot be undone.")
        if kind in ("undo", "redo"):
            raise NotKnown(
                f"Change {change} is itself an {kind}: undo or redo change {target} instead."
                if kind == "undo"
                else f"Change {change} is itself a redo: undo change {target} instead."
            )
        if undone_by is not None:
            raise NotKnown(f"Change {change} is undone already: `memo redo` brings it back.")
        return change

    def redo(self, change: ChangeId | None = None) -> ChangeSet:
        """Bring an undone change set back, by default the one undone last.

        Raises:
            NotKnown: There is none, it is not undone, or what it did was done anew since.
        """
        with self._writing():
            target = self._redoable(change)
            targets = [target] if change == target else self._undone_with(target)
            for other in targets:
                self._redoable(other)
            title = f"Redid change {target}" + (" and those of its import" * (len(targets) > 1))
            if target < 0:
                title = "Redid an import of which nothing was read"
            work = self._begin("redo", title, target=target)
            for other in targets:
                self._all(
                    "UPDATE change_set SET undone_by = NULL WHERE id = :target", {"target": other}
                )
            for other in targets:
                self._rederive(other)
        return self.change(work.change)

    def _undone_with(self, change: ChangeId) -> list[ChangeId]:
        """What the same undo took back, the change itself among it."""
        rows = self._ids(
            """
            SELECT id FROM change_set
            WHERE undone_by = (SELECT undone_by FROM change_set WHERE id = :change) ORDER BY id
            """,
            {"change": change},
        )
        return [ChangeId(row) for row in rows]

    def _redoable(self, change: ChangeId | None) -> ChangeId:
        if change is None:
            rows = self._all(
                """
                SELECT id FROM change_set WHERE undone_by IS NOT NULL
                ORDER BY undone_by DESC, id DESC LIMIT 1
                """
            )
            if not rows:
                raise NotKnown("There is nothing to redo.")
            change = ChangeId(rows[0][0])
        kind, undone_by, target = self._change_row(change)
        if kind == "undo":
            return self._redoable(ChangeId(target))
        if undone_by is None:
            raise NotKnown(f"Change {change} is not undone.")
        if self._imported_anew(change):
            raise NotKnown(
                f"The document of change {change} was imported anew since: nothing to redo."
            )
        if self._decided_anew(change):
            raise NotKnown(f"What change {change} decided was decided anew since: nothing to redo.")
        return change

    def _change_row(self, change: ChangeId) -> Row:
        rows = self._all(
            "SELECT kind, undone_by, target_id FROM change_set WHERE id = :change",
            {"change": change},
        )
        if not rows:
            raise NotKnown(f"There is no change {change}: `memo log` lists them.")
        return rows[0]

    def _imported_anew(self, change: ChangeId) -> bool:
        return bool(
            self._all(
                """
                SELECT 1 FROM document mine
                JOIN document other ON other.digest = mine.digest AND other.source = mine.source
                JOIN change_set c ON c.id = other.change_id
                WHERE mine.change_id = :change AND NOT mine.forgotten AND NOT other.forgotten
                  AND other.id <> mine.id AND c.undone_by IS NULL
                """,
                {"change": change},
            )
        )

    def _decided_anew(self, change: ChangeId) -> bool:
        return bool(
            self._all(
                """
                SELECT 1 FROM held_decision mine
                JOIN held_decision other ON other.held_id = mine.held_id
                JOIN change_set c ON c.id = other.change_id
                WHERE mine.change_id = :change AND other.change_id <> :change
                  AND c.undone_by IS NULL
                """,
                {"change": change},
            )
        )

    def accept_held(self, ids: Sequence[HeldId], embed: Embed) -> ChangeSet:
        """Apply held edits as the person's decision, which pins do not stop.

        Raises:
            NotKnown: One of them does not wait for review, or its fact has gone.
        """
        edits = [held.edit for _, _, held in self._waiting(ids)]
        vectors = self._embedded([indexed(claim) for claim in claims_of(edits)], embed)
        with self._writing():
            work = self._begin("review", decision_title("Accepted", ids), vectors=vectors)
            said = []
            for number, (id_, change, held) in enumerate(self._waiting(ids)):
                ground = self._ground(change)
                said.append((held.edit, said_by(number, held.edit, ground, id_)))
                self._decide(id_, work.change, accepted=True)
            self._write(work, said, guarded=False)
        return self.change(work.change)

    def reject_held(self, ids: Sequence[HeldId]) -> ChangeSet:
        """Turn held edits down.

        Raises:
            NotKnown: One of them does not wait for review.
        """
        with self._writing():
            work = self._begin("review", decision_title("Rejected", ids))
            for id_, _, _ in self._waiting(ids):
                self._decide(id_, work.change, accepted=False)
        return self.change(work.change)

    def _waiting(self, ids: Sequence[HeldId]) -> list[tuple[HeldId, ChangeId, Held]]:
        waiting = {id_: (id_, change, held) for id_, change, held in self.held()}
        for id_ in ids:
            if id_ not in waiting:
                raise NotKnown(f"Item {id_} does not wait for review: `memo review` lists them.")
        return [waiting[id_] for id_ in dict.fromkeys(ids)]

    def _decide(self, held: HeldId, change: ChangeId, *, accepted: bool) -> None:
        self._all(
            "INSERT INTO held_decision VALUES (:held, :change, :accepted)",
            {"held": held, "change": change, "accepted": accepted},
        )

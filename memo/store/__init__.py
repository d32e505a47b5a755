"""The store: documents, facts and their events in one SQLite file.

Events are the truth. What a fact is worth now, the keyword and the vector indexes
are derived from them inside the same transaction, and can be rebuilt at any time.

Each file adds one layer, and knows only those before it:
connection, reading, search, derived, changes, unread, decisions, conversations, forgetting,
upkeep, browsing.
"""

from __future__ import annotations

from memo.store.browsing import Browsing


class Store(Browsing):
    """One person's memory on disk; a context manager.

    A connection belongs to one operation in one thread. Whatever fails inside a
    writing method leaves the store as it was.
    """


__all__ = ["Store"]

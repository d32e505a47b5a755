"""How the store's one file is laid out, and what brings an older one up to date."""

from __future__ import annotations

import functools

import apsw

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
    INSERT INTO meta (name, value) VALUES ('secret', randomblob(32));

    CREATE TABLE embedder (name TEXT NOT NULL, sha256 TEXT NOT NULL, dim INTEGER NOT NULL) STRICT;

    CREATE TABLE change_set (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN (
            'document', 'edit', 'pin', 'unpin', 'forget', 'review', 'undo', 'redo')),
        title TEXT NOT NULL,
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        target_id INTEGER REFERENCES change_set (id),
        undone_by INTEGER REFERENCES change_set (id),
        calls INTEGER NOT NULL DEFAULT 0,
        prompt_tokens INTEGER NOT NULL DEFAULT 0,
        evaluated_tokens INTEGER NOT NULL DEFAULT 0,
        completion_tokens INTEGER NOT NULL DEFAULT 0,
        elapsed_s REAL NOT NULL DEFAULT 0,
        problems TEXT NOT NULL DEFAULT '[]'
    ) STRICT;

    CREATE TABLE document (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        key TEXT NOT NULL,
        title TEXT NOT NULL,
        digest TEXT NOT NULL,
        at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX document_digest ON document (digest);
    CREATE INDEX document_change ON document (change_id);

    CREATE TABLE passage (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        document_id INTEGER NOT NULL REFERENCES document (id),
        ord INTEGER NOT NULL,
        speaker TEXT,
        at TEXT NOT NULL,
        text TEXT NOT NULL,
        UNIQUE (document_id, ord)
    ) STRICT;

    CREATE TABLE fact (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        question TEXT NOT NULL,
        value TEXT NOT NULL,
        subjects TEXT NOT NULL,
        several INTEGER NOT NULL,
        slot TEXT NOT NULL,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        by_hand INTEGER NOT NULL,
        forgotten INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX fact_slot ON fact (slot);
    CREATE TRIGGER fact_stays BEFORE DELETE ON fact
    BEGIN SELECT RAISE(ABORT, 'facts are never deleted'); END;
    CREATE TRIGGER fact_immutable BEFORE UPDATE ON fact
    WHEN NOT (NEW.forgotten AND NEW.text = '' AND NEW.question = '' AND NEW.value = ''
        AND NEW.subjects = '[]' AND NEW.slot = '' AND NEW.id = OLD.id
        AND NEW.change_id = OLD.change_id)
    BEGIN SELECT RAISE(ABORT, 'facts change only by being forgotten'); END;

    CREATE TABLE fact_subject (
        name TEXT NOT NULL,
        fact_id INTEGER NOT NULL REFERENCES fact (id),
        PRIMARY KEY (name, fact_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX fact_subject_fact ON fact_subject (fact_id);

    CREATE TABLE held (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        edit TEXT,
        reason TEXT NOT NULL
    ) STRICT;
    CREATE INDEX held_change ON held (change_id);
    CREATE TABLE held_decision (
        held_id INTEGER NOT NULL REFERENCES held (id),
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        accepted INTEGER NOT NULL,
        PRIMARY KEY (held_id, change_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        edit INTEGER NOT NULL,
        fact_id INTEGER NOT NULL REFERENCES fact (id),
        kind TEXT NOT NULL CHECK (kind IN (
            'added', 'reinforced', 'confirmed', 'made_false', 'rewritten', 'marked_uncertain',
            'edited', 'pinned', 'unpinned')),
        truth INTEGER CHECK (truth IN (0, 1)),
        at TEXT NOT NULL,
        said_at TEXT NOT NULL,
        recorded_at TEXT NOT NULL,
        document_id INTEGER REFERENCES document (id),
        passage_id INTEGER REFERENCES passage (id),
        quote TEXT,
        quote_digest TEXT,
        confidence REAL,
        because INTEGER REFERENCES event (id) CHECK (because < id),
        successor INTEGER REFERENCES fact (id),
        held_id INTEGER REFERENCES held (id),
        hash TEXT NOT NULL
    ) STRICT;
    CREATE INDEX event_fact ON event (fact_id, at, id);
    CREATE INDEX event_change ON event (change_id);
    CREATE INDEX event_because ON event (because);
    CREATE INDEX event_successor ON event (successor);
    CREATE INDEX event_document ON event (document_id);
    CREATE INDEX event_held ON event (held_id) WHERE held_id NOT NULL;
    CREATE TRIGGER event_stays BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_immutable BEFORE UPDATE OF
        id, change_id, edit, fact_id, kind, truth, at, said_at, recorded_at, document_id,
        passage_id, quote_digest, confidence, because, successor, held_id, hash ON event
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER event_quote BEFORE UPDATE OF quote ON event WHEN NEW.quote IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a quote can only be forgotten'); END;

    CREATE TABLE tombstone (mark TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

    CREATE TABLE fact_vector (
        fact_id INTEGER PRIMARY KEY REFERENCES fact (id), vector BLOB NOT NULL) STRICT;
    CREATE TABLE passage_vector (
        passage_id INTEGER PRIMARY KEY REFERENCES passage (id), vector BLOB NOT NULL) STRICT;

    -- From here on everything is derived and can be rebuilt.
    CREATE TABLE live_event (event_id INTEGER PRIMARY KEY REFERENCES event (id)) STRICT;
    CREATE TABLE fact_state (
        fact_id INTEGER PRIMARY KEY REFERENCES fact (id),
        state TEXT NOT NULL,
        since TEXT NOT NULL,
        until TEXT,
        pinned INTEGER NOT NULL,
        document_id INTEGER REFERENCES document (id),
        replaced_by INTEGER REFERENCES fact (id)
    ) STRICT;
    CREATE INDEX fact_state_since ON fact_state (state, since);
    CREATE INDEX fact_state_document ON fact_state (document_id);
    """,
    """
    ALTER TABLE passage ADD COLUMN context INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE change_set ADD COLUMN import_id INTEGER REFERENCES change_set (id);
    CREATE INDEX change_set_import ON change_set (import_id) WHERE import_id NOT NULL;
    CREATE INDEX document_key ON document (source, key);
    """,
    # Sign codes in place of vec0, which held every vector twice and looked through all of them.
    """
    DROP TABLE IF EXISTS fact_vec;
    DROP TABLE IF EXISTS passage_vec;
    ALTER TABLE fact_state ADD COLUMN begins TEXT NOT NULL DEFAULT '';
    ALTER TABLE fact_state ADD COLUMN settles TEXT NOT NULL DEFAULT '';
    CREATE TABLE code_segment (
        segment INTEGER PRIMARY KEY,
        part TEXT NOT NULL,
        used INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX code_segment_part ON code_segment (part, segment);
    CREATE TABLE code_slots (segment INTEGER PRIMARY KEY, slots BLOB NOT NULL) STRICT;
    CREATE TABLE code_place (
        kind TEXT NOT NULL,
        id INTEGER NOT NULL,
        segment INTEGER NOT NULL,
        slot INTEGER NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX fact_state_newest ON fact_state (since);
    CREATE INDEX change_set_target ON change_set (target_id) WHERE target_id IS NOT NULL;
    CREATE INDEX change_set_undone ON change_set (undone_by) WHERE undone_by IS NOT NULL;
    INSERT INTO meta (name, value) SELECT 'underived', x'01'
        WHERE EXISTS (SELECT 1 FROM fact_state) OR EXISTS (SELECT 1 FROM passage);
    """,
    # Until a document is read it lies under a change set with a number below zero, its import's.
    """
    CREATE TABLE unread (
        document_id INTEGER PRIMARY KEY REFERENCES document (id),
        records INTEGER NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX passage_said ON passage (at, length(text));
    """,
    # Conversations, a record beside the facts: nothing is derived from them.
    """
    CREATE TABLE conversation (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        begun_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE exchange (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
        at TEXT NOT NULL,
        said TEXT NOT NULL,
        answer TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX exchange_conversation ON exchange (conversation_id);
    CREATE TABLE exchange_source (
        exchange_id INTEGER NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
        n INTEGER NOT NULL,
        fact_id INTEGER REFERENCES fact (id),
        passage_id INTEGER REFERENCES passage (id),
        PRIMARY KEY (exchange_id, n)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX exchange_source_fact ON exchange_source (fact_id);
    CREATE INDEX exchange_source_passage ON exchange_source (passage_id);
    CREATE TABLE exchange_change (
        exchange_id INTEGER NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
        change_id INTEGER NOT NULL REFERENCES change_set (id),
        PRIMARY KEY (exchange_id, change_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX exchange_change_change ON exchange_change (change_id);
    """,
    # No query asks for these. What neither a hash nor an index covers stands twice with them, so
    # that SQLite finds a bit that flips in either: in a plain store no page has a seal.
    """
    CREATE INDEX document_twice ON document (source, key, title, at, recorded_at);
    CREATE INDEX fact_twice ON fact (question, value, subjects, several, by_hand);
    """,
    # As above: nothing else tells whether what was said in a conversation is what it was.
    """
    CREATE INDEX conversation_twice ON conversation (begun_at);
    CREATE INDEX exchange_twice ON exchange (at, said, answer, note);
    """,
)
"""Applied in order; PRAGMA user_version counts those a file has had. Append, never edit."""

FTS = """
DROP TABLE IF EXISTS {name};
CREATE VIRTUAL TABLE {name} USING fts5 (
    text, tokenize = 'porter unicode61 remove_diacritics 2');
INSERT INTO {name} ({name}, rank) VALUES ('secure-delete', 1);
"""

INDEXES = ("fact_fts", "passage_fts")

LAYOUT = """
SELECT type || ' ' || name, ifnull(sql, '') FROM sqlite_schema
WHERE name NOT LIKE 'sqlite_%' ORDER BY 1
"""
"""Everything that a file consists of, and how it was made."""


@functools.cache
def layout() -> dict[str, str]:
    """What `LAYOUT` finds in a file as this memo makes it."""
    db = apsw.Connection(":memory:")
    try:
        for script in (*MIGRATIONS, *(FTS.format(name=name) for name in INDEXES)):
            run_script(db, script)
        return {str(name): str(sql) for name, sql in db.execute(LAYOUT)}
    finally:
        db.close()


def run_script(db: apsw.Connection, script: str) -> None:
    """Run every statement: apsw stops at a statement's first row unless it is read on."""
    for _ in db.execute(script):
        pass

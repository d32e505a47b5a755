"""Every error memo raises on purpose.

MemoError             exit 1
├ UsageProblem        exit 2  a value that cannot mean anything
├ NotKnown            exit 1  an id that names nothing
├ ImporterError       exit 1  UnknownFormat, AmbiguousFormat
├ ModelError          exit 4  ModelNotFound, ModelDamaged, UnknownFamily,
│                             EngineUnusable;
│                     exit 1  ContextOverflow, PullFailed, ModelCrashed, ModelHung
├ Stopped             exit 130  the person wanted a call of the model to end
└ StoreError          exit 5  StoreTooNew, StoreDamaged, StoreBusy, StoreReadOnly,
                              StoreLocked, WrongPassphrase, CipherMissing,
                              EmbedderMismatch

A message says what failed, with its value, and what to do next.
"""

from __future__ import annotations


class MemoError(Exception):
    """Something failed that the person can be told about in one sentence."""

    exit_code = 1


class UsageProblem(MemoError):
    """An argument that cannot mean anything, such as a date in year 0."""

    exit_code = 2


class NotKnown(MemoError):
    """An id that names nothing in this store."""


class ImporterError(MemoError):
    """A file that cannot be imported at all."""


class UnknownFormat(ImporterError):
    """No importer recognises the file."""


class AmbiguousFormat(ImporterError):
    """More than one importer recognises the file."""


class ModelError(MemoError):
    """No usable model."""

    exit_code = 4


class ModelNotFound(ModelError):
    """The chosen model is not on this machine."""


class ModelDamaged(ModelError):
    """The file is not a GGUF, is truncated, or has the wrong checksum."""


class UnknownFamily(ModelError):
    """A model whose chat template we do not have."""


class EngineUnusable(ModelError):
    """llama.cpp itself cannot be loaded."""

    def __init__(self, why: object) -> None:
        super().__init__(f"llama.cpp cannot be loaded ({why}); install llama-cpp-python again.")


class ContextOverflow(ModelError):
    """A prompt longer than the model's context; nothing is truncated silently."""

    exit_code = 1


class ModelCrashed(ModelError):
    """The model's process ended in the middle of a call; the next call starts another."""

    exit_code = 1


class ModelHung(ModelCrashed):
    """The model's process came no further and was ended; the next call starts another."""


class Stopped(MemoError):
    """A call of the model ended early because it was asked to."""

    exit_code = 130


class PullFailed(ModelError):
    """No source could deliver the model whole."""

    exit_code = 1


class StoreError(MemoError):
    """The store cannot be opened or used."""

    exit_code = 5


class StoreTooNew(StoreError):
    """Written by a newer memo; opening it could lose data."""


class StoreDamaged(StoreError):
    """Not a memo store, or its pages or hash chain do not check out."""


class StoreBusy(StoreError):
    """Another process holds the write lock."""


class StoreReadOnly(StoreError):
    """The file or its folder cannot be written."""


class StoreLocked(StoreError):
    """The store is encrypted, and nobody gave its passphrase."""


class WrongPassphrase(StoreLocked):
    """Neither the passphrase nor the recovery code."""


class CipherMissing(StoreError):
    """This SQLite would not encrypt."""


class EmbedderMismatch(StoreError):
    """Vectors in the store came from another embedding model."""

"""Everything that memo keeps of a person on this machine, and its end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from memo.errors import StoreError
from memo.files import shred, sync
from memo.keeping.backups import files_of, former_stores, kept, leftovers
from memo.store.opening import backup_folder

if TYPE_CHECKING:
    from pathlib import Path

    from memo.settings import Settings


def reset_paths(settings: Settings) -> list[Path]:
    """What `reset` would delete: all of the home, not models, nor backups made elsewhere.

    The key comes first: without it the rest of an encrypted store is noise.
    """
    stores = [settings.store, *former_stores(settings.store)]
    stores += [one.path for one in kept(settings.store)]
    names = [name for store in stores for name in reversed(files_of(store))]
    names += leftovers(settings.store)
    names += [settings.file, settings.log]
    names += sorted(settings.home.glob(f"{settings.log.name}.*"))
    return [path for path in dict.fromkeys(names) if path.exists()]


def reset(settings: Settings) -> list[Path]:
    """Delete everything that memo keeps of a person here; returns what was deleted.

    Raises:
        StoreError: Something could not be deleted.
    """
    paths = reset_paths(settings)
    for path in paths:
        try:
            shred(path)
        except OSError as error:
            raise StoreError(f"Cannot delete {path}: {error.strerror}.") from error
    (settings.home / "lock").unlink(missing_ok=True)
    folder = backup_folder(settings.store)
    with suppress(OSError):  # there is none, or there is something in it that is not ours
        sync(folder)
        folder.rmdir()
    with suppress(FileNotFoundError):
        sync(settings.home)  # so that nothing comes back after a power failure
    return paths

"""What the person chose, and where memo keeps things: flag > MEMO_* > settings.toml > default."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memo.errors import MemoError, UsageProblem
from memo.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

_CHOICES = ("model", "embedder", "tz", "me", "theme", "idle_minutes", "hang_minutes")
"""What settings.toml may hold as text."""
_TABLES = {"speakers": 'whatsapp = "Ada"', "keys": '"facts.edit" = "f2"'}
"""Tables of texts that it may hold, each with a line as an example."""
_IDLE_MINUTES = 15.0
_HANG_MINUTES = 5.0
_MOST_MINUTES = 365 * 24 * 60


@dataclass(frozen=True, slots=True)
class Settings:
    """One reading of the choices; `cli.py` makes it once and passes values on."""

    home: Path
    """The person's data. One store, its settings and its log; nothing shared."""
    models: Path
    """Downloaded models; outside `home`, so that a throw-away home need not fetch them again."""
    model: str | None = None
    """Catalogue name or path of the chat model; None to take the best that is installed."""
    embedder: str | None = None
    """Catalogue name of the embedding model; None for the catalogue's default."""
    tz: str | None = None
    """IANA zone of times written without one; None for this machine's zone."""
    speakers: Mapping[str, str] = field(default_factory=dict)
    """What the person is called in each source of chats; "" where they did not say."""
    me: str | None = None
    """The person's name, to which "I" is resolved in what they type."""
    theme: str | None = None
    """Of the terminal application."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys of the terminal application by the name of what they do."""
    idle_minutes: float = _IDLE_MINUTES
    """After so long without work the chat model gives its memory back; 0 for never."""
    hang_minutes: float = _HANG_MINUTES
    """After so long without a sign of life it is ended and loaded anew; 0 for never."""

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self.home / "memo.db"

    @property
    def file(self) -> Path:
        """Where the choices are written; need not exist."""
        return settings_file(self.home)

    @property
    def log(self) -> Path:
        """Ids, counts and seconds; never a person's words."""
        return self.home / "memo.log"

    @property
    def zone(self) -> ZoneInfo | None:
        """None means local: `datetime.astimezone()` then knows this machine's daylight saving."""
        from zoneinfo import ZoneInfo  # noqa: PLC0415  # as below: few starts need it

        return ZoneInfo(self.tz) if self.tz else None


def load(
    *,
    home: Path | None = None,
    model: str | None = None,
    embedder: str | None = None,
    tz: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Settings from the flags given here, then MEMO_* variables, then the file.

    Raises:
        UsageProblem: The file is not TOML or holds what it should not, or the zone is unknown.
    """
    import platformdirs  # noqa: PLC0415  # help and completion do without

    home = _absolute(home or environ.get("MEMO_HOME") or platformdirs.user_data_dir("memo"))
    models = environ.get("MEMO_MODELS") or Path(platformdirs.user_cache_dir("memo"), "models")
    written = _read(settings_file(home))
    flags = {"model": model, "embedder": embedder, "tz": tz}
    chosen = {
        key: flags.get(key) or environ.get(f"MEMO_{key.upper()}") or written.get(key) or None
        for key in _CHOICES
    }
    if chosen["tz"]:
        _check_zone(chosen["tz"])
    return Settings(
        home=home,
        models=_absolute(models),
        speakers=written.get("speakers", {}),
        keys=written.get("keys", {}),
        idle_minutes=_minutes(chosen, "idle_minutes", _IDLE_MINUTES),
        hang_minutes=_minutes(chosen, "hang_minutes", _HANG_MINUTES),
        **chosen,
    )


def save(settings: Settings, key: str, value: str) -> None:
    """Write one choice to the file, keeping its comments and everything else; "" takes it out.

    Raises:
        UsageProblem: There is no such setting, or the file is not TOML.
    """
    import tomlkit  # noqa: PLC0415  # costs every start 50 ms, and few runs write

    table, _, name = key.partition(".")
    if key not in _CHOICES and not (table in _TABLES and name):
        raise UsageProblem(f"No setting {key!r}; there are {', '.join(_CHOICES)}.")
    _read(settings.file)
    text = settings.file.read_text("utf-8") if settings.file.exists() else ""
    written = tomlkit.parse(text)
    if name:
        written.setdefault(table, tomlkit.table())[name] = value
    elif value:
        written[key] = value
    else:
        written.pop(key, None)
    _replace(settings.file, tomlkit.dumps(written))


def save_key(settings: Settings, name: str, key: str) -> None:
    """Write a key of the terminal application; "" goes back to its own.

    Raises:
        UsageProblem: The file is not TOML.
    """
    import tomlkit  # noqa: PLC0415  # as above

    _read(settings.file)
    text = settings.file.read_text("utf-8") if settings.file.exists() else ""
    written = tomlkit.parse(text)
    keys = written.setdefault("keys", tomlkit.table())
    if key:
        keys[name] = key
    else:
        keys.pop(name, None)
    _replace(settings.file, tomlkit.dumps(written))


def settings_file(home: Path) -> Path:
    """Where the choices of this home are written."""
    return home / "settings.toml"


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter, parents too; an empty one is tightened.

    Raises:
        MemoError: It is a link, a file or somebody else's, or cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise MemoError(f"{path} is a symbolic link; name the folder that it leads to instead.")
        if found.st_uid != os.getuid():
            raise MemoError(f"{path} belongs to another user; choose a folder of your own.")
        if stat.S_IMODE(found.st_mode) & 0o077 and not any(path.iterdir()):
            path.chmod(0o700)
    except OSError as error:
        raise MemoError(
            f"Cannot use the folder {path}: {error.strerror}. Choose another with --home "
            "(models: MEMO_MODELS)."
        ) from error
    return path


def asset(name: str) -> Path:
    """A file of assets/, in the installed wheel or in the checkout.

    Raises:
        MemoError: It is in neither.
    """
    package = Path(__file__).parent
    for assets in (package / "assets", package.parent / "assets"):
        if (assets / name).exists():
            return assets / name
    raise MemoError(f"assets/{name} is missing from this installation; install memo again.")


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageProblem(
            f"No time zone {name!r}; give an IANA name such as Europe/London."
        ) from error


def _minutes(chosen: dict[str, Any], key: str, default: float) -> float:
    """Take a number of minutes out of what was chosen."""
    text = chosen.pop(key)
    try:
        minutes = default if text is None else float(text)
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes <= _MOST_MINUTES:
        raise UsageProblem(
            f"{key} = {text!r} should be minutes such as {default:g}, or 0 for never."
        )
    return minutes


def _read(path: Path) -> dict[str, Any]:
    """The choices in the file; {} where there is none."""
    import tomllib  # noqa: PLC0415

    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageProblem(f"Cannot read {path}: {error}. Correct or remove it.") from error
    for key, value in written.items():
        if key in _TABLES:
            if not isinstance(value, dict) or not all(isinstance(t, str) for t in value.values()):
                raise UsageProblem(f"{path}: [{key}] should hold lines such as {_TABLES[key]}.")
        elif key not in _CHOICES:
            raise UsageProblem(
                f"{path}: no setting {key!r}; there are {', '.join(_CHOICES)}. Remove the line."
            )
        elif not isinstance(value, str):
            raise UsageProblem(f"{path}: {key} = {value!r} should be text in quotes.")
    return written


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, readable by its owner only."""
    private_folder(path.parent)
    write_whole(path, text.encode())

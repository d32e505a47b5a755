"""What every command of the command line stands on: global options, streams, consent, exit codes.

stdout is data, stderr is narration. Whatever a person, a file or a model wrote passes through
`show` on its way out. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import logging
import os
import resource
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

import click

from memo import settings as choices
from memo.errors import MemoError, ModelNotFound, UsageProblem
from memo.show import show
from memo.signals import as_usual, orderly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, tzinfo

    from memo.engines import Engines
    from memo.memory import Memory
    from memo.models import Kind, Model
    from memo.records import ChangeSet
    from memo.settings import Settings
    from memo.terminal import Status

P = ParamSpec("P")
T = TypeVar("T")
_LOG_BYTES = 1 << 20
_LOGGER = logging.getLogger("memo")
_LOGGER.addHandler(logging.NullHandler())  # without a log file warnings go nowhere, not to stderr


# -- options that stand anywhere -----------------------------------------------------


def _remember(context: click.Context, option: click.Parameter, value: object) -> None:
    """Keep a global option that was given, before the command or after it."""
    if value is not None and value is not False:
        context.meta[f"memo.{option.name}"] = value


@functools.cache  # made once and not for each command: a sixth of a start
def _global_options(*, hidden: bool) -> tuple[click.Option, ...]:
    """The options that every command takes; help shows them once."""
    settings: dict[str, Any] = {
        "expose_value": False,
        "callback": _remember,
        "hidden": hidden,
        "is_eager": True,
    }
    folder = click.Path(path_type=Path, file_okay=False)
    return (
        click.Option(["--home"], type=folder, help="Where your data lies.", **settings),
        click.Option(["--model"], metavar="NAME|PATH", help="The chat model to use.", **settings),
        click.Option(["--tz"], metavar="ZONE", help="Zone of times without one.", **settings),
        click.Option(["--json"], is_flag=True, help="Print JSON for scripts.", **settings),
        click.Option(
            ["--passphrase-file"],
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Its first line opens an encrypted store.",
            **settings,
        ),
        click.Option(["--quiet"], is_flag=True, help="No narration.", **settings),
        click.Option(["--yes"], is_flag=True, help="Answer yes to questions.", **settings),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks.", **settings),
    )


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _global_options(hidden=True)


class Commands(click.Group):
    """A group of such commands; the outermost turns every failure into a sentence and a code."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _global_options(hidden=self.name != "memo")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are written, which goes from use to upkeep."""
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, and end the process with the contract's exit code."""
        given = kwargs.get("args") or (args[0] if args else None) or sys.argv[1:]
        debug = "--debug" in given
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a person's words in a terminal of Latin-1
                stream.reconfigure(errors="replace")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold words and the key
        with orderly() as ending:
            try:
                kwargs = {"prog_name": "memo", **kwargs, "standalone_mode": False}
                result = super().main(*args, **kwargs)
            except (click.Abort, KeyboardInterrupt):
                click.echo("Stopped.", err=True)
                code = ending.exit_code
            except click.ClickException as error:
                if isinstance(error, click.UsageError) and error.ctx is not None:
                    click.echo(error.ctx.get_usage(), err=True)
                _complain(error.format_message())
                code = error.exit_code
            except MemoError as error:
                _complain(str(error))
                code = error.exit_code
                if debug:
                    _trace()
            except OSError as error:
                _complain(
                    f"{error.filename or 'A file'} could not be used "
                    f"({error.strerror or error}): check its permissions and its disk."
                )
                code = MemoError.exit_code
                if debug:
                    _trace()
            except Exception as error:  # noqa: BLE001  # a traceback never reaches the person
                _complain(
                    f"{type(error).__name__}: {error}. This is a fault in memo; --debug shows it."
                )
                code = MemoError.exit_code
                if debug:
                    _trace()
            else:
                code = result if isinstance(result, int) else 0
        sys.exit(code)


def _complain(message: str) -> None:
    click.echo(f"memo: {show(message)}", err=True)


def _trace() -> None:
    import traceback

    traceback.print_exc()


class Front:
    """What a command works with: the choices made, the memory, and the two streams."""

    def __init__(self, context: click.Context) -> None:
        given = context.meta
        self.json: bool = given.get("memo.json", False)
        self.quiet: bool = given.get("memo.quiet", False)
        self.yes: bool = given.get("memo.yes", False)
        self._passphrase_file: Path | None = given.get("memo.passphrase_file")
        self._given_words = os.environ.pop("MEMO_PASSPHRASE", None)  # for no program started here
        self.settings = choices.load(
            home=given.get("memo.home"), model=given.get("memo.model"), tz=given.get("memo.tz")
        )
        self._given: Engines | None = context.find_root().obj
        self._context = context
        self._status: Status | None = None
        if os.environ.get("NO_COLOR"):
            context.color = False

    @property
    def tz(self) -> tzinfo | None:
        """The zone in which times are read and shown; None is this machine's."""
        return self.settings.zone

    @property
    def columns(self) -> int | None:
        """How wide a table may be; None where it goes to a file or a pipe."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def memory(self, fence: str | None = None) -> Memory:
        """The person's memory; models are loaded, or offered for download, when first needed."""
        from memo.engines import Engines, installed
        from memo.memory import Memory
        from memo.trust.unlocking import Keyholder

        _log_to(self.settings, self._context)
        given = self._given or installed(self.say)
        return Memory(
            self.settings,
            Engines(
                lambda settings: self._loaded(given.language_model, settings, "chat"),
                lambda settings: self._loaded(given.embedder, settings, "embedding"),
            ),
            fence=fence,
            holder=Keyholder(self.settings.store, self._passphrase),
            warn=self.say,
        )

    def _passphrase(self, wrong: int) -> str | None:
        """What opens the store: as given to scripts, else from the person."""
        given = self._given_passphrase()
        if given is not None:
            return None if wrong else given
        if not self.asks:
            return None
        if wrong:
            click.echo("That is neither the passphrase nor the recovery code.", err=True)
        return hidden("Passphrase") or None

    def _given_passphrase(self) -> str | None:
        """What a file or the environment says; a descriptor can be read only once."""
        file = self._passphrase_file or os.environ.pop("MEMO_PASSPHRASE_FILE", None)
        if file:
            self._passphrase_file, self._given_words = None, first_line(Path(file))
        return self._given_words

    def application(self) -> int:
        """Open the terminal application; its exit code."""
        from memo.tui.app import run

        def opened() -> Memory:
            from memo.engines import INSTALLED
            from memo.errors import StoreError
            from memo.memory import Memory
            from memo.trust.unlocking import Keyholder

            given = self._given_passphrase()
            holder = Keyholder(self.settings.store, lambda wrong: None if wrong else given)
            with contextlib.suppress(StoreError):  # what is wrong is told, and asked for, there
                holder.key()
            return Memory(self.settings, self._given or INSTALLED, holder=holder)

        _log_to(self.settings, self._context)
        as_usual()
        return run(self.settings, opened)

    def _loaded(self, load: Callable[[Settings], T], settings: Settings, kind: Kind) -> T:
        """What `load` gives; where the model was never fetched, after fetching it if wished.

        Raises:
            ModelNotFound: It is not there, and nobody can be asked or the answer is no.
        """
        from memo.models import catalogue, default_models
        from memo.terminal import size

        name = default_models(settings)[0 if kind == "chat" else 1]
        if self._given is None and (settings.models / name).exists():
            self.say(f"Loading {Path(name).name}…")
        try:
            return load(settings)
        except ModelNotFound as missing:
            model = catalogue().find(name)
            if model is None or model.kind != kind:
                raise
            default = name == catalogue().default[kind]
            if not self.asks:
                fetch = "memo model pull" if default else f"memo model pull {name}"
                raise ModelNotFound(
                    f"No {'' if kind == 'chat' else 'embedding '}model yet: `{fetch}` fetches "
                    f"{name} ({size(model.bytes)}); afterwards everything works offline."
                ) from missing
            self.pull([model])
            return load(settings)

    def pull(self, models: Sequence[Model]) -> None:
        """Fetch models after asking, with progress on stderr.

        Raises:
            PullFailed: No source could deliver.
        """
        from memo.models import pull
        from memo.terminal import size

        names = " and ".join(f"{model.name} ({size(model.bytes)})" for model in models)
        self.confirm(f"Fetch {names}?")
        for model in models:
            told = -1
            with closing(pull(model, self.settings.models)) as steps, self.status() as status:
                for step in steps:
                    share = min(step.done_bytes / max(step.total_bytes, 1), 1.0)
                    left = "" if step.eta_s is None else f", {step.eta_s:.0f} s left"
                    status.update(
                        f"{model.name}  {share:4.0%} of {size(step.total_bytes)}  "
                        f"{size(int(step.rate))}/s{left}"
                    )
                    if not status.live and int(share * 10) > told:
                        told = int(share * 10)
                        self.say(f"{model.name}: {share:.0%} of {size(step.total_bytes)}")
            self.say(f"{model.name} is on this machine.")

    @property
    def asks(self) -> bool:
        """Whether there is somebody to ask."""
        return typing() and sys.stderr.isatty()

    def confirm(self, question: str) -> None:
        """Go on only with the person's consent.

        Raises:
            UsageProblem: Nobody can be asked.
            MemoError: The answer is no.
        """
        if self.yes:
            return
        if not self.asks:
            raise UsageProblem(
                f"“{question}” cannot be asked without a terminal; give --yes to consent."
            )
        if not click.confirm(show(question), err=True):
            raise MemoError("Nothing was done.")

    def fetch_missing(self) -> None:
        """Fetch the two models in use where they are not here yet, after asking once."""
        from memo.models import catalogue, default_models, installed

        if self._given is None:
            models = map(catalogue().find, default_models(self.settings))
            missing = [m for m in models if m and not installed(m, self.settings.models)]
            if missing:
                self.pull(missing)

    def status(self) -> Status:
        """One line on the terminal that shows how far something is."""
        from memo.terminal import Status

        self._status = Status(live=sys.stderr.isatty() and not self.quiet)
        return self._status

    def data(self, value: object) -> None:
        """A line of JSON; ASCII, so that nothing in it can drive a terminal."""
        click.echo(json.dumps(value))

    def line(self, text: str) -> None:
        """A line of data for a person; untrusted parts of it have passed `show`."""
        click.echo(text)

    def say(self, text: str) -> None:
        """A line of narration."""
        if not self.quiet:
            if self._status is not None:
                self._status.clear()
            click.echo(show(text), err=True)

    def at(self, text: str | None, *, end_of_day: bool = False) -> datetime | None:
        """A time that the person gave; the end of a day may be one in words: `last March`."""
        from datetime import UTC, datetime

        from memo.days import typed_day
        from memo.times import parse_time

        if text is None:
            return None
        try:
            return parse_time(text, self.tz, end_of_day=end_of_day)
        except UsageProblem:
            if not end_of_day:
                raise
        today = datetime.now(UTC).astimezone(self.tz).date()
        named = typed_day(text, today).isoformat()
        return parse_time(named, self.tz, end_of_day=True)

    def changed(self, change: ChangeSet) -> None:
        """What a change set did, as JSON or as a diff."""
        from memo import contract, terminal

        if self.json:
            self.data(contract.change_json(change))
        else:
            for line in terminal.change_lines(change, self.tz):
                self.line(line)

    def listed(
        self, items: Iterable[T], to_json: Callable[[T], object], lines: Iterable[str], none: str
    ) -> None:
        """A list: JSON lines, or lines for a person; `none` is said where it is empty."""
        if self.json:
            for item in items:
                self.data(to_json(item))
            return
        empty = True
        for line in lines:
            self.line(line)
            empty = False
        if empty:
            self.say(none)


def with_front(command: Callable[Concatenate[Front, P], None]) -> Callable[P, None]:
    """Give a command its `Front`."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        command(Front(click.get_current_context()), *args, **kwargs)

    return run


def _log_to(settings: Settings, context: click.Context) -> None:
    """Write ids, counts and seconds to the log while the command runs, where that is possible."""
    from memo.logfile import PrivateLog

    try:
        choices.private_folder(settings.home)
        handler = PrivateLog(settings.log, maxBytes=_LOG_BYTES, backupCount=2)
    except (OSError, MemoError):
        return  # a home that may only be read; the store says so where it matters
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.addHandler(handler)

    @context.find_root().call_on_close
    def close() -> None:
        _LOGGER.removeHandler(handler)
        handler.close()


def hidden(question: str) -> str:
    """What the person types, which is not shown."""
    typed = click.prompt(question, hide_input=True, err=True, default="", show_default=False)
    return str(typed)


def first_line(file: Path) -> str:
    """The passphrase that a file, or a descriptor such as /dev/fd/3, begins with.

    Raises:
        UsageProblem: It cannot be read.
    """
    try:
        with file.open("rb") as lines:
            return lines.readline().rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageProblem(f"No passphrase in {file}: {error.strerror}.") from error


def typing() -> bool:
    """Whether somebody types; standard input may be closed, and is None then."""
    return sys.stdin is not None and sys.stdin.isatty()


def missing(what: str) -> UsageProblem:
    """That nothing was given where something must be."""
    return UsageProblem(f"Which {what}? Write it behind the command, or `-` to pipe it in.")


def piped(text: str | None, what: str) -> str:
    """The text given, or standard input for `-` and for a pipe; invalid UTF-8 becomes U+FFFD."""
    if text is None and typing():
        raise missing(what)
    if text is None or text == "-":
        if sys.stdin is None:
            raise missing(what)
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return text

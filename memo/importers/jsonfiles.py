"""What JSON exports have in common: a list somewhere, an object an entry, fields of any type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memo.importers.base import Skipped
from memo.importers.jsonstream import BadValue, BrokenOff, JsonStream, parsed
from memo.importers.lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memo.importers.files import File

Object = dict[str, object]


def entries(file: File, *names: str) -> Iterator[Object | Skipped]:
    """The objects of the list that is the file, or stands in it under one of these names.

    What is damaged or no object is skipped, and the rest is read as far as there is a way on.
    """
    with file.open() as stream:
        json = JsonStream(stream)
        if json.peek() != "{":
            yield from elements(file, json)
            return
        try:
            for name in json.members():
                if name in names and json.peek() == "[":
                    yield from elements(file, json)
        except BrokenOff as problem:
            yield from broken_off(file, json, problem)


def elements(file: File, json: JsonStream) -> Iterator[Object | Skipped]:
    """The objects of the list before which the stream stands, as far as it is whole."""
    try:
        for number, _ in enumerate(json.elements(), start=1):
            where = f"{file.where}, entry {number}"
            try:
                value = json.value()
            except BadValue as problem:
                yield Skipped(where, str(problem))
                continue
            yield value if isinstance(value, dict) else Skipped(where, "is not a JSON object")
    except BrokenOff as problem:
        yield from broken_off(file, json, problem)


def broken_off(file: File, json: JsonStream, problem: BrokenOff) -> Iterator[Skipped]:
    """The rest of the file as one thing skipped, the first time that it is noticed."""
    if not json.told:
        json.told = True
        yield Skipped(file.where, f"is damaged, what follows is not read: {problem}")


def objects(file: File) -> Iterator[Object | Skipped]:
    """The objects of a file that is a list of them, one of them, or one a line."""
    if not is_lines(file):
        with file.open() as stream:
            json = JsonStream(stream)
            if json.peek() == "[":
                yield from elements(file, json)
                return
            try:
                value = json.value()
            except (BadValue, BrokenOff) as problem:
                yield Skipped(file.where, str(problem))
                return
            yield value if isinstance(value, dict) else Skipped(file.where, "is no JSON object")
        return
    with file.open() as stream:
        for line in lines(stream):
            where = f"{file.where}:{line.number}"
            if line.text is None:
                yield Skipped(where, "is too long")
                continue
            try:
                value = parsed(line.text)
            except BadValue as problem:
                yield Skipped(where, str(problem))
                continue
            yield value if isinstance(value, dict) else Skipped(where, "is no JSON object")


def is_lines(file: File) -> bool:
    """Whether the first line is a JSON object by itself."""
    first, _, rest = file.text.lstrip().partition("\n")
    if not first.startswith("{"):
        return False
    try:
        return isinstance(parsed(first), dict)
    except BadValue:
        return first.rstrip().endswith("}") and rest.lstrip().startswith("{")


def string(value: object) -> str:
    """A text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def name_of(value: object) -> str:
    """An id or a name as text: numbers are names too, 0 included."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return string(value).strip()


def obj(value: object) -> Object:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objs(value: object) -> list[Object]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

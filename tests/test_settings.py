"""Claims about settings, folders and assets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memo.errors import MemoError, UsageProblem
from memo.settings import asset, load, private_folder, save


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_flag_goes_before_the_environment_the_file_and_the_default(tmp_path: Path) -> None:
    environ = {"MEMO_HOME": str(tmp_path)}
    assert load(environ=environ).model is None
    save(load(environ=environ), "model", "from-file")
    assert load(environ=environ).model == "from-file"
    environ["MEMO_MODEL"] = "from-environment"
    assert load(environ=environ).model == "from-environment"
    assert load(environ=environ, model="from-flag").model == "from-flag"


def test_a_home_holds_store_settings_and_log_but_no_models(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={})
    assert {settings.store, settings.file, settings.log} == {
        tmp_path / "memo.db",
        tmp_path / "settings.toml",
        tmp_path / "memo.log",
    }
    assert not settings.models.is_relative_to(tmp_path)
    assert settings.models == load(home=tmp_path / "other", environ={}).models


def test_folders_come_from_the_environment_and_are_absolute(tmp_path: Path) -> None:
    environ = {"MEMO_HOME": str(tmp_path / "elsewhere"), "MEMO_MODELS": "models"}
    settings = load(environ=environ)
    assert settings.home == tmp_path / "elsewhere"
    assert settings.models == Path("models").absolute()
    assert load(home=tmp_path, environ=environ).home == tmp_path


def test_reading_settings_makes_nothing(tmp_path: Path) -> None:
    load(home=tmp_path / "home", environ={})
    assert list(tmp_path.iterdir()) == []


def test_saving_keeps_comments_and_other_choices(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={})
    settings.file.write_text('# mine\nmodel = "old"  # slow\ntz = "Europe/London"\n')
    save(settings, "model", "new")
    assert settings.file.read_text() == '# mine\nmodel = "new"  # slow\ntz = "Europe/London"\n'
    assert mode(settings.file) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


@pytest.mark.parametrize(
    ("text", "named"),
    [("model = ", "settings.toml"), ("modle = 'x'", "modle"), ("model = 7", "quotes")],
)
def test_a_broken_settings_file_is_named_and_kept(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(UsageProblem, match=named):
        load(home=tmp_path, environ={})
    assert file.read_text() == text


def test_only_known_choices_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="colour"):
        save(load(home=tmp_path, environ={}), "colour", "red")


def test_a_zone_must_exist(tmp_path: Path) -> None:
    assert load(home=tmp_path, environ={}).zone is None
    settings = load(home=tmp_path, tz="Europe/London", environ={})
    assert settings.zone is not None
    assert settings.zone.key == "Europe/London"
    for wrong in ("Mars/Olympus", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(UsageProblem, match="zone"):
            load(home=tmp_path, tz=wrong, environ={})


def test_folders_are_private(tmp_path: Path) -> None:
    assert mode(private_folder(tmp_path / "a" / "b")) == 0o700
    (tmp_path / "open").mkdir(mode=0o755)
    assert mode(private_folder(tmp_path / "open")) == 0o700


def test_a_folder_with_content_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letter.txt").touch()
    assert mode(private_folder(folder)) == 0o755


def test_links_and_files_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    with pytest.raises(MemoError, match="symbolic link"):
        private_folder(tmp_path / "link")
    with pytest.raises(MemoError, match="--home"):
        private_folder(tmp_path / "file")


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    theirs = Path("/")
    if os.getuid() == 0:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        os.chown(theirs, 65534, 65534)
    with pytest.raises(MemoError, match="another user"):
        private_folder(theirs)


def test_assets_are_found_in_a_checkout() -> None:
    assert asset("models.toml").is_file()
    with pytest.raises(MemoError, match=r"no-such\.txt"):
        asset("no-such.txt")


def test_a_choice_is_written_before_the_keys_and_taken_out_again(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={})
    private_folder(tmp_path)
    settings.file.write_text('# mine\n[keys]\n"facts.edit" = "f9"  # as elsewhere\n', "utf-8")
    save(settings, "me", "Ann")
    read = load(home=tmp_path, environ={})
    assert (read.me, read.keys) == ("Ann", {"facts.edit": "f9"})
    save(settings, "me", "")
    assert load(home=tmp_path, environ={}).me is None
    assert "# mine" in settings.file.read_text("utf-8")
    assert "# as elsewhere" in settings.file.read_text("utf-8")


def test_keys_that_are_no_table_of_texts_are_named(tmp_path: Path) -> None:
    settings = load(home=tmp_path, environ={})
    private_folder(tmp_path)
    settings.file.write_text("[keys]\nedit = 3\n", "utf-8")
    with pytest.raises(UsageProblem, match=r"\[keys\] should hold lines such as"):
        load(home=tmp_path, environ={})


@pytest.mark.parametrize(("key", "usual"), [("idle_minutes", 15), ("hang_minutes", 5)])
def test_the_minutes_of_the_model_are_set(tmp_path: Path, key: str, usual: float) -> None:
    def minutes(environ: dict[str, str]) -> float:
        found: float = getattr(load(home=tmp_path, environ=environ), key)
        return found

    assert minutes({}) == usual
    assert minutes({f"MEMO_{key.upper()}": "0.5"}) == 0.5
    save(load(home=tmp_path, environ={}), key, "0")
    assert minutes({}) == 0


@pytest.mark.parametrize("key", ["idle_minutes", "hang_minutes"])
@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e9"])
def test_minutes_that_are_none_are_refused(tmp_path: Path, key: str, text: str) -> None:
    with pytest.raises(UsageProblem, match=key):
        load(home=tmp_path, environ={f"MEMO_{key.upper()}": text})

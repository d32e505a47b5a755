"""Fetch a file from the Hugging Face Hub, or from the mirror in HF_ENDPOINT."""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from memo.models.download import SourceFailed, check_space
from memo.models.files import size

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx

    from memo.models.catalogue import HubSource
    from memo.models.download import Download

_TRIES = 5
"""In a row without a byte; a connection that moves at all may break as often as it likes."""

_PAUSE_S = 1.0
"""Before the second try, and as much more before each further one."""


def from_hub(source: HubSource, download: Download) -> Generator[int, None, None]:
    """Fetch a file with Range requests; goes on at the very byte.

    Not `hf_hub_download`: since huggingface_hub 1.x it starts anew after a kill
    (https://github.com/huggingface/huggingface_hub/pull/4228).
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import httpx  # noqa: PLC0415  # loads a TLS stack that only downloads need
    from huggingface_hub import hf_hub_url  # noqa: PLC0415
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # noqa: PLC0415

    url = hf_hub_url(source.repo, source.file, revision=source.revision, endpoint=_hub_endpoint())
    headers = {**build_hf_headers(library_name="memo"), "Accept-Encoding": "identity"}
    try:
        with httpx.Client(headers=headers, timeout=httpx.Timeout(30.0, connect=10.0)) as client:
            _ask_hub(client, url, download)
            tries = 0
            have = download.begin()
            while have < download.bytes:
                before, broken = have, None
                try:
                    with closing(_stream(client, url, download, have)) as pieces:
                        yield from pieces
                except httpx.TransportError as error:
                    broken = error
                have = size(download.partial)
                tries = 0 if have > before else tries + 1
                if tries == _TRIES:
                    raise SourceFailed(f"breaks off after {have:,} bytes") from broken
                time.sleep(_PAUSE_S * tries)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        what = type(error).__name__
        raise SourceFailed(f"cannot be reached ({what}: {error})") from error


def _hub_endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _ask_hub(client: httpx.Client, url: str, download: Download) -> None:
    """Learn size and checksum, which the Hub states before it sends one on to its storage.

    Raises:
        SourceFailed: There is no such file, or it is not the one that we mean.
    """
    response = client.head(url, follow_redirects=False)
    for _ in range(5):  # a renamed repository, a mirror
        onward = response.next_request
        if "x-linked-etag" in response.headers or onward is None:
            break
        response = client.send(onward)
    if response.status_code >= 400:
        raise SourceFailed(f"answers {response.status_code} {response.reason_phrase}")
    told = response.headers
    etag = (told.get("x-linked-etag") or told.get("etag", "")).removeprefix("W/").strip('"')
    stated = told.get("x-linked-size") or told.get("content-length", "")
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", etag) or not stated.isdecimal():
        raise SourceFailed("states no checksum or size for the file")
    if download.exact:
        if int(stated) != download.bytes or (len(etag) == 64 and etag != download.digest):
            raise SourceFailed("holds a different file under that name")
        return
    download.bytes, download.digest = int(stated), etag
    check_space(download.path.parent, download.bytes - download.have(), download.path.name)


def _stream(
    client: httpx.Client, url: str, download: Download, have: int
) -> Generator[int, None, None]:
    """One connection's worth, appended to the partial file; yields its size."""
    ranged = {"Range": f"bytes={have}-"} if have else {}
    with ExitStack() as stack:
        response = stack.enter_context(
            client.stream("GET", url, headers=ranged, follow_redirects=True)
        )
        if response.status_code == 200:  # all of it, asked or not
            have = 0
        elif response.status_code != 206:
            raise SourceFailed(f"answers {response.status_code} {response.reason_phrase}")
        os.truncate(download.partial, have)
        partial = stack.enter_context(download.partial.open("ab", buffering=0))
        for piece in response.iter_bytes():
            have += len(piece)
            if have > download.bytes:
                raise SourceFailed(f"sends more than {download.bytes:,} bytes")
            partial.write(piece)
            yield have


def hub_reachable() -> bool:
    """Whether the Hub, or its mirror in HF_ENDPOINT, answers. Goes online: only for a pull."""
    import httpx  # noqa: PLC0415  # loads a TLS stack that only downloads need

    try:
        httpx.head(_hub_endpoint(), timeout=5.0)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return True

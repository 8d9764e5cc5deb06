"""Checkpoints from the web: fetched once, resumed where a transfer broke, checked by sha256. No torch.

A file lies in the cache under its own name, in a folder named after its URL. Beside it: `.part`, what has
come so far; `.json`, what is known of it; `.lock`, held by the process that fetches it.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import filelock
import platformdirs

from render.errors import CheckpointError

OFFLINE_VARIABLE, CACHE_VARIABLE = "BLENDREEL_OFFLINE", "BLENDREEL_CACHE"
CHUNK_BYTES = 2**18
MAX_BYTES = 32 * 2**30
MAX_ATTEMPTS = 4  # in a row without a new byte
TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 1.0  # before the second attempt; twice as long before each further one
SWITCHED_OFF = ("", "0", "no", "false", "off")
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another attempt may change
BROKEN = (http.client.HTTPException, urllib.error.URLError, ConnectionError, TimeoutError, OSError)
USER_AGENT = "blendreel"

Progress = Callable[[str, int, int | None], None]  # file name, bytes so far, bytes in all if known
_forbidden: ContextVar[bool] = ContextVar("forbidden", default=False)


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Inside this block the network is never touched."""
    token = _forbidden.set(True)
    try:
        yield
    finally:
        _forbidden.reset(token)


def is_offline() -> bool:
    """Whether the network is forbidden: by `no_network()`, or by BLENDREEL_OFFLINE, set to 1 or yes."""
    set_to = os.environ.get(OFFLINE_VARIABLE, "").strip().lower()
    return _forbidden.get() or set_to not in SWITCHED_OFF


def cache_folder() -> Path:
    """Where fetched files are kept: BLENDREEL_CACHE, or the user's cache folder of this system."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("blendreel") / "checkpoints"


def cached_path(url: str, folder: Path | None = None) -> Path:
    """Where the file of that URL lies, or would lie."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rsplit("/", 1)[-1]
    name = re.sub(r"[^\w.-]", "_", name)[-100:].lstrip(".") or "checkpoint"
    return (folder or cache_folder()) / hashlib.sha256(url.encode()).hexdigest()[:16] / name


@dataclass(frozen=True)
class Known:
    """What is known of a file in the cache, and of the part of one.

    etag, last_modified  as the server named this version
    total                bytes in all, if the server said so
    sha256, stamp        of the finished file, and the size and time it had when that was computed
    """

    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None
    sha256: str | None = None
    stamp: tuple[int, int] | None = None

    @property
    def version(self) -> str | None:
        """What tells this version from others in an If-Range header. Weak etags may not."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


def fetch(
    url: str,
    sha256: str | None = None,
    folder: Path | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
) -> Path:
    """The file behind `url`, from the cache or the web.

    sha256    64 hex digits that the file must have; one in the cache that has not is fetched again
    folder    the cache; default: `cache_folder()`
    offline   never touch the network; default: `is_offline()`
    progress  called with the file's name, bytes so far and bytes in all (None: unknown)

    Raises CheckpointError: a refused or failed transfer, a wrong sha256, a full disk; or offline, and it is
    not there.
    """
    check_url(url)
    path, wanted = cached_path(url, folder), check_sha256(sha256)
    if is_whole(path, wanted):
        return path
    if is_offline() if offline is None else offline:
        why = "has another sha256" if path.is_file() else "is not there"
        raise CheckpointError(f"{url} can't be fetched offline, and in the cache ({path.parent}) it {why}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(_beside(path, ".lock")):
            if not is_whole(path, wanted):  # another process may have fetched it meanwhile
                Transfer(url, path, wanted, progress).run()
    except OSError as error:
        raise CheckpointError(f"{url} can't be kept in {path.parent}: {error.strerror or error}") from error
    return path


def check_url(url: str) -> None:
    """Raises CheckpointError unless `url` is https, or http on this machine."""
    parts = urllib.parse.urlsplit(url)
    if not (parts.hostname and parts.scheme in ("https", "http")):
        raise CheckpointError(f"{url!r} is no https URL")
    if parts.scheme == "http" and not _is_local(parts.hostname):
        raise CheckpointError(f"{url} is not encrypted, so anyone on the way could change it; use https://")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_sha256(text: str | None) -> str | None:
    """`text` in lower case. Raises CheckpointError unless it is 64 hex digits."""
    if text is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise CheckpointError(f"a sha256 is 64 hex digits, not {text[:80]!r}")
    return text.lower() if text else None


def check_file(path: Path, sha256: str | None) -> Path:
    """`path`, if it has that sha256. Raises CheckpointError otherwise."""
    wanted = check_sha256(sha256)
    if wanted and (found := hash_file(path)) != wanted:
        raise CheckpointError(f"{path} has the sha256 {found}, not {wanted}: it is another file, or damaged")
    return path


def hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_whole(path: Path, sha256: str | None) -> bool:
    """Whether the finished file is there, with that sha256 if one is asked for."""
    if not path.is_file():
        return False
    if sha256 is None:
        return True
    known, stamp = _read_known(path), _stamp(path)
    if known.sha256 is None or known.stamp != stamp:
        known = replace(known, sha256=hash_file(path), stamp=stamp)
        with contextlib.suppress(OSError):  # a read-only cache only costs time
            _write_known(path, known)
    return known.sha256 == sha256


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _read_known(path: Path) -> Known:
    try:
        values = json.loads(_beside(path, ".json").read_text("utf-8"))
        stamp = values.get("stamp")
        return Known(**(values | {"stamp": tuple(stamp) if stamp else None}))
    except (OSError, ValueError, TypeError, AttributeError):
        return Known()


def _write_known(path: Path, known: Known) -> None:
    _beside(path, ".json").write_text(json.dumps(asdict(known)), "utf-8")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never to what `check_url` refuses."""

    def redirect_request(self, req, fp, code, msg, headers, newurl) -> Any:
        check_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Transfer:
    """Fetches one file, in as many attempts as it takes while each brings something."""

    def __init__(self, url: str, path: Path, sha256: str | None, progress: Progress | None):
        self.url, self.path, self.sha256, self.progress = url, path, sha256, progress
        self.part = _beside(path, ".part")
        self.opener = urllib.request.build_opener(_Redirects())

    def run(self) -> None:
        """Raises CheckpointError if it can't be done."""
        resumed = self._here() > 0
        self._attempts()
        found = hash_file(self.part)
        if self.sha256 and found != self.sha256 and resumed:
            # The part may have been of another version: once more, from the start.
            self.part.unlink()
            self._attempts()
            found = hash_file(self.part)
        if self.sha256 and found != self.sha256:
            self._forget()
            raise CheckpointError(f"{self.url} has the sha256 {found}, not {self.sha256}; it was not kept")
        os.replace(self.part, self.path)
        _write_known(self.path, replace(_read_known(self.path), sha256=found, stamp=_stamp(self.path)))

    def _here(self) -> int:
        """Bytes that have come so far."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def _forget(self) -> None:
        for path in (self.part, _beside(self.path, ".json")):
            path.unlink(missing_ok=True)

    def _attempts(self) -> None:
        failures, pause = 0, PAUSE_SECONDS
        while True:
            before = self._here()
            try:
                if self._attempt():
                    return
                total = _read_known(self.path).total
                reason = f"it broke off after {self._here():,} of {total or 0:,} bytes"
            except urllib.error.HTTPError as error:
                reason = f"the server answers {error.code} ({error.reason})"
                error.close()
                failures += 0 if error.code in PASSING else MAX_ATTEMPTS
            except BROKEN as error:
                if isinstance(error, OSError) and error.errno is not None and self._disk_is_full():
                    raise
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            failures = 1 if self._here() > before else failures + 1
            if failures >= MAX_ATTEMPTS:
                raise CheckpointError(f"{self.url} can't be fetched: {reason}")
            time.sleep(pause if failures > 1 else 0)
            pause *= 2 if failures > 1 else 1

    def _disk_is_full(self) -> bool:
        return shutil.disk_usage(self.path.parent).free < CHUNK_BYTES

    def _attempt(self) -> bool:
        """Ask for what is missing, and take what comes. Returns whether the file is whole."""
        known, here = _read_known(self.path), self._here()
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if here and (known.version or self.sha256):
            headers["Range"] = f"bytes={here}-"
            if known.version:
                headers["If-Range"] = known.version
        request = urllib.request.Request(self.url, headers=headers)
        try:
            answer = self.opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not here:
                raise
            error.close()
            whole = _number(r"bytes \*/(\d+)", error.headers.get("Content-Range")) == here
            if not whole:
                self._forget()
            return whole
        with answer:
            return self._take(answer, here)

    def _take(self, answer: Any, here: int) -> bool:
        """Write the answer's bytes behind those that are here, or from the start if it is the whole file."""
        headers = answer.headers
        if headers.get_content_type() == "text/html":
            raise CheckpointError(f"{self.url} leads to a web page, not to a file; use its download link")
        length, continued = _number(r"(\d+)", headers.get("Content-Length")), answer.status == 206
        if continued and _number(r"bytes (\d+)-", headers.get("Content-Range")) != here:
            self._forget()  # another range than the one asked for
            return False
        start = here if continued else 0
        total = None if length is None else start + length
        self._check_size(total, start)
        _write_known(self.path, Known(headers.get("ETag"), headers.get("Last-Modified"), total))
        with self.part.open("r+b" if continued else "wb") as out:
            out.seek(start)
            end = self._copy(answer, out, start, total)
        return total is None or end == total

    def _check_size(self, total: int | None, start: int) -> None:
        if total is not None and total > MAX_BYTES:
            raise CheckpointError(f"{self.url} has {total / 1e9:,.0f} GB, which is no checkpoint")
        free = shutil.disk_usage(self.path.parent).free
        if total is not None and total - start > free:
            raise CheckpointError(
                f"{self.url} needs {(total - start) / 1e6:,.0f} MB, "
                f"but {self.path.parent} has only {free / 1e6:,.0f} MB left"
            )

    def _copy(self, answer: BinaryIO, out: BinaryIO, start: int, total: int | None) -> int:
        """Bytes that are there in the end."""
        done = start
        while chunk := answer.read(CHUNK_BYTES):
            out.write(chunk)
            done += len(chunk)
            if done > MAX_BYTES:
                raise CheckpointError(f"{self.url} does not end; it was not kept")
            if self.progress is not None:
                self.progress(self.path.name, done, total)
        return done


def _number(pattern: str, text: str | None) -> int | None:
    match = re.match(pattern, text or "")
    return int(match[1]) if match else None

"""Files from the web arrive whole or not at all, from a server here that does everything wrong."""

from __future__ import annotations

import hashlib
import multiprocessing
import sys
import threading
import types
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

import render
from render.checkpoints import download
from render.checkpoints.download import cached_path, fetch, no_network
from render.checkpoints.library import is_cached, resolve, resolve_series
from render.cli import main
from render.errors import CheckpointError

BODY = bytes(range(256)) * 4000  # 1 MB
SHA256 = hashlib.sha256(BODY).hexdigest()


@dataclass
class Server:
    """What the server does, and what it was asked.

    body       the file; etag names its version
    breaks     bytes it sends in each of the next answers before it breaks off; then it sends everything
    ranges     whether it obeys Range
    announced  the length it claims, if not the true one
    answer     a status it gives instead; location: for a redirect
    """

    body: bytes = BODY
    etag: str | None = '"one"'
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    announced: int | None = None
    answer: int = 200
    location: str = ""
    kind: str = "application/octet-stream"
    delay: float = 0.0
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server: Server = self.server.plan
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.answer != 200 and self.path != "/final.pkl":
            self.send_response(server.answer)
            if server.location:
                self.send_header("Location", server.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        if self.headers.get("If-Range") not in (None, server.etag):
            start = 0
        if start and start >= len(server.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = server.body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.kind)
        if server.etag:
            self.send_header("ETag", server.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
        self.send_header("Content-Length", str(server.announced or len(data)))
        self.end_headers()
        sent = data[: server.breaks.pop(0)] if server.breaks else data
        if server.delay:
            threading.Event().wait(server.delay)
        self.wfile.write(sent)


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("BLENDREEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BLENDREEL_OFFLINE", raising=False)
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.001)
    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.plan = Server(url=f"http://127.0.0.1:{web.server_port}/nets/portrait-000040.pkl")
    thread = threading.Thread(target=web.serve_forever, args=(0.02,))
    thread.start()
    yield web.plan
    web.shutdown()
    thread.join()
    web.server_close()


def test_a_file_is_fetched_once_and_keeps_its_name(server, tmp_path):
    path = fetch(server.url)
    assert path.read_bytes() == BODY
    assert path.name == "portrait-000040.pkl"
    assert tmp_path / "cache" in path.parents
    assert fetch(server.url, SHA256) == fetch(server.url) == path
    assert server.asked == [None]
    assert not list(path.parent.glob("*.part"))


def test_progress_tells_bytes_and_size(server):
    seen = []
    fetch(server.url, progress=lambda *step: seen.append(step))
    assert seen[-1] == ("portrait-000040.pkl", len(BODY), len(BODY))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert len(seen) > 2


def test_a_broken_transfer_goes_on_where_it_stopped(server):
    server.breaks = [300_000, 500_000]
    assert fetch(server.url).read_bytes() == BODY
    assert server.asked == [None, "bytes=300000-", "bytes=800000-"]


def test_a_part_of_an_earlier_run_is_used(server):
    server.breaks = [400_000] + [0] * 10
    with pytest.raises(CheckpointError, match=r"broke off after 400,000 of 1,024,000 bytes"):
        fetch(server.url)
    assert not is_cached(server.url)
    server.breaks, server.asked = [], []
    assert fetch(server.url, SHA256).read_bytes() == BODY
    assert server.asked == ["bytes=400000-"]


def test_a_part_of_another_version_is_thrown_away(server):
    server.breaks = [400_000] + [0] * 10
    with pytest.raises(CheckpointError):
        fetch(server.url)
    server.breaks, server.body, server.etag = [], BODY[::-1], '"two"'
    assert fetch(server.url).read_bytes() == BODY[::-1]


def test_without_versions_only_a_sha256_lets_a_part_be_used(server):
    server.etag = None
    server.breaks = [400_000]
    assert fetch(server.url).read_bytes() == BODY
    assert server.asked == [None, None]


def test_a_wrong_part_is_found_out_by_the_sha256(server):
    server.etag = None
    path = cached_path(server.url)
    path.parent.mkdir(parents=True)
    path.with_name(path.name + ".part").write_bytes(b"x" * 1000)
    assert fetch(server.url, SHA256).read_bytes() == BODY
    assert server.asked == ["bytes=1000-", None]


def test_a_server_that_ignores_ranges_sends_all_again(server):
    server.ranges, server.breaks = False, [300_000]
    assert fetch(server.url).read_bytes() == BODY
    assert server.asked == [None, "bytes=300000-"]


def test_a_server_that_always_breaks_off_is_given_up(server):
    server.ranges, server.breaks = False, [300_000] * 50
    with pytest.raises(CheckpointError, match="broke off after 300,000 of 1,024,000 bytes"):
        fetch(server.url)
    assert len(server.asked) <= 6


def test_too_large_a_length_is_a_transfer_that_breaks(server):
    server.announced, server.ranges = 2 * len(BODY), False
    with pytest.raises(CheckpointError, match="broke off after 1,024,000 of 2,048,000"):
        fetch(server.url)
    assert not is_cached(server.url)


def test_too_small_a_length_is_found_out_by_the_sha256(server):
    server.announced = 1000
    with pytest.raises(CheckpointError, match=f"not {SHA256}; it was not kept"):
        fetch(server.url, SHA256)
    assert not is_cached(server.url)


@pytest.mark.parametrize(("answer", "attempts"), [(404, 1), (403, 1), (503, 4)])
def test_refusals_are_told_and_only_passing_ones_tried_again(server, answer, attempts):
    server.answer = answer
    with pytest.raises(CheckpointError, match=f"the server answers {answer}"):
        fetch(server.url)
    assert len(server.asked) == attempts


def test_redirects_are_followed_but_never_out_of_encryption(server):
    server.answer, server.location = 302, "/final.pkl"
    assert fetch(server.url).name == "portrait-000040.pkl"
    for place in ("http://example.org/a.pkl", "file:///etc/passwd", "ftp://127.0.0.1/a"):
        server.location = place
        with pytest.raises(CheckpointError, match=r"encrypted|no https URL|not allowed"):
            fetch(server.url + "2")


def test_a_redirect_in_a_circle_ends(server):
    server.answer, server.location = 302, "/nets/portrait-000040.pkl"
    with pytest.raises(CheckpointError, match="the server answers 302"):
        fetch(server.url)


def test_a_web_page_is_no_checkpoint(server):
    server.kind, server.body = "text/html; charset=utf-8", b"<html>Sign in</html>"
    with pytest.raises(CheckpointError, match="leads to a web page"):
        fetch(server.url)
    assert not is_cached(server.url)


def test_a_full_disk_is_told_before(server, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1000))
    with pytest.raises(CheckpointError, match=r"needs 1 MB, but .* has only 0 MB left"):
        fetch(server.url)


@pytest.mark.parametrize(
    "url", ["http://example.org/a.pkl", "http://10.0.0.1/a", "https:///a", "http://127.0.0.1.evil.org/a"]
)
def test_only_encrypted_urls_leave_this_machine(url, tmp_path):
    with pytest.raises(CheckpointError, match=r"encrypted|no https URL"):
        fetch(url, folder=tmp_path)


def test_a_cached_file_of_another_sha256_is_fetched_again(server):
    path = fetch(server.url)
    server.body = BODY[::-1]
    fresh = hashlib.sha256(BODY[::-1]).hexdigest()
    assert fetch(server.url, fresh).read_bytes() == BODY[::-1]
    path.write_bytes(b"damaged")
    assert fetch(server.url, fresh).read_bytes() == BODY[::-1]
    assert len(server.asked) == 3


@pytest.mark.parametrize("text", ["abc", "g" * 64, "a" * 65])
def test_a_sha256_must_be_one(server, text):
    with pytest.raises(CheckpointError, match="64 hex digits"):
        fetch(server.url, text)


def test_offline_never_asks(server, monkeypatch):
    with no_network(), pytest.raises(CheckpointError, match=r"can't be fetched offline"):
        fetch(server.url)
    monkeypatch.setenv("BLENDREEL_OFFLINE", "1")
    with pytest.raises(CheckpointError, match=r"can't be fetched offline"):
        render.load(server.url)
    assert server.asked == []
    monkeypatch.setenv("BLENDREEL_OFFLINE", "0")
    path = fetch(server.url)
    with no_network():
        assert fetch(server.url) == resolve(server.url) == path
    with pytest.raises(CheckpointError, match="has another sha256"):
        fetch(server.url, "0" * 64, offline=True)


def _fetch_elsewhere(url: str, results) -> None:
    results.put(fetch(url).read_bytes() == BODY)


def test_two_processes_fetch_once(server):
    server.delay = 0.5
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_fetch_elsewhere, args=(server.url, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert [results.get(timeout=60) for _ in workers] == [True, True]
    for worker in workers:
        worker.join()
    assert len(server.asked) == 1


def test_networks_load_from_the_web(server, low, tmp_path):
    file = render.save(low, tmp_path / "x.safetensors")
    server.body = file.read_bytes()
    loaded = render.load(server.url, sha256=hashlib.sha256(server.body).hexdigest())
    assert loaded.structure() == low.structure()
    with pytest.raises(CheckpointError, match="one file, not a series"):
        resolve_series(server.url)


def test_local_files_are_checked_too(tmp_path):
    (tmp_path / "a.pkl").write_bytes(BODY)
    assert resolve("a.pkl", tmp_path, sha256=SHA256.upper())
    with pytest.raises(CheckpointError, match=rf"a\.pkl has the sha256 {SHA256}, not 0000"):
        resolve("a.pkl", tmp_path, sha256="0" * 64)


PRESET = """\
version: 1
models: {{net: {{file: "{url}", sha256: "{sha256}"}}}}
clip: {{duration: 2f, fps: 10}}
outputs: []
"""


def test_a_preset_fetches_its_models_and_says_so(server, low, tmp_path):
    server.body = render.save(low, tmp_path / "x.safetensors").read_bytes()
    preset = tmp_path / "p.yaml"
    preset.write_text(PRESET.format(url=server.url, sha256=hashlib.sha256(server.body).hexdigest()))
    arguments = ["preview", str(preset), "--size", "16", "--out", "p.gif", "--out-dir", str(tmp_path)]
    shown = CliRunner().invoke(main, ["check", str(preset)])
    assert "not fetched yet" in shown.output
    refused = CliRunner().invoke(main, [*arguments, "--offline"])
    assert refused.exit_code == 2
    assert "models.net: http://127.0.0.1" in refused.output
    assert "offline" in refused.output
    assert server.asked == []
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "fetching portrait-000040.pkl" in done.output
    assert (tmp_path / "p.gif").stat().st_size > 0
    assert CliRunner().invoke(main, [*arguments, "--offline"]).exit_code == 0
    assert len(server.asked) == 1


class TestHub:
    def test_without_the_extra_its_name_is_told(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(CheckpointError, match=r"pip install 'blendreel\[hub\]'"):
            render.load("hf://owner/repo/net.pkl")

    @pytest.mark.parametrize("address", ["hf://owner", "hf://owner/repo", "hf://owner/repo/", "hf:///a/b"])
    def test_addresses_are_checked(self, address):
        with pytest.raises(CheckpointError, match=r"write hf://owner/repo/file"):
            resolve(address)

    def test_the_hub_is_asked_for_the_right_file(self, monkeypatch, tmp_path):
        asked, file = [], tmp_path / "net.pkl"
        file.write_bytes(BODY)

        def hf_hub_download(**options):
            asked.append(options)
            if options["filename"] == "gone.pkl":
                raise RuntimeError("404 Client Error\n\nRepository not found")
            return str(file)

        fake = types.SimpleNamespace(hf_hub_download=hf_hub_download)
        monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
        monkeypatch.delenv("BLENDREEL_OFFLINE", raising=False)
        assert resolve("hf://owner/repo/nets/a.pkl", sha256=SHA256) == file
        assert resolve("hf://owner/repo@v1.0/a.pkl", offline=True) == file
        whole = {
            "repo_id": "owner/repo",
            "filename": "nets/a.pkl",
            "revision": None,
            "local_files_only": False,
        }
        assert asked[0] == whole
        assert asked[1] == whole | {"filename": "a.pkl", "revision": "v1.0", "local_files_only": True}
        with pytest.raises(
            CheckpointError, match=r"hf://owner/repo/gone\.pkl can't be fetched: 404 Client Error$"
        ):
            resolve("hf://owner/repo/gone.pkl")

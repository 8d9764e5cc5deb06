"""Encoders in hardware: found out by encoding, told once where there is none, spoken to in known words."""

from __future__ import annotations

import re
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

import render
from render.encoding import facts_of, hardware, open_writer
from render.encoding.codecs import CODECS, SPEEDS, Encoder, ffmpeg_path, listed
from render.encoding.hardware import HARDWARE, picked_encoder
from render.errors import BlendreelWarning, EncodingError

H264 = CODECS["h264"]
WORKING = Encoder("libx264", "-preset", SPEEDS, ("-profile:v", "baseline"), pixels=("nv12", "p010le"))
BROKEN = replace(WORKING, extra=("-profile:v", "nonsense"))
GENERIC = {"-b:v", "-global_quality", "-q:v"}  # options of all encoders, which no encoder's own help names


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    hardware._probed.cache_clear()
    hardware._tell.cache_clear()
    yield
    hardware._probed.cache_clear()
    hardware._tell.cache_clear()


def families(monkeypatch: pytest.MonkeyPatch, **encoders: Encoder) -> None:
    """Let these be all there are for H.264."""
    monkeypatch.setitem(HARDWARE, "h264", encoders)


def record(path: Path, **settings: object) -> None:
    with open_writer(path, width=48, height=32, fps=25, **settings) as writer:
        for index in range(6):
            writer.write(np.full((32, 48, 3), 20 * index, np.uint8))


def picked(wanted: str = "auto") -> Encoder:
    return picked_encoder(H264, wanted, 8, (48, 32), 25)


def test_one_that_works_is_used_and_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    families(monkeypatch, nvenc=BROKEN, qsv=WORKING)
    assert picked() is WORKING
    record(tmp_path / "a.mp4", encoder="auto")
    shown = subprocess.run([ffmpeg_path(), "-i", str(tmp_path / "a.mp4")], capture_output=True, text=True)
    assert "h264 (Constrained Baseline)" in shown.stderr
    assert facts_of(tmp_path / "a.mp4").frames == 6


def test_software_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_probed", lambda *_: pytest.fail("hardware was asked"))
    assert picked("software").name == "libx264"


@pytest.mark.parametrize("wanted", ["auto", "nvenc"])
def test_one_that_is_listed_and_fails_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    families(monkeypatch, nvenc=BROKEN)
    with pytest.warns(BlendreelWarning) as told:
        record(tmp_path / "a.mp4", encoder=wanted)
    with warnings.catch_warnings(action="error"):
        record(tmp_path / "b.mp4", encoder=wanted)
    [text] = [str(each.message) for each in told]
    assert re.fullmatch(
        rf"encoder: {wanted}: none works here for H\.264 \(libx264: .*nonsense.*\); libx264 encodes instead",
        text,
    )
    for name in ("a.mp4", "b.mp4"):
        assert facts_of(tmp_path / name).codec == "h264"
        assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / name))[0] == 6


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ("-vaapi_device", "/dev/dri/no-such-card")
    families(monkeypatch, vaapi=replace(HARDWARE["h264"]["vaapi"], device=device))
    with pytest.warns(BlendreelWarning, match=r"\(.*no-such-card.*\)|\(not in this ffmpeg\)"):
        assert picked().name == "libx264"


def test_a_codec_without_any(tmp_path: Path) -> None:
    with pytest.warns(
        BlendreelWarning, match=r"^encoder: auto: there is none for FFV1; ffv1 encodes instead$"
    ):
        record(tmp_path / "a.mkv", encoder="auto")


LISTS = """\
case "$*" in
*-encoders*) echo " V....D h264_nvenc a title"; echo " V....D libx264 a title"; exit;;
esac
"""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sleep 5", "it hung for 0.3 seconds"),
        ("cat >/dev/null; echo '0, 0, 0, 1, 9, 0x0'", "it made 1 of 5 frames"),
        ("echo '[h264_nvenc @ 0x5a] No capable devices found' >&2; exit 1", "No capable devices found"),
    ],
)
def test_what_an_ffmpeg_may_do_instead_of_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{LISTS}{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    monkeypatch.setattr(hardware, "PROBE_SECONDS", 0.3)
    with pytest.warns(BlendreelWarning, match=rf"\(h264_nvenc: {reason}\); libx264 encodes"):
        assert picked().name == "libx264"


def test_presets_ask_for_it_and_the_answer_is_one_line(preset, tmp_path, monkeypatch) -> None:
    families(monkeypatch, amf=BROKEN)
    outputs = ({"file": "a.mp4", "encoder": "auto"}, {"file": "b.mov", "encoder": "auto", "crf": 30}, "c.gif")
    with pytest.warns(BlendreelWarning, match="libx264 encodes instead") as told:
        paths = render.render(preset.replace(outputs=outputs), out_dir=tmp_path)
    assert len(told) == 1
    assert len(paths) == 3
    families(monkeypatch, amf=WORKING)
    with warnings.catch_warnings(action="error"):
        render.render(preset.replace(outputs=outputs), out_dir=tmp_path)


def test_unknown_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match=r"encoder is 'gpu'; choose one of software, auto, nvenc, video"):
        open_writer(tmp_path / "a.mp4", width=8, height=8, fps=25, encoder="gpu")


ALL = [encoder for family in HARDWARE.values() for encoder in family.values()]


@pytest.mark.parametrize("encoder", ALL, ids=[encoder.name for encoder in ALL])
def test_their_options_are_those_that_ffmpeg_knows(encoder: Encoder) -> None:
    """There need be no such hardware for ffmpeg to say what it would take."""
    if encoder.name not in listed(ffmpeg_path()):
        pytest.skip(f"this ffmpeg has no {encoder.name}")
    shown = subprocess.run(
        [ffmpeg_path(), "-hide_banner", "-h", f"encoder={encoder.name}"], capture_output=True, text=True
    ).stdout
    known = dict(re.findall(r"^  (-[\w-]+) +<(\w+)>", shown, re.M))
    words = set(re.findall(r"^     (\w+) ", shown, re.M))
    codec = CODECS[encoder.name.split("_")[0]]
    for crf in (0, codec.crf, codec.max_crf):
        for speed in SPEEDS:
            options = [*codec.quality(encoder, crf, None), *encoder.speed(speed), *encoder.extra]
            for flag, value in zip(options[::2], options[1::2], strict=True):
                assert flag in known or flag in GENERIC
                assert re.fullmatch(r"[\d.]+", value) or value in words
                top = re.search(rf"^  {re.escape(flag)} .*\(from \S+ to (\d+)\)", shown, re.M)
                if top and re.fullmatch(r"[\d.]+", value):
                    assert float(value) <= float(top[1])
    formats = re.search(r"Supported pixel formats: (.*)", shown)[1].split()
    deepest = encoder.pixels if len(codec.pixels) > 1 else encoder.pixels[:1]
    assert encoder.upload or set(deepest) <= set(formats)

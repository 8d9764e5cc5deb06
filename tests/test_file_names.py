"""Names that a shell, ffmpeg or a terminal could take for something else are names all the same."""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import make_network

import render
from render import cli
from render.checkpoints.native import save
from render.console import plain
from render.encoding import Audio, facts_of, open_writer, read_tags
from render.encoding.opening import FORMATS, opened
from render.errors import EncodingError
from render.preset import Preset
from tests.test_production import song  # noqa: F401  (a fixture)

NAMES = (
    *(
        "a b",
        "it's",
        'say "x"',
        "two\nlines",
        "-y",
        "-i x",
        "grüße 日本 🙂",
        "%d",
        "%%",
        "%5d x",
        "100%",
        "a:b",
    ),
    *("pipe:1", "file:x", "concat:a|b", "http:x", "$(touch ran)", "; touch ran", "`touch ran`", "*", "?[a]"),
    *(
        "back\\slash",
        "#1",
        "tab\tx",
        "x" * 200,
        ".hidden",
        "..",
        "\x1b[31mred",
        "\u202egpj",
        "a,b;c=d",
        "[0:v]",
        "{}",
    ),
)
NASTY = ("-y 'a' %d:\n", "concat:a|b%5d")
KINDS = (".webm", ".mov", ".mkv", ".webp", ".apng", ".avif", ".png", "-%02d.png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder that no command but ffmpeg, called with a list, is ever started from."""
    asked: list = []
    real = subprocess.Popen.__init__

    def watched(self, args, *more, **options) -> None:
        asked.append((args, options.get("shell", False)))
        real(self, args, *more, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", watched)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for args, shell in asked:
        assert isinstance(args, list)
        assert "ffmpeg" in Path(args[0]).name
        assert not shell
    assert not (tmp_path / "ran").exists()


def film(path: Path | str) -> Path:
    """A tiny film there, at that relative name."""
    with open_writer(path, width=16, height=16, fps=10) as writer:
        for shade in (0, 200):
            writer.write(np.full([16, 16, 3], shade, np.uint8))
    return Path(path)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_films_of_any_name_are_made_and_read(suffix: str, folder: Path) -> None:
    for name in NAMES:
        assert facts_of(film(name + suffix)).frames == 2
    assert sorted(path.name for path in folder.iterdir()) == sorted(name + suffix for name in NAMES)


@pytest.mark.parametrize("suffix", KINDS)
def test_other_kinds_too(suffix: str, folder: Path) -> None:
    for name in NASTY:
        inside = folder / name
        inside.mkdir()
        if suffix == ".png":
            assert CliRunner().invoke(cli.main, ["sheet", "hello", "-o", "x"]).exit_code == 3
            continue
        target = inside / f"%02d{name[:3]}.png" if "%" in suffix else inside / f"{name}{suffix}"
        film(target)
        made = sorted(path.name for path in inside.iterdir())
        assert made == ([f"{n:02d}{name[:3]}.png" for n in (0, 1)] if "%" in suffix else [f"{name}{suffix}"])


def test_a_whole_preset_of_odd_names(folder: Path, song: Path) -> None:  # noqa: F811
    for name in NASTY:
        here = folder / name
        here.mkdir()
        save(make_network(1), here / f"{name}.safetensors")
        np.save(here / f"{name}.npy", np.ones([2, 8], np.float32))
        (here / f"{name}.txt").write_text("0\n0.5\n")
        (here / f"{name}.wav").write_bytes(song.read_bytes())
        (here / "p.yaml").write_text("")
        preset = Preset(
            models={"a": str(here / f"{name}.safetensors")},
            clip={"duration": "0.2s", "fps": 10, "beats": str(here / f"{name}.txt")},
            latents={"files": [{"file": str(here / f"{name}.npy"), "space": "w"}]},
            outputs=[{"file": f"{name}.mp4", "audio": str(here / f"{name}.wav")}],
        )
        preset.save(here / "p.yaml")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            [made] = render.render(here / "p.yaml", out_dir=here)
        assert made == here / f"{name}.mp4"
        assert facts_of(made).audio
        assert read_tags(made).title == name


def test_a_name_that_is_too_long_is_refused_in_one_line(folder: Path) -> None:
    with pytest.raises(EncodingError, match="cannot be written: File name too long") as caught:
        film("x" * 300 + ".mp4")
    assert "\n" not in str(caught.value)


def test_names_that_would_steer_a_terminal_are_shown_harmlessly(folder: Path) -> None:
    save(make_network(1), folder / "a.safetensors")
    (folder / "p.yaml").write_text(
        'models: {a: a.safetensors}\nclip: {duration: 0.1s}\noutputs: ["\\e[31m\\a.gif"]\n'
    )
    for arguments in (["render", "p.yaml"], ["check", "p.yaml"], ["render", "\x1b[31m.yaml"]):
        result = CliRunner().invoke(cli.main, arguments, color=True)
        assert "\x1b" not in result.output
        assert "\a" not in result.output
    assert plain("a\x1b[31m\x07b\u202e\n\tc") == "a�[31m�b�\n\tc"


# --- what a file says is no reason to open another ----------------------------------------------------------

PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile 'song.wav'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsong.wav\n#EXT-X-ENDLIST\n",
    "web": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.wav\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", ["mp3", "m3u8", "ffconcat"])
def test_a_sound_that_is_a_list_of_files_opens_none(kind: str, suffix: str, folder: Path, song: Path) -> None:  # noqa: F811
    (folder / f"list.{suffix}").write_text(PLAYLISTS[kind])
    with pytest.raises(EncodingError, match="no sound that ffmpeg can read"):
        Audio(folder / f"list.{suffix}").check("mp4")


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:9/a.wav", "concat:song.wav|song.wav", "pipe:0", "fd:", "data:,"]
)
def test_a_sound_by_the_name_of_a_protocol_is_a_file(name: str, folder: Path, song: Path) -> None:  # noqa: F811
    with pytest.raises(EncodingError, match="there is no file"):
        Audio(name).check("mp4")
    if "/" not in name:
        Path(name).write_bytes(song.read_bytes())
        Audio(name).check("mp4")


def test_a_film_that_is_a_list_of_files_opens_none(folder: Path) -> None:
    film("a.mp4")
    Path("b.mp4").write_text("ffconcat version 1.0\nfile a.mp4\n")
    for read in (facts_of, read_tags):
        with pytest.raises(EncodingError):
            read("b.mp4")


def test_no_known_format_names_other_files() -> None:
    assert not {"hls", "concat", "concatf", "dash", "sdp", "rtsp", "image2", "imf", "lavfi", "webvtt"} & {
        *FORMATS
    }
    assert opened("-y")[-2:] == ["-i", "file:-y"]

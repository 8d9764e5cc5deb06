"""Pictures, fonts, sounds and films: damaged, larger than they are, or instructions to open other files."""

from __future__ import annotations

import io
import random
import struct
import wave
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from fuzz_presets import torn
from PIL import Image

from render.lettering import FONT


def bytes_of(write: Callable, *arguments, **options) -> bytes:
    """What `write` puts into the stream that it is given first."""
    out = io.BytesIO()
    write(out, *arguments, **options)
    return out.getvalue()


# --- pictures -----------------------------------------------------------------------------------------------


@cache
def pictures(kind: str) -> bytes:
    picture = Image.fromarray((np.arange(40 * 50 * 3) % 251).astype(np.uint8).reshape(40, 50, 3))
    return bytes_of(picture.save, format=kind)


def png_of(width: int, height: int, depth: int, kind: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*each) for each in ((b"IHDR", head), *more, (b"IDAT", data), (b"IEND", b""))
    )


@cache
def packed_zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


def picture_bombs(rng: random.Random) -> bytes:
    side = rng.choice((9000, 16_000, 60_000, 2**31 - 1))
    text = zlib.compress(b"a" * 50_000_000)
    return rng.choice(
        (
            lambda: png_of(side, side, 8, 2, packed_zeros(10**8)),
            lambda: png_of(side, side, 1, 0, packed_zeros(10**7)),
            lambda: png_of(64, 64, 8, 2, packed_zeros(10**8)),
            lambda: png_of(64, 64, 8, 2, packed_zeros(64 * 193), (b"zTXt", b"Comment\0\0" + text)),
            lambda: png_of(64, 64, 8, 2, packed_zeros(64 * 193), (b"iCCP", b"x\0\0" + text)),
            lambda: png_of(64, 64, 8, 2, packed_zeros(64 * 193), *[(b"tEXt", b"Comment\0x")] * 20_000),
            lambda: (
                b"BM"
                + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, side, -side, 1, 24, 0, 0, 0, 0, 0, 0)
            ),
            lambda: b"P6 %d %d 255\n" % (side, side),
            lambda: (
                b"GIF89a"
                + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
                + b"\x2c"
                + bytes(9)
                + b"\x08"
                + b"\xff" * 200
            ),
            lambda: bytes_of(Image.fromarray(np.zeros([64, 9000], np.uint8)).save, format="TIFF"),
        )
    )()


# --- films and sounds ---------------------------------------------------------------------------------------


@cache
def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((9000 * np.sin(np.arange(4000) / 6)).astype("<i2").tobytes())
    return out.getvalue()


def playlists(rng: random.Random) -> bytes:
    """Texts that ffmpeg would take for instructions to open other files."""
    return rng.choice(
        (
            b"ffconcat version 1.0\nfile '/etc/passwd'\n",
            b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            b"#EXTM3U\n#EXTINF:1,\nconcat:http://127.0.0.1:9/a|file:///etc/passwd\n#EXT-X-ENDLIST\n",
            b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
            b"<?xml version='1.0'?><MPD><Period><BaseURL>http://127.0.0.1:9/</BaseURL></Period></MPD>",
        )
    )


def films(rng: random.Random) -> bytes:
    comment = "# Made by blendreel 0.1.0; x\ntitle: a\nprecision: b\nmodels: {}\n---\nversion: 1\n"
    text = rng.choice(
        (comment, "x" * 100_000, "# Made by blendreel 9;\n" + "[" * 9000 + "\n---\nx", "&a [*a]")
    )
    body = b"Comment\0\0\0\0\0" + text.encode()
    whole = png_of(8, 8, 8, 2, packed_zeros(8 * 25), (b"iTXt", body))
    xmp = b"<x xmlns:a='b'>" + b"<y>" * 30_000 + b"</y>" * 30_000 + b"</x>"
    webp = b"RIFF" + struct.pack("<I", len(xmp) + 12) + b"WEBPXMP " + struct.pack("<I", len(xmp)) + xmp
    boxes = b"\0\0\0\x18ftypavif" + bytes(8) + b"\0\0\0\x00uuid" * 9000
    gif = pictures("GIF")[:13] + b"!\xfe" + b"\xff" * 300
    return rng.choice(
        (torn(rng, whole), whole, torn(rng, webp), webp, boxes, gif, torn(rng, pictures("PNG")))
    )


def fonts(rng: random.Random) -> tuple[str, bytes]:
    """The shipped font with damage: anywhere, or where its tables say how large things are."""
    raw = FONT.read_bytes()
    if rng.random() < 0.5:
        return "torn", torn(rng, raw)
    data, count = bytearray(raw), struct.unpack(">H", raw[4:6])[0]
    tables = {
        raw[at : at + 4]: struct.unpack(">I", raw[at + 8 : at + 12])[0]
        for at in range(12, 12 + 16 * count, 16)
    }
    for _ in range(rng.choice((1, 1, 3, 20))):
        start = rng.choice(
            [tables[name] for name in (b"head", b"hhea", b"maxp", b"loca", b"glyf", b"hmtx", b"cmap")]
        )
        at = start + 2 * rng.randrange(30)
        data[at : at + 2] = rng.choice((b"\0\0", b"\0\1", b"\0\x10", b"\x7f\xff", b"\x80\0", b"\xff\xff"))
    return "tables", bytes(data)

"""What a file says of itself: a title and a comment, in each kind of file where readers look for them.

Sources: ffmpeg's ffmetadata format; CompuServe, "Graphics Interchange Format, version 89a" (comments); W3C,
"PNG Specification" (iTXt); Google, "WebP Container Specification" and Adobe, "XMP Specification, part 3"
(XMP in WebP, and in a uuid box of ISO media files such as AVIF).
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from render.encoding.codecs import ffmpeg_path
from render.encoding.opening import opened
from render.errors import EncodingError
from render.reach import within_reach

MOST_BYTES = 4_000_000  # of a comment: what is longer is not ours
_PNG, _GIF, _WEBP = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a"), b"WEBP"
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_XMP_FLAG = 0x04  # in a WebP's VP8X chunk: there is XMP
_DC = "http://purl.org/dc/elements/1.1/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description rdf:about="" xmlns:dc="{dc}">\
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>\
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{comment}</rdf:li></rdf:Alt></dc:description>\
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True)
class Tags:
    """A title in a few words, and a comment of any number of lines."""

    title: str = ""
    comment: str = ""


def read_tags(path: str | os.PathLike[str]) -> Tags:
    """The title and comment of a file; empty where it has none. Of a folder of pictures, those of the first.

    Raises EncodingError where there is no such file, or it is no film and no picture.
    """
    path = Path(path)
    if path.is_dir():
        pictures = sorted(path.glob("*.png"), key=lambda one: (len(one.name), one.name))
        if not pictures:
            raise EncodingError(f"{path}: there are no numbered pictures in this folder")
        path = within_reach(pictures[0], EncodingError)
    try:
        with path.open("rb") as file:
            head = file.read(16)
            file.seek(0)
            if head.startswith(_PNG):
                return _png_tags(file)
            if head.startswith(_GIF):
                return _gif_tags(file)
            if head[8:12] == _WEBP:
                return _webp_tags(file)
            if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
                return _avif_tags(file)
    except OSError as error:
        raise EncodingError(f"{path}: cannot be read: {error.strerror}") from None
    except (struct.error, ElementTree.ParseError, UnicodeDecodeError, IndexError):
        return Tags()  # damaged, or not as we write them
    return _film_tags(path)


# --- films: ffmpeg writes and reads them --------------------------------------------------------------------


def metadata_file(tags: Tags) -> str:
    """A temporary file that ffmpeg reads the tags from; the caller removes it. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix="blendreel-", suffix=".txt")
    with open(handle, "w", encoding="utf-8", newline="") as file:
        file.write(f";FFMETADATA1\ntitle={_escaped(tags.title)}\ncomment={_escaped(tags.comment)}\n")
    return name


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)


def _film_tags(path: Path) -> Tags:
    command = [ffmpeg_path(), "-hide_banner", "-nostdin", "-loglevel", "error", *opened(path)]
    done = subprocess.run([*command, "-f", "ffmetadata", "pipe:1"], capture_output=True)
    if done.returncode:
        raise EncodingError(f"{path}: is no film and no picture that can be read")
    found = dict(_pairs(done.stdout[: 2 * MOST_BYTES].decode("utf-8", "replace")))
    return Tags(found.get("title", ""), found.get("comment", ""))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """The names and values of an ffmetadata text that concern the whole file."""
    for line in re.findall(r"(?:[^\\\n]|\\.)+", text, re.DOTALL):
        if line.startswith("["):
            return
        if match := re.fullmatch(r"((?:[^\\=]|\\.)+)=(.*)", line, re.DOTALL):
            name, value = (re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in match.groups())
            yield name.lower(), value  # Matroska shouts


# --- other kinds: bytes of our own --------------------------------------------------------------------------


def stamp(path: Path, tags: Tags) -> None:
    """Write the tags into a finished PNG, APNG, WebP or AVIF; its pictures stay. Raises OSError."""
    with path.open("r+b") as file:
        head = file.read(12)
        file.seek(0)
        if head.startswith(_PNG):
            _stamp_png(file, tags)
        elif head[8:12] == _WEBP:
            _stamp_webp(file, tags)
        elif head[4:8] == b"ftyp":
            _stamp_boxes(file, tags)


def gif_comment(tags: Tags) -> bytes:
    """The comment extension of a GIF; such a file has no title."""
    text = tags.comment.encode("utf-8")
    blocks = [text[start : start + 255] for start in range(0, len(text), 255)]
    return b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def _gif_tags(file: IO[bytes]) -> Tags:
    """Of comments that stand before the first picture, as ours do."""
    header = file.read(13)
    file.seek(3 * 2 ** ((header[10] & 7) + 1) if header[10] & 0x80 else 0, os.SEEK_CUR)
    found = b""
    while file.read(1) == b"!":
        label, blocks = file.read(1), []
        while size := file.read(1)[0]:
            blocks.append(file.read(size))
        found += b"".join(blocks) if label == b"\xfe" else b""
    return Tags(comment=found.decode("utf-8"))


def _stamp_png(file: IO[bytes], tags: Tags) -> None:
    file.seek(-12, os.SEEK_END)
    end = file.read(12)  # IEND; text may stand anywhere before it
    file.seek(-12, os.SEEK_END)
    for name, text in (("Title", tags.title), ("Comment", tags.comment)):
        data = b"iTXt" + name.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8")
        file.write(struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)))
    file.write(end)


def _png_tags(file: IO[bytes]) -> Tags:
    found = {}
    file.seek(len(_PNG))
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == b"iTXt" and size <= MOST_BYTES:
            name, _, rest = file.read(size).partition(b"\0")
            is_packed, text = rest[0], rest[2:].split(b"\0", 2)[2]
            found[name] = "" if is_packed else text.decode("utf-8")
            file.seek(4, os.SEEK_CUR)
        else:
            file.seek(size + 4, os.SEEK_CUR)
    return Tags(found.get(b"Title", ""), found.get(b"Comment", ""))


def _stamp_webp(file: IO[bytes], tags: Tags) -> None:
    """Behind the pictures; VP8X, which ffmpeg's animations begin with and its single pictures lack, tells."""
    file.seek(12)
    kind, _, flags = struct.unpack("<4sIB", file.read(9))
    if kind == b"VP8 ":
        file.seek(26)
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", file.read(4)))
        file.seek(12)
        picture, flags = file.read(), 0
        sides = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
        file.seek(12)
        file.write(b"VP8X" + struct.pack("<II", 10, 0) + sides + picture)
    data = _xmp(tags)
    file.seek(0, os.SEEK_END)
    file.write(b"XMP " + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2))
    size = file.tell() - 8
    file.seek(4)
    file.write(struct.pack("<I", size))
    file.seek(20)
    file.write(bytes([flags | _XMP_FLAG]))


def _webp_tags(file: IO[bytes]) -> Tags:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        if kind == b"XMP " and size <= MOST_BYTES:
            return _tags_of(file.read(size))
        file.seek(size + size % 2, os.SEEK_CUR)
    return Tags()


def _stamp_boxes(file: IO[bytes], tags: Tags) -> None:
    """A box behind all others; players and viewers pass over what they don't know."""
    data = _XMP_BOX + _xmp(tags)
    file.seek(0, os.SEEK_END)
    file.write(struct.pack(">I4s", len(data) + 8, b"uuid") + data)


def _avif_tags(file: IO[bytes]) -> Tags:
    start, end = 0, file.seek(0, os.SEEK_END)
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        size = size or end - start
        if kind == b"uuid" and size <= MOST_BYTES and file.read(16) == _XMP_BOX:
            return _tags_of(file.read(size - head - 16))
        if size < head:
            return Tags()
        start += size
    return Tags()


def _xmp(tags: Tags) -> bytes:
    texts = {name: escape(text) for name, text in (("title", tags.title), ("comment", tags.comment))}
    return _XMP.format(rdf=_RDF, dc=_DC, **texts).encode("utf-8")


def _tags_of(xmp: bytes) -> Tags:
    if b"<!" in xmp:  # an XMP packet declares nothing, and entities could be bombs
        return Tags()
    root = ElementTree.fromstring(xmp)
    found = {}
    for name in ("title", "description"):
        node = root.find(f".//{{{_DC}}}{name}/{{{_RDF}}}Alt/{{{_RDF}}}li")
        found[name] = (node.text or "") if node is not None else ""
    return Tags(found["title"], found["description"])

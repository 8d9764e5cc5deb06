"""Pickle opcodes that ask to run something, in every way there is to ask."""

from __future__ import annotations

import io
import os
from pathlib import Path

import torch


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


def hostile(mark: Path) -> list[bytes]:
    """Opcodes that make a trusting reader run something; `mark` is a file that would then exist."""
    touch, script = f"touch {mark}".encode(), f"open({str(mark)!r},'w').close()".encode()
    inner = io.BytesIO()
    torch.save(Calls(os.system, touch.decode()), inner, _use_new_zipfile_serialization=False)
    payload = b"B" + len(inner.getvalue()).to_bytes(4, "little") + inner.getvalue()
    text = b"X" + len(script).to_bytes(4, "little") + script
    command = b"X" + len(touch).to_bytes(4, "little") + touch
    return [
        *(b"c" + module + b"\nsystem\n" + command + b"\x85R" for module in (b"os", b"posix", b"nt")),
        *(
            b"c" + name + text + b"\x85R"
            for name in (b"builtins\neval\n", b"__builtin__\nexec\n", b"builtins\nexec\n")
        ),
        b"(" + command + b"ios\nsystem\n",
        b"(cos\nsystem\n" + command + b"o",
        b"\x8c\x02os\x8c\x06system\x93" + command + b"\x85R",
        b"cos\nsystem\n" + command + b"\x85\x81",
        b"cos\nsystem\n" + command + b"\x85}\x92",
        b"\x8c\x0bcollections\x8c\x25OrderedDict.__init__.__globals__.clear\x93)R",
        b"ctorch_utils.persistence\n_reconstruct_persistent_obj.__globals__\n",
        b"cbuiltins\n__import__\nX\x02\x00\x00\x00os\x85R",
        b"cbuiltins\ngetattr\ncos\nsystem\nX\x08\x00\x00\x00__call__\x86R",
        b"csubprocess\nPopen\n](X\x05\x00\x00\x00touch" + command + b"e\x85R",
        b"ctorch.storage\n_load_from_bytes\n" + payload + b"\x85R",
        b"ctorch\nload\n" + command + b"\x85R",
        b"ctorch.serialization\nload\n" + command + b"\x85R",
        b"cnumpy\nload\n" + command + b"\x85R",
        b"cpickle\nloads\nC\x02N.\x85R",
        b"crunpy\nrun_path\n" + command + b"\x85R",
        b"ccopyreg\nadd_extension\n(X\x02\x00\x00\x00osX\x06\x00\x00\x00systemK\xf0tR\x82\xf0",
        b"ccopyreg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\nNtR",
        b"ccopy_reg\n_reconstructor\n(cbuiltins\neval\ncbuiltins\nobject\nNtR",
        b"ccopyreg\n__reduce_ex__\n)R",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(K\x00tC\x01btR",
        b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R",
        b"ccollections\nOrderedDict\n}X\x09\x00\x00\x00__class__NsbN",
        b"ccollections\nOrderedDict\n)R}X\x0a\x00\x00\x00__reduce__cos\nsystem\nsb",
        *(b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00", b"\x97", b"\x98"),
        *(b"Pos.system\n", b"X\x07\x00\x00\x00storageQ", b"(X\x07\x00\x00\x00storagecos\nsystem\nNNNtQ"),
        b"cargparse\nNamespace\n)R}X\x08\x00\x00\x00__dict__Nsb",
        b"ctypes\nFunctionType\n)R",
    ]

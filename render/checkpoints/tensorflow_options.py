"""The construction options (`static_kwargs`) of TensorFlow networks: which matter, and which do not.

An option that changes the picture and is not understood must stop the reading, by name; whatever else
people's forks wrote into their files must not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from render.checkpoints.shown import shown
from render.checkpoints.standins import Array
from render.errors import CheckpointError

MAX_TAPS = 64

# What the tensors answer better than an option can.
ANSWERED = frozenset(
    {"num_channels", "resolution", "label_size", "label_fmaps", "latent_size", "dlatent_size"}
    | {"mapping_layers", "mapping_fmaps", "fmap_base", "fmap_max", "fmap_min", "fmap_decay"}
    | {"fmap_first", "fmap_final", "architecture", "use_noise", "num_fp16_res", "min_h", "min_w"}
    | {"res_log2", "init_res", "init_size", "base_size"}
)
# What `Options` hands on.
UNDERSTOOD = frozenset(
    {"resample_kernel", "conv_clamp", "nonlinearity", "mapping_nonlinearity", "mapping_lrmul"}
    | {"fused_scale", "blur_filter"}
)
# What steers training, truncation (always asked for here), code paths, or how a graph is put together.
WITHOUT_EFFECT = frozenset(
    {"truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val"}
    | {"dlatent_avg_beta", "style_mixing_prob", "randomize_noise", "structure", "dtype"}
    | {"fused_modconv", "impl", "func_name", "mapping_func", "synthesis_func", "dlatent_broadcast"}
    | {"components", "return_dlatents", "is_training", "is_validation", "is_template_graph"}
    | {"force_clean_graph", "conditioning"}
)
# Words that mark an option of a fork as one of those, too.
HARMLESS_WORDS = re.compile(
    r"(^|_)(verbose|log|print|debug|summary|seed|path|dir|file|gpus?|tpu|cuda|impl|xla|jit|tf32|fp16|dtype|"
    r"train|training|augment|aug|mirror|beta|prob|kimg|comment|note|version|author|date)(_|$)"
)
# What must have one value, for the networks here have nothing else.
FIXED: dict[str, Any] = {
    "use_styles": True,
    "const_input_layer": True,
    "use_wscale": True,
    "mapping_use_wscale": True,
    "use_pixel_norm": False,
    "use_instance_norm": True,
    "normalize_latents": True,
}


class Options:
    """The options of a network and its parts, checked.

    Raises CheckpointError for the first that changes the picture in a way not known here.
    """

    def __init__(self, tables: Iterable[Any], label: str):
        self.label = label
        self.values: dict[str, Any] = {}
        for table in tables:
            if not isinstance(table, Mapping):
                raise CheckpointError(f"{label} is damaged: a network in it has no table of options")
            self.values |= {shown(name): _plain(value) for name, value in table.items()}
        for name, value in self.values.items():
            self._check(name, value)

    def _check(self, name: str, value: Any) -> None:
        if name in ANSWERED | UNDERSTOOD | WITHOUT_EFFECT or HARMLESS_WORDS.search(name):
            return
        plain = not isinstance(value, np.ndarray | Array)
        if not (plain and (value is None or value == FIXED.get(name, False) or value in ("", (), [], {}))):
            option = f"{name}={shown(value)}"
            raise CheckpointError(
                f"{self.label} is a variant of StyleGAN with {option}, which is not known here"
            )

    def word(self, name: str, default: str) -> str:
        """An option that is a word."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else self._refuse(name, value, "a word")

    def positive(self, name: str, default: float | None) -> float | None:
        """An option that is a number above 0. None only where that is the default."""
        value = self.values.get(name, default)
        if value is None and default is None:
            return None
        fine = isinstance(value, int | float) and math.isfinite(value) and value > 0
        return float(value) if fine else self._refuse(name, value, "a number above 0")

    def whole(self, name: str, default: int) -> int:
        """An option that is a whole number above 0, or what stands for it."""
        value = self.values.get(name, default)
        return int(value) if isinstance(value, int | float) and 0 < value < 2**31 else default

    def taps(self, name: str, default: tuple[float, ...], off: tuple[float, ...] | None) -> Any:
        """The 1-D taps of a filter; `off` where the option is switched off."""
        value = self.values.get(name, default)
        if value is None or value is False or (isinstance(value, list | tuple) and not value):
            return off
        fine = isinstance(value, list | tuple) and len(value) <= MAX_TAPS
        if not (fine and all(isinstance(tap, int | float) and math.isfinite(tap) for tap in value)):
            return self._refuse(name, value, f"a list of up to {MAX_TAPS} numbers")
        return tuple(value) if sum(value) else self._refuse(name, value, "a filter that sums to 0")

    def fused(self) -> bool | str:
        """StyleGAN1's `fused_scale`."""
        value = self.values.get("fused_scale", "auto")
        if value == "auto" or isinstance(value, bool | int):
            return value if value == "auto" else bool(value)
        return self._refuse("fused_scale", value, "'auto', True or False")

    def _refuse(self, name: str, value: Any, expected: str) -> Any:
        raise CheckpointError(f"{self.label} has {name}={shown(value)}; it must be {expected}")


def _plain(value: Any) -> Any:
    """Short arrays as lists; everything else as it is."""
    short = isinstance(value, Array) and math.prod(value.shape) <= MAX_TAPS
    return value.value.tolist() if short else value

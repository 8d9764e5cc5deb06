"""How many pictures are drawn at once: as many as are worth it, and as there is memory for."""

from __future__ import annotations

import torch

from render.networks.synthesis import FastSynthesis

# Pictures drawn at once: about this many pixels, so that memory does not grow with the resolution.
PIXELS_PER_BATCH = {"cpu": 8 * 256**2, "cuda": 256 * 256**2, "mps": 16 * 256**2}
MAX_BATCH = {"cpu": 32, "cuda": 64, "mps": 64}  # of small pictures; on a CPU two batches are drawn at once
SHARE = 0.5  # of a GPU's free memory: the rest is for other weights, and for what is kept for later pictures
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def modest_batch(device: torch.device, width: int, height: int) -> int:
    """How many pictures of that size a device of that kind draws at once, whatever its memory."""
    kind = device.type if device.type in MAX_BATCH else "cpu"
    return max(1, min(MAX_BATCH[kind], PIXELS_PER_BATCH[kind] // (width * height)))


def fitting_batch(synthesis: FastSynthesis, resolution: int, width: int, height: int) -> int:
    """The same, but no more than fit in half of a GPU's free memory, as pictures drawn on trial show.

    resolution  as `FastSynthesis.draw` has it, of pictures of that width and height
    """
    device = synthesis.device
    most = modest_batch(device, width, height)
    if device.type != "cuda" or most == 1:
        return most
    try:
        _taken(synthesis, resolution, 1)  # which prepares the weights
        one, two = (_taken(synthesis, resolution, count) for count in (1, 2))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        torch.cuda.empty_cache()
        return 1
    each = max(two - one, 1)
    free = torch.cuda.mem_get_info(device)[0]
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, min(most, int((SHARE * free - (one - each)) / each)))


def _taken(synthesis: FastSynthesis, resolution: int, count: int) -> int:
    """Bytes that so many pictures take at most while they are drawn."""
    generator, device = synthesis.generator, synthesis.device
    shape = count, generator.num_ws, generator.w_dim
    ws = torch.randn(shape, generator=torch.Generator().manual_seed(0))  # equal ones would be drawn as one
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    synthesis(ws, resolution=resolution)
    return torch.cuda.max_memory_allocated(device) - before


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device, or the machine, has no memory left."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error).lower() for words in OUT_OF_MEMORY)

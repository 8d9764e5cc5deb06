"""From RGB to what video stores: brightness, and two colours of which several pixels share one.

Sources: ffmpeg's documentation of the scale, zscale and setparams filters; ITU-R BT.709.
"""

from __future__ import annotations

from render.encoding.codecs import ffmpeg_path, listed

PLANES = "yuv420p"  # what frames may come as: see `render.pixels.Planes`
# BT.709 has to be asked of the conversion: flags on the encoder would only tag BT.601 pixels as BT.709.
TAGGED = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
COLOUR_FILTER = (
    "zscale=dither={dither}:filter=bicubic:matrixin=gbr:primariesin=709:transferin=709:rangein=full"
    ":matrix=709:primaries=709:transfer=709:range=limited,format={pixels}," + TAGGED
)
# For an ffmpeg without zscale. It puts colours half a pixel to the right of where H.264 wants them, and from
# 16 bits a quarter of a level too bright.
PLAIN_COLOUR_FILTER = (
    "scale=flags=bicubic+accurate_rnd+full_chroma_int:in_range=pc:out_color_matrix=bt709:out_range=tv,"
    "format={pixels}," + TAGGED
)
# With more, zscale cuts a large frame into one piece for each: colours show seams, and a film depends on how
# many processors there are. Other threads encode meanwhile.
ONE_THREAD = ("-filter_threads", "1", "-filter_complex_threads", "1")
# Dots stand still in an ordered dither: they do not crawl, and cost few bits.
DITHER = "ordered"


def colour_filter(pixels: str, is_dithered: bool) -> str:
    """The filter from RGB to a pixel format."""
    known = listed(ffmpeg_path(), "filters")
    if known and "zscale" not in known:  # who does not say what it has is believed to have it
        return PLAIN_COLOUR_FILTER.format(pixels=pixels)
    return COLOUR_FILTER.format(dither=DITHER if is_dithered else "none", pixels=pixels)

"""What fine-tuning did to a network, as a page or a picture that a person understands in a minute."""

from render.explain.files import report_file, text_file
from render.explain.sections import Report, report_of
from render.explain.sides import Side, open_sides
from render.explain.starter import preset_text
from render.explain.study import SEEDS, Study, study

__all__ = [
    "SEEDS",
    "Report",
    "Side",
    "Study",
    "open_sides",
    "preset_text",
    "report_file",
    "report_of",
    "study",
    "text_file",
]

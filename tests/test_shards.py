"""`--shard`: what was written, and what schedulers say, as a part of many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.errors import PresetError
from render.production.shards import Shard, read_shard

SLURM = {"SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "8", "SLURM_ARRAY_TASK_COUNT": "8"}
SGE = {"SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "9", "SGE_TASK_STEPSIZE": "2"}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("2/8", {"RANK": "5", "WORLD_SIZE": "6"}, (1, 8)),
        (" 1/1 ", {}, (0, 1)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "3", **SLURM}, (2, 8)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "3", **SLURM, "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, (2, 8)),
        ("auto", {"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, (3, 4)),
        ("auto", {"RANK": "5", "WORLD_SIZE": "6"}, (5, 6)),
        ("auto", {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, (0, 2)),
        ("auto", {"SGE_TASK_ID": "7", **SGE}, (3, 5)),
        ("auto", {"LSB_JOBINDEX": "4", "LSB_JOBINDEX_END": "4"}, (3, 4)),
        ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "3"}, (0, 3)),
        ("auto/8", {"PBS_ARRAY_INDEX": "7"}, (7, 8)),
        ("auto/8", {"SGE_TASK_ID": "undefined", "JOB_COMPLETION_INDEX": "0"}, (0, 8)),
    ],
)
def test_parts_as_written_and_as_schedulers_say(text, environment, expected):
    assert read_shard(text, environment) == Shard(*expected)


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("0/8", {}, r"0/8 is part 0 of 8; parts are 1/8 to 8/8"),
        ("9/8", {}, r"part 9 of 8"),
        ("1/0", {}, r"1/0: there are no parts"),
        ("2 of 8", {}, r"this is 2/8, auto or auto/8, not '2 of 8'"),
        ("auto", {}, r"no scheduler has set any of SLURM_ARRAY_TASK_ID, .*; write 2/8"),
        (
            "auto",
            {"PBS_ARRAY_INDEX": "7"},
            r"PBS_ARRAY_INDEX is set, but not how many there are; write auto/8",
        ),
        ("auto/4", {"RANK": "4", "WORLD_SIZE": "8"}, r"RANK=4 is part 5 of 4"),
    ],
)
def test_what_is_no_part_is_told(text, environment, words):
    with pytest.raises(PresetError, match=words):
        read_shard(text, environment)


@given(count=st.integers(1, 20), segments=st.integers(0, 200))
def test_every_segment_belongs_to_one_part_and_parts_are_alike(count, segments):
    parts = [
        [number for number in range(segments) if Shard(index, count).owns(number)] for index in range(count)
    ]
    assert sorted(number for part in parts for number in part) == list(range(segments))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1

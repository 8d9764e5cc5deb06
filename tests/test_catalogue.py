"""The catalogue: the shipped data holds together, names resolve, and the list shows families."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from render.checkpoints import catalogue
from render.checkpoints.download import cached_path, check_sha256, check_url
from render.checkpoints.formats import FORMATS
from render.checkpoints.library import is_cached, is_remote, resolve, resolve_series
from render.commands.catalogue import list_command
from render.errors import CheckpointError
from render.preset import Preset

ENTRIES = catalogue.entries()
ARCHITECTURES = {"stylegan1", "stylegan2", "stylegan3-t", "stylegan3-r"}
BROWSER_HOSTS = {"drive.google.com", "mega.nz"}


def listed(*options: str) -> str:
    result = CliRunner().invoke(list_command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


# --- the data -----------------------------------------------------------------------------------------------


def test_there_are_enough_and_each_has_one_name():
    names = Counter(entry.name for entry in ENTRIES)
    assert len(ENTRIES) >= 50
    assert max(names.values()) == 1
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_each_entry_is_complete_and_cited(entry):
    assert entry.architecture in ARCHITECTURES
    assert entry.format in FORMATS
    assert entry.resolution in (256, 512, 1024)
    assert str(entry.resolution) in entry.name
    assert entry.title
    assert entry.by
    assert entry.sources
    for source in entry.sources:
        assert source.title
        assert source.seen.year >= 2026
        check_url(source.url)
    check_url(entry.page)
    assert entry.url or entry.link, "a file that nobody can get"
    for place in filter(None, (entry.url, entry.link)):
        check_url(place)
    if entry.url:
        assert urlsplit(entry.url).hostname not in BROWSER_HOSTS
    check_sha256(entry.sha256)
    assert entry.size is None or 10**7 < entry.size < 10**9


def test_no_file_is_listed_twice():
    places = Counter(entry.url or entry.link for entry in ENTRIES)
    assert [place for place, count in places.items() if count > 1] == []


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry.tuned_from], ids=lambda entry: entry.name
)
def test_what_was_fine_tuned_says_so_and_fits_its_base(entry):
    base = catalogue.find(entry.tuned_from)
    assert entry.evidence
    assert (base.resolution, base.architecture) == (entry.resolution, entry.architecture)
    assert catalogue.lineage(entry.name)[-2:] == (base, entry)


def test_lineage_ends_at_a_base_and_never_comes_back():
    for entry in ENTRIES:
        seen = set()
        while entry.tuned_from:
            assert entry.name not in seen
            seen.add(entry.name)
            entry = catalogue.find(entry.tuned_from)
    assert all(entry.evidence is None for entry in ENTRIES if entry.tuned_from is None)


def test_what_a_source_says_is_there():
    ukiyoe = catalogue.find("ukiyoe-256-slim")
    assert ukiyoe.tuned_from == "ffhq-256-slim"
    assert ukiyoe.licence == "CC BY-NC-SA 4.0"
    assert catalogue.find("ffhq-256-slim").by == "MIT HAN Lab", "an entry's own field wins"
    assert catalogue.find("ffhq-256-rosinality").tuned_from is None, "even an empty one"


# --- names --------------------------------------------------------------------------------------------------


def test_a_family_is_the_same_from_whichever_member():
    names = [entry.name for entry in catalogue.family("ukiyoe-256-slim")]
    assert names == ["ffhq-256-slim", "ukiyoe-256-slim", "earth-256-slim"]
    assert [entry.name for entry in catalogue.family("earth-256-slim")] == names


def test_families_hold_every_entry_once_and_relatives_come_first():
    groups = catalogue.families()
    assert Counter(entry for group in groups for entry in group) == Counter(ENTRIES)
    sizes = [len(group) for group in groups]
    assert sizes[0] > 1
    assert sizes == sorted(sizes, key=lambda size: size == 1)


def test_grandchildren_follow_their_parents(monkeypatch, tmp_path):
    data = tmp_path / "some.yaml"
    shared = (
        "{by: me, architecture: stylegan2, format: nvlabs, resolution: 256, page: p, sources: [s], models: "
    )
    models = "c: {title: C, tuned_from: b}, a: {title: A}, b: {title: B, tuned_from: a}"
    models += ", d: {title: D, tuned_from: a}"
    data.write_text(
        f"sources: {{s: {{title: t, url: u, seen: 2026-01-01}}}}\ncollections: [{shared}{{{models}}}}}]"
    )
    some = tuple(catalogue.read(data))
    monkeypatch.setattr(catalogue, "entries", lambda: some)
    assert [entry.name for entry in catalogue.family("d")] == ["a", "b", "c", "d"]
    assert [entry.name for entry in catalogue.lineage("c")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("catalogue:ffhq-1042", r"no network 'ffhq-1042'.*did you mean ffhq-1024"),
        ("FFHQ-1024", "did you mean ffhq-1024"),
        ("qqqqqqq", "blendreel models list"),
    ],
)
def test_unknown_names_get_a_hint(name, words):
    with pytest.raises(CheckpointError, match=words):
        catalogue.find(name)


# --- as a source --------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLENDREEL_CACHE", str(tmp_path))
    monkeypatch.setenv("BLENDREEL_OFFLINE", "1")
    return tmp_path


def in_cache(name: str, content: bytes = b"weights"):
    path = cached_path(catalogue.find(name).url)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_name_is_the_file_behind_its_url(cache):
    assert is_remote("catalogue:ffhq-1024")
    assert not is_cached("catalogue:ffhq-1024")
    path = in_cache("ffhq-1024")
    assert resolve("catalogue:ffhq-1024") == path
    assert is_cached("catalogue:ffhq-1024")


def test_the_published_sha256_is_held_to(cache):
    assert catalogue.find("nada-pixar-1024").sha256
    in_cache("nada-pixar-1024", b"something else")
    with pytest.raises(CheckpointError, match="another sha256"):
        resolve("catalogue:nada-pixar-1024")


def test_a_file_that_takes_a_browser_says_where_it_is(cache):
    with pytest.raises(
        CheckpointError, match=r"ukiyoe-256-slim .*browser.*drive\.google\.com.*path of the file"
    ):
        resolve("catalogue:ukiyoe-256-slim")
    with pytest.raises(CheckpointError, match="did you mean"):
        is_cached("catalogue:ukiyoe-256-slin")


def test_it_is_no_series(cache):
    with pytest.raises(CheckpointError, match="one file, not a series"):
        resolve_series("catalogue:ffhq-1024")


def test_a_preset_takes_the_name():
    preset = Preset(
        models={"face": "catalogue:ffhq-1024"},
        clip={"duration": "2s"},
        latents={"seeds": [3]},
        blend={"model": "face"},
    )
    assert preset.models["face"].source == "catalogue:ffhq-1024"


# --- the list -----------------------------------------------------------------------------------------------


def test_the_table_is_aligned_and_indents_what_was_fine_tuned():
    lines = listed().splitlines()
    names = {line.split()[0]: line for line in lines if line}
    assert {entry.name for entry in ENTRIES} < set(names)
    assert lines.index(names["metfaces-1024"]) == lines.index(names["ffhq-1024"]) + 1
    assert names["metfaces-1024"].startswith("  metfaces-1024 ")
    column = lines[0].index("licence")
    assert names["metfaces-1024"][column:].startswith("Nvidia Source Code License")
    assert names["toonify-1024"][column:].startswith("not stated")
    assert "https://github.com/NVlabs/stylegan2-ada-pytorch" in names["metfaces-1024"]


def test_one_family_is_shown_with_what_is_known_of_it():
    shown = listed("--family", "earth-256-slim")
    assert "ukiyoe-256-slim" in shown
    assert "metfaces-1024" not in shown
    assert "tuned from  ffhq-256-slim: " in shown
    assert "read in" in shown


def test_one_resolution():
    found = json.loads(listed("--resolution", "512", "--json"))
    assert {entry["resolution"] for entry in found} == {512}
    assert {entry["name"] for entry in found} == {entry.name for entry in ENTRIES if entry.resolution == 512}


def test_json_has_everything():
    by_name = {entry["name"]: entry for entry in json.loads(listed("--json"))}
    assert len(by_name) == len(ENTRIES)
    pixar = by_name["nada-pixar-1024"]
    assert (pixar["family"], pixar["tuned_from"]) == ("ffhq-1024-config-f", "ffhq-1024-config-f")
    assert pixar["sources"][0]["seen"] == "2026-11-22"
    assert pixar["size"] == 132724587


def test_wrong_options_are_explained():
    result = CliRunner().invoke(list_command, ["--resolution", "333"])
    assert result.exit_code == 2
    assert "there are 256, 512, 1024" in result.output
    with pytest.raises(CheckpointError, match="did you mean metfaces-1024"):
        CliRunner().invoke(list_command, ["--family", "metface-1024"], catch_exceptions=False)


def test_listing_needs_no_torch():
    code = "from render.commands.catalogue import chosen, table; table(chosen())"
    code += "; import sys; print('torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"

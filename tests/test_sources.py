"""No source of the project, script or package, has a way to run what a file or a preset says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(
    path
    for folder in ("render", "samples", "presets")
    for path in (ROOT / folder).rglob("*.py")
    if path.is_file()
)
FORBIDDEN_MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "dill",
    "joblib",
    "cloudpickle",
    "marshal",
    "shelve",
    "yaml",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path"}
FORBIDDEN_CALLS |= {"os.startfile", "pty.spawn", "subprocess.getoutput", "subprocess.getstatusoutput"}
SHELLS = ("os.exec", "os.spawn", "os.posix_spawn", "asyncio.create_subprocess", "multiprocessing.popen")
SAFE_YAML = {"safe", "rt"}


def dotted(node: ast.expr) -> str:
    """`torch.load` for the expression of that name; attributes of something else begin with a dot."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def constant(call: ast.Call, keyword: str, default: object) -> object:
    """A keyword's value, if it is a constant; `...` if it is computed."""
    for each in call.keywords:
        if each.arg == keyword:
            return each.value.value if isinstance(each.value, ast.Constant) else ...
    return default


def call_of_text(call: ast.Call) -> bool:
    """Whether a command is one text instead of a list of arguments."""
    command = call.args[0] if call.args else None
    is_text = isinstance(command, ast.Constant) and isinstance(command.value, str)
    return is_text or isinstance(command, ast.JoinedStr | ast.BinOp)


def mistakes(code: str) -> Iterator[str]:
    """What in that source could run data."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [each.name for each in node.names]
            )
            yield from (f"imports {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES)
        # A variable may well be called yaml.
        if isinstance(node, ast.Attribute) and dotted(node).split(".")[0] in FORBIDDEN_MODULES - {"yaml"}:
            yield f"uses {dotted(node)}"
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        if name in FORBIDDEN_CALLS or name.startswith(SHELLS):
            yield f"calls {name}"
        if name.startswith("subprocess.") and call_of_text(node):
            yield f"calls {name} with one text, which a shell would have to split"
        if name.endswith("torch.load") and constant(node, "weights_only", None) is not True:
            yield "calls torch.load without weights_only=True"
        if name.split(".")[-1] == "YAML" and constant(node, "typ", "rt") not in SAFE_YAML:
            yield "reads YAML unsafely"
        if constant(node, "shell", False) is not False:
            yield f"calls {name} with a shell"
        if constant(node, "allow_pickle", False) is not False:
            yield f"calls {name} with allow_pickle"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_can_run_data(path):
    assert list(mistakes(path.read_text("utf-8"))) == []


def test_the_package_reads_torchs_files_itself():
    sources = {path: path.read_text("utf-8") for path in SCRIPTS if path.is_relative_to(ROOT / "render")}
    assert sources
    assert [path for path, code in sources.items() if re.search(r"\btorch\.load\b", code)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from pickle import loads", "import _pickle as p", "pickle.Unpickler(f)",
        "import yaml", "torch.load(f)", "torch.load(f, weights_only=False)", "eval(x)", "exec(x)",
        "torch.load(f, weights_only=flag)", "os.system(x)", "subprocess.run(x, shell=True)",
        "subprocess.getoutput(x)", "os.execvp(x, y)", "asyncio.create_subprocess_shell(x)",
        "subprocess.run('ls')", "subprocess.Popen(f'ls {x}')", "subprocess.run('ls ' + x)",
        "YAML(typ='unsafe')", "YAML(typ=t)", "np.load(f, allow_pickle=True)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(code):
    assert list(mistakes(code))


def test_the_search_lets_harmless_code_pass():
    fine = (
        "torch.load(f, weights_only=True); model.eval(); re.compile(x); YAML(typ='safe', pure=True); YAML()"
    )
    assert list(mistakes(fine)) == []
    assert len(SCRIPTS) > 40


def test_every_test_that_security_names_is_there():
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    named = set(re.findall(r"`((?:tests/)?(?:test_\w+\.py|faults))`", text))
    assert len(named) > 15
    assert [name for name in named if not (ROOT / "tests" / name.removeprefix("tests/")).exists()] == []
    promises = [line for line in text.splitlines() if line.startswith("| ") and "`test_" in line]
    assert len(promises) > 15

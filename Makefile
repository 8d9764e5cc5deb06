# Everything a newcomer needs:  make demo  (a film in out/)   make test  (the tests)
# Both set up .venv first; a second call installs nothing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test kernels faults fuzz soak notebook beats bench lint format clean

demo: $(READY)
	$(BIN)/blendreel render presets/hello.yaml --out-dir out

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# All that PyTorch's compiler makes for a CPU, against the definitions: a minute
kernels: $(READY)
	$(BIN)/python -m pytest -m 'slow or not slow' tests/test_kernels.py

# 2,000 damaged and malicious checkpoints, and 5,000 presets, latents, pictures, sounds …: each loads or is refused
fuzz: $(READY)
	$(BIN)/python -m pytest -m slow tests/test_fuzz_checkpoints.py tests/test_fuzz_readers.py

# Renders that are killed, starved and damaged, and gone on with: seven minutes and more. See docs/reliability.md
faults: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,cluster]'
	$(BIN)/python -m pytest -m 'slow or not slow' tests/faults tests/test_crew.py

# The notebook, run top to bottom by a kernel of its own
notebook: $(READY)
	$(BIN)/python -m pytest -m slow tests/test_first_blend.py

# click tracks against the beats that librosa finds in them
beats: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,audio]'
	$(BIN)/python -m pytest -m slow tests/test_sound_beats.py

# How fast this machine draws, and that all of the benchmark goes through: docs/speed.md
bench: $(READY)
	$(BIN)/blendreel bench --size 256
	$(BIN)/python -m pytest -m slow tests/benchmarks

# 20,000 frames in one render: memory stays, nothing is left open. And the memory of 100 s against that of 10 s
soak: $(READY)
	$(BIN)/python -m pytest -m slow -s tests/test_soak.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) out .pytest_cache .ruff_cache .hypothesis

# make app opens the dashboard, make test runs every test; both work from a fresh clone.
# For a classroom: make app ADDRESS=0.0.0.0 PORT=8080. Another interpreter: make app PYTHON=python3.13.
PYTHON ?= python3
ADDRESS ?= 127.0.0.1
PORT ?= 8501
bin = .venv/bin
pytest = OMP_NUM_THREADS=1 $(bin)/pytest -n auto --dist loadfile
# Their tests hold every call to the shapes it is annotated with, which takes as long again; all others do without.
core = $(addprefix tests/,analysis cells gradients network recording seq2seq)

.PHONY: help app test pictures clean

help:
	@echo "make app       open the dashboard (ADDRESS=$(ADDRESS) PORT=$(PORT))"
	@echo "make test      style, types, who may import whom, and every test"
	@echo "make pictures  take README's pictures anew"
	@echo "make clean     remove the virtual environment"

app: .venv/app
	$(bin)/streamlit run viz_app/app.py --server.address $(ADDRESS) --server.port $(PORT)

test: .venv/test
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(pytest) $(or $(TESTS),$(core))
	$(if $(TESTS),,RNNCORE_SHAPES=unchecked $(pytest) tests $(addprefix --ignore=,$(core)))

pictures: .venv/test
	$(bin)/python docs/pictures.py

clean:
	rm -rf .venv

# Stamp files: installed again only when the requirements change.
.venv/app: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(bin)/pip install --editable .
	touch $@

.venv/test: requirements-dev.txt .venv/app
	$(bin)/pip install --requirement requirements-dev.txt
	touch $@

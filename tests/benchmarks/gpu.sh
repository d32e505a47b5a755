#!/usr/bin/env bash
# Verify offloading on a machine with an NVIDIA card, in one command from a checkout:
#
#   tests/benchmarks/gpu.sh [OUT.json] [MODEL]
#
# Builds llama-cpp-python for CUDA in a fresh virtual environment (needs CUDA's toolkit with nvcc,
# CMake and a C++ compiler), fetches MODEL (the default one, unless named), checks that the engine's
# tests pass on the card, then measures card and processor in one run: all layers on the card,
# the same verdicts, tokens a second. Ends with 0 only if all of it holds.
# WORK names a folder to keep the environment in, for another run; else it is thrown away.
set -euo pipefail

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-$PWD/gpu.json}
model=${2:-}
case $out in /*) ;; *) out=$PWD/$out ;; esac

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'gpu.sh: %s\n' "$*" >&2; exit 2; }

command -v nvidia-smi >/dev/null || fail "no nvidia-smi: is there an NVIDIA card with its driver?"
nvidia-smi --query-gpu=name,memory.free,driver_version --format=csv || fail "the driver finds no card."
if ! command -v nvcc >/dev/null; then
    PATH=$PATH:/usr/local/cuda/bin
    command -v nvcc >/dev/null || fail "no nvcc: install CUDA's toolkit, or put it on the PATH."
fi

if [ -n "${WORK:-}" ]; then
    mkdir -p "$WORK"
    work=$(cd "$WORK" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
export MEMO_HOME=$work/home PIP_DISABLE_PIP_VERSION_CHECK=1
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}

step "memo on a build of llama.cpp for CUDA"
[ -x "$work/venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$work/venv"
PATH=$work/venv/bin:$PATH
# The card's own architecture alone: compiling for all of them takes an hour.
CMAKE_ARGS="-DGGML_CUDA=on -DCMAKE_CUDA_ARCHITECTURES=native" \
    pip install --quiet --no-cache-dir --no-binary llama-cpp-python "${sources}[test]"

step "memo doctor and memo model recommend"
if [ -n "$model" ]; then
    export MEMO_MODEL=$model
    if [ ! -e "$model" ]; then memo model pull "$model" --yes; fi
    memo model pull all-minilm-l6-v2-int8 --yes
else
    memo model pull --yes
fi
memo doctor || true # a new home has no store yet; what counts is what follows
memo model recommend

cd "$sources"
step "the engine's tests, on the card"
python -m pytest -q -p no:cacheprovider -m '' tests/test_llama.py tests/test_process.py tests/test_placement.py

step "card and processor in one run"
python tests/benchmarks/run.py card --json "$out"
printf 'Figures: %s\n' "$out"

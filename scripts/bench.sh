#!/usr/bin/env bash
# One table of figures beside peers and limits:  bench.sh PROGRAM MODELS_FOLDER [ROW...]
# Rows: quality embed ingest engine large start load flood flow backup recovery telemetry guard limits memory-recall
# memory-quality memory-beside memory-feed memory-graph multihop mcp; all without a name. IBID_DATA names a folder with judged collections (scifact, cranfield, cacm, dbpedia, locomo): without it no quality
# is measured, and speeds on the manual.
set -euo pipefail
program=$(realpath "$1")
models=$(realpath "$2")
shift 2
cd "$(dirname "$0")/.."

venv=.cache/bench-venv
if ! cmp -s scripts/bench/requirements.txt "$venv/installed.txt"; then
  echo "installing the peers" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r scripts/bench/requirements.txt
  cp scripts/bench/requirements.txt "$venv/installed.txt"
fi
cargo build --quiet --release --locked --package ibid-bench --bin ibid-figures
exec "${CARGO_TARGET_DIR:-target}/release/ibid-figures" "$program" "$models" "$venv/bin/python" .cache/bench "$@"

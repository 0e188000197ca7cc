#!/usr/bin/env bash
# Every test:  test.sh MODELS_FOLDER CLIENTS_FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/supply.sh check "$(dirname "$2")/supply"
scripts/supply.sh bill "$(dirname "$2")/supply" >/dev/null

# Everything is built once, with the same features for all; the program fetches the model that the tests need.
cargo nextest run --workspace --locked --no-run
scripts/models.sh "$1" "${CARGO_TARGET_DIR:-target}/debug/ibid"
export IBID_TEST_MODELS=$1
scripts/setup-clients.sh "$2"
export IBID_TEST_CLIENTS=$2

# Installed anew where the list of packages is another than the one that was installed.
(
  cd ui
  installed=node_modules/.installed
  cmp -s package-lock.json $installed || { npm ci --no-audit --no-fund --silent && cp package-lock.json $installed; }
  npm run --silent check
  npm test --silent
)
cargo test --workspace --locked --doc --quiet
cargo nextest run --workspace --locked --no-fail-fast

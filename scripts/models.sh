#!/usr/bin/env bash
# Fetches the embedding model with the program itself:  models.sh FOLDER [PROGRAM]
set -euo pipefail
folder=$1
program=${2:-}
if [ -z "$program" ]; then
  cargo build --quiet --locked --package ibid
  program=${CARGO_TARGET_DIR:-target}/debug/ibid
fi
"$program" --set "models.dir=$folder" models verify >/dev/null 2>&1 || "$program" --set "models.dir=$folder" models pull

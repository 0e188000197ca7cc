#!/usr/bin/env bash
# Installs the Debian packages that building, testing and the demo need, where they are missing.
#   setup.sh            what `make demo` and `make test` need
#   setup.sh fuzz       and what `make fuzz` needs: libFuzzer is C++
set -euo pipefail

wanted=()
need() { command -v "$1" >/dev/null 2>&1 || wanted+=("$2"); }

need cc gcc
[ "${1:-}" != fuzz ] || need c++ g++
need make make
need python3 python3
need pip3 python3-pip
need chromium chromium
need node nodejs
need npm npm
need promtool prometheus
need pebble pebble
need prometheus-alertmanager prometheus-alertmanager
python3 -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)

if [ ${#wanted[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "installing ${wanted[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1; then
  echo "cargo is missing: install Rust 1.95 or newer (Debian's rustup package, or your own way), then run this again" >&2
  exit 1
fi
if ! cargo nextest --version >/dev/null 2>&1; then
  echo "installing cargo-nextest"
  cargo install --locked cargo-nextest
fi

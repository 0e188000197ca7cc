#!/usr/bin/env bash
# The demo:  demo.sh PROGRAM DATA_FOLDER MODELS_FOLDER
# Ingests the sample corpus and the manual, asks three questions, says how to go on.
set -euo pipefail
program=$1
data=$2
models=$3
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
ibid() { "$program" --data-dir "$data" --set "models.dir=$models" "$@"; }

rm -rf "$data"
scripts/models.sh "$models" "$program"

say '$ ibid ingest samples docs'
ibid ingest samples docs

ask() {
  say "\$ ibid ask \"$1\""
  # 7 says that the documents do not hold the answer, which is an answer too.
  ibid ask "$1" || [ $? = 7 ]
}
ask "How long may I keep a power tool?"
ask "What happens when ingest is killed in the middle?"
ask "Who won the chess world championship in 1972?"

say 'Now with your own documents:'
tell() { printf '  %-44s %s\n' "$1" "$2"; }
tell "make serve" "the demo's library as a page; it prints the link that lets you in"
tell "$program models pull" "the model for a library of your own, once"
tell "$program ingest ~/Documents" "puts a folder of yours into it"
tell "$program ask \"...\"" "asks it"
tell "$program serve" "shows it as a page"

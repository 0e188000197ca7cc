#!/usr/bin/env bash
# Fuzzing that is led by coverage:  fuzz.sh FOLDER MINUTES [ENTRY [INPUT]]
# Tries each entry of crates/fuzz for MINUTES, or ENTRY alone, or one INPUT once. FOLDER keeps what was built, what reached new code (the
# next run goes on from there), and in `faults` the inputs that did what none may.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$1"
folder=$(realpath "$1")
minutes=$2
only=${3:-}
input=${4:+$(realpath "$4")}

# Counters in all Rust code, ours and that of libraries, which a stable compiler can place; libFuzzer reads them. Programs that run while
# building have none: that is what `--target` is for.
passes="-Cpasses=sancov-module"
for option in coverage-level=4 coverage-inline-8bit-counters coverage-pc-table coverage-trace-compares; do
  passes+=" -Cllvm-args=-sanitizer-$option"
done
target=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=${IBID_FUZZ_TARGET:-$folder/target} CARGO_INCREMENTAL=0
RUSTFLAGS=$passes cargo build --quiet --locked --profile fuzz --target "$target" --package ibid-fuzz --features guided --bin ibid-fuzz-guided
program=$CARGO_TARGET_DIR/$target/fuzz/ibid-fuzz-guided

# Servers that answer nonsense are on this machine, whatever the proxy of the network.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
# An input hangs after a minute (by the clock on the wall, and others may use the machine); a process holds at most 2 GiB at any moment. What it
# may ask for at once and what it may grow by is bounded inside. Slow input that is no hang is no fault.
bounds=(-timeout=60 -rss_limit_mb=2048 -max_len=1048576 -report_slow_units=600)

if [ -n "$input" ]; then
  IBID_FUZZ_ENTRY=$only exec "$program" "${bounds[@]}" "$input"
fi

faulty=0
printf '%-18s %12s %8s %10s %10s %10s  %s\n' entry inputs minutes edges features memory faults
for entry in ${only:-$("$program")}; do
  here=$folder/$entry
  mkdir -p "$here/corpus" "$here/seeds" "$here/faults"
  touch "$here/words"
  start=$(date +%s)
  IBID_FUZZ_ENTRY=$entry IBID_FUZZ_FOLDER=$here "$program" "${bounds[@]}" -dict="$here/words" -artifact_prefix="$here/faults/" \
    -max_total_time="$(awk "BEGIN { print int($minutes * 60) }")" -print_final_stats=1 "$here/corpus" "$here/seeds" \
    >"$here/log" 2>&1 || faulty=1
  minutes_taken=$(awk "BEGIN { print int(($(date +%s) - $start) / 6 + 0.5) / 10 }")
  last=$(grep -aE '^#[0-9]+.* cov: ' "$here/log" | tail -1 || true)
  of() { sed -n "s/.* $1: \([0-9]*\).*/\1/p" <<<"$last"; }
  stat() { sed -n "s/^stat::$1: *//p" "$here/log"; }
  grep -ahE '^(fault of|last panic|==[0-9]+== ERROR|.*Test unit written|.*cannot begin|there is no entry)' "$here/log" >&2 || true
  printf '%-18s %12s %8s %10s %10s %7s MiB  %s\n' "$entry" "$(stat number_of_executed_units)" "$minutes_taken" \
    "$(of cov)" "$(of ft)" "$(stat peak_rss_mb)" "$(grep -ac 'Test unit written' "$here/log" || true)"
done
exit "$faulty"

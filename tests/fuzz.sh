#!/usr/bin/env bash
# Fuzzes every target of fuzz/ for a while, as many at once as there are cores.
#
#   tests/fuzz.sh [TARGET...]     20 seconds each; 15 minutes each with SHOSEKI_DEEP=1
#
# Environment: SHOSEKI_FUZZ_SECONDS (seconds per target), SHOSEKI_FUZZ_JOBS (targets at once),
# SHOSEKI_TESTDATA (in the deep run its small files are inputs too), CARGO_TARGET_DIR as cargo reads
# it. What is found is left in fuzz/findings/TARGET; fuzz/README.md says what to do with it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
triple=$(rustc -vV | sed -n 's/^host: //p')
seconds=${SHOSEKI_FUZZ_SECONDS:-$([ "${SHOSEKI_DEEP:-0}" = 1 ] && echo 900 || echo 20)}
jobs=${SHOSEKI_FUZZ_JOBS:-$(nproc)}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

# libFuzzer is C++, and the address sanitizer has to come with the compiler.
needs() {
  if ! command -v c++ >/dev/null 2>&1; then
    echo "c++ is missing: installing g++ with apt-get"
    as_root apt-get install -y --no-install-recommends g++ >/dev/null ||
      { echo "it could not be installed (Debian package: g++)"; return 1; }
  fi
  local runtime
  runtime=$(rustc --print target-libdir)/librustc-stable_rt.asan.a
  [ -f "$runtime" ] || runtime=$(ls "$(rustc --print target-libdir)"/librustc*rt.asan.a 2>/dev/null | head -1)
  [ -n "$runtime" ] && [ -f "$runtime" ] ||
    { echo "this compiler has no address sanitizer: install Rust with rustup for $triple"; return 1; }
}

# The flags are those of cargo-fuzz; --target keeps them away from build scripts.
build() {
  local flags="--cfg fuzzing -Cpasses=sancov-module -Zsanitizer=address"
  flags+=" -Cllvm-args=-sanitizer-coverage-level=4"
  flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
  flags+=" -Cllvm-args=-sanitizer-coverage-pc-table"
  flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
  RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$target/fuzz \
    cargo build --release --locked --target "$triple" --manifest-path fuzz/libfuzzer/Cargo.toml
  CARGO_TARGET_DIR=$target cargo build --quiet -p shoseki-fuzz --bin fuzz-seeds
}

target=$(cargo metadata --no-deps --format-version 1 |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
needs
build

export SHOSEKI_FUZZ_BINARY=$target/fuzz/$triple/release/shoseki-libfuzzer
export SHOSEKI_FUZZ_SEEDS=$target/debug/fuzz-seeds
export SHOSEKI_FUZZ_SECONDS=$seconds
SHOSEKI_FUZZ_WORK=$(mktemp -d "${TMPDIR:-/tmp}/shoseki-fuzz.XXXXXX")
export SHOSEKI_FUZZ_WORK
trap 'rm -rf "$SHOSEKI_FUZZ_WORK"' EXIT

# One target: new inputs go to a folder that is thrown away, findings stay.
one() {
  local name=$1 work=$SHOSEKI_FUZZ_WORK/$1 folders options=()
  mkdir -p "$work" "fuzz/findings/$name"
  "$SHOSEKI_FUZZ_SEEDS" "$name" "$work/seeds"
  mkdir -p "$work/new"
  folders=("$work/new" "$work/seeds")
  for folder in "fuzz/corpus/$name" "fuzz/regressions/$name"; do
    if [ -d "$folder" ]; then folders+=("$folder"); fi
  done
  if [ "${SHOSEKI_DEEP:-0}" = 1 ] && [ -d "${SHOSEKI_TESTDATA:-}/audit" ]; then
    case "$name" in import | mapping | record) folders+=("$SHOSEKI_TESTDATA/audit") ;; esac
  fi
  if [ -f "fuzz/dictionaries/$name.dict" ]; then options+=("-dict=fuzz/dictionaries/$name.dict"); fi
  local status=0
  SHOSEKI_FUZZ_TARGET=$name ASAN_OPTIONS=detect_leaks=0 "$SHOSEKI_FUZZ_BINARY" \
    -max_total_time="$SHOSEKI_FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 \
    -max_len=65536 -print_final_stats=1 -artifact_prefix="fuzz/findings/$name/" \
    ${options[@]+"${options[@]}"} "${folders[@]}" >"$work/log" 2>&1 || status=$?
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  if [ "$status" = 0 ]; then
    rmdir "fuzz/findings/$name" 2>/dev/null || true
    printf '%-10s ok       %9s executions\n' "$name" "$runs"
  else
    printf '%-10s FOUND    %9s executions\n' "$name" "${runs:-?}"
    grep -aE -A3 'panicked at|ERROR:' "$work/log" | head -20
    ls "fuzz/findings/$name"
    return 1
  fi
}
export -f one

if [ "$#" -gt 0 ]; then names=("$@"); else mapfile -t names < <("$SHOSEKI_FUZZ_SEEDS"); fi
printf '%s targets, %s seconds each, %s at once\n' "${#names[@]}" "$seconds" "$jobs"
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'one {}'
rmdir fuzz/findings 2>/dev/null || true

#!/usr/bin/env bash
# The served OpenAPI document, and the server behind it, tried by schemathesis with all its checks.
#
# Cases come from the document: examples, edges of each schema, random ones, and chains of
# operations along its links. What OpenAPI can't say stands in schemathesis/hooks.py and
# schemathesis/schemathesis.toml, each with its reason.
#
# Environment: SHOSEKI_BIN as tests/run sets it; SHOSEKI_DEEP=1 for many more cases;
# SHOSEKI_SEED (default 20261121); SHOSEKI_TOOLS_DIR (default ~/.cache/shoseki-tools) keeps the
# virtual environment, which is made from the package registry where it is missing.
set -euo pipefail

version=4.32.5
cases_min=2000
bin=$SHOSEKI_BIN
seed=${SHOSEKI_SEED:-20261121}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/schemathesis
tools=${SHOSEKI_TOOLS_DIR:-$HOME/.cache/shoseki-tools}/schemathesis-$version
examples=25
if [ "${SHOSEKI_DEEP:-0}" = 1 ]; then examples=150; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/schemathesis.XXXXXX")
server=
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
  rm -rf "$work"
}
trap stop EXIT
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# --- the tool -----------------------------------------------------------------------------------

if ! "$tools/bin/schemathesis" --version >/dev/null 2>&1; then
  echo "schemathesis is missing: installing schemathesis==$version from PyPI into $tools"
  rm -rf "$tools"
  python3 -m venv "$tools" || fail "no virtual environment (Debian package: python3-venv)"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
    "schemathesis==$version" || fail "schemathesis==$version could not be installed"
fi
"$tools/bin/schemathesis" --version

# --- the server ---------------------------------------------------------------------------------

unset SHOSEKI_DATA_DIR SHOSEKI_CONFIG
exec 3< <(exec "$bin" serve --data-dir "$work/data" --listen 127.0.0.1:0 2>&1)
server=$!
url=
until [ -n "$url" ]; do
  read -r said <&3 || fail "the server did not start: $(cat "$work/log")"
  printf '%s\n' "$said" >>"$work/log"
  url=$(grep -o 'http://127\.0\.0\.1:[0-9]*' <<<"$said" | head -n 1 || true)
done
# Read on, so that it never waits for whoever reads its log. The token is there by now.
cat <&3 >>"$work/log" &
SHOSEKI_TOKEN=$(cat "$work/data/dev-token")
export SHOSEKI_TOKEN SCHEMATHESIS_HOOKS=hooks

# --- the run ------------------------------------------------------------------------------------

status=0
cd "$work"
PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 "$tools/bin/schemathesis" \
  --config-file "$here/schemathesis.toml" run "$url/openapi.json" \
  --checks all --phases examples,coverage,fuzzing,stateful \
  --max-examples "$examples" --seed "$seed" --continue-on-failure \
  --report json --report-json-path "$work/report.json" \
  -H "Authorization: Bearer $SHOSEKI_TOKEN" >"$work/said" 2>&1 || status=$?
kill -0 "$server" 2>/dev/null || fail "the server ended: $(tail -n 20 "$work/log")"
if [ "$status" != 0 ]; then cut -c 1-2000 "$work/said"; fi
"$tools/bin/python" - "$work/report.json" "$cases_min" <<'PY' || fail "see above"
import json, sys

report = json.load(open(sys.argv[1]))
cases, least = report["test_cases"], int(sys.argv[2])
print("of valid requests, by operation: taken, not found, in conflict, refused")
for operation, phases in sorted(report["valid_rates"].items()):
    names = ("accepted", "unreachable", "conflicts", "rejected")
    sums = [sum(phase[name] for phase in phases.values()) for name in names]
    print(f"  {operation}: {', '.join(map(str, sums))}")
# What went out but says too little is no check.
checked = cases["generated"] - cases["without_checks"]
failures, errors = cases["unique_failures"], cases["errored"] + len(report["errors"])
tested, total = report["operations"]["tested"], report["operations"]["total"]
print(f"{checked} cases on {tested} of {total} operations, {failures} failures, {errors} errors")
whole = report["complete"] and tested == total and all(
    phase["status"] == "success" for phase in report["phases"].values()
)
sys.exit(0 if whole and checked >= least and not failures and not errors else 1)
PY
[ "$status" = 0 ] || fail "schemathesis ended with $status"

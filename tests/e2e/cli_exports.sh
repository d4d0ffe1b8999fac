#!/usr/bin/env bash
# Exports of real trails and of hostile records, accepted by a check that was written from the
# contract alone (accept/verify_log.py), over sealed segments, an active one, a reopen and a kill.
#
# Environment: SHOSEKI_BIN, SHOSEKI_ROOT, SHOSEKI_TESTDATA as tests/run sets them;
# SHOSEKI_ACCEPT (default: ../shared/accept beside the workspace);
# SHOSEKI_HOSTILE_RECORDS (default: 100000), SHOSEKI_HOSTILE (a generator that is built already).
set -euo pipefail

bin=$SHOSEKI_BIN
root=$SHOSEKI_ROOT
data=${SHOSEKI_TESTDATA:-$root/../shared/testdata}
accept=${SHOSEKI_ACCEPT:-$root/../shared/accept}/verify_log.py
work=$(mktemp -d "${TMPDIR:-/tmp}/cli-exports.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset SHOSEKI_DATA_DIR SHOSEKI_CONFIG

if [ ! -f "$accept" ] || [ ! -d "$data/audit" ]; then
  if [ "${SHOSEKI_REQUIRE_TESTDATA:-0}" = 1 ]; then
    echo "no test data or no acceptance check"
    exit 1
  fi
  echo "skipped: no test data"
  exit 0
fi

# Not standard output: that of a command may go to a file.
exec 4>&1
fail() { printf 'FAILED: %s\n' "$*" >&4; exit 1; }

# accepted LOG RECORDS SEALED: the export is whole, and outsiders accept it.
accepted() {
  local log=$1 records=$2 sealed=$3 said
  "$bin" --data-dir "$log" checkpoint >"$log.checkpoint"
  "$bin" --data-dir "$log" key vkey >"$log.vkey"
  "$bin" --data-dir "$log" export --quiet -o "$log.jsonl"
  said=$(python3 "$accept" "$log.jsonl" --log-json "$log/log.json" \
    --checkpoint "$log.checkpoint" --vkey "$log.vkey") || fail "$log: $said"
  python3 - "$said" "$records" <<'PY' || fail "$log: $said instead of $records records"
import json, sys
said = json.loads(sys.argv[1])
sys.exit(0 if said["faults"] == 0 and said["records"] == int(sys.argv[2]) else 1)
PY
  [ "$("$bin" --data-dir "$log" segments | grep -c '"sealed":true')" -ge "$sealed" ] ||
    fail "$log: fewer than $sealed sealed segments"
  "$bin" verify "$log" --checkpoint "$log.checkpoint" --vkey "$log.vkey" >"$log.report" ||
    fail "$log: $(cat "$log.report")"
  "$bin" verify "$log.jsonl" --quiet >/dev/null || fail "$log.jsonl does not verify"
  printf '%s: %s records, 0 faults\n' "$(basename "$log")" "$records"
}

# --- every CloudTrail delivery, in three parts ----------------------------------------------------

log=$work/cloudtrail
mapfile -t deliveries < <(find "$data/audit/cloudtrail-invictus" -name '*.json' | sort)
third=$(((${#deliveries[@]} + 2) / 3))
for part in 0 1 2; do
  "$bin" --data-dir "$log" --quiet import cloudtrail "${deliveries[@]:part*third:third}" >/dev/null
  "$bin" --data-dir "$log" seal --quiet >/dev/null
done
echo '{"timestamp":"2026-01-01T00:00:00Z","actor_type":"system","actor_id":"e2e","action":"END","result":"success"}' |
  "$bin" --data-dir "$log" append --quiet >/dev/null
accepted "$log" 988 3

# --- every other sample, by its map ---------------------------------------------------------------

log=$work/samples
total=0
# import_sample FORMAT FILE [OPTION...]: the authors of some samples cut events down until they had no
# time or no action, or changed one under its id; those are refused (status 2), the others go in.
import_sample() {
  local format=$1 file=$2 got=0
  shift 2
  "$bin" --data-dir "$log" --quiet import "$format" "$@" "$data/audit/$file" \
    >"$work/summary" 2>"$work/refused" || got=$?
  case $got in 0 | 2) ;; *) fail "status $got: $(cat "$work/refused")" ;; esac
  if grep -vE 'no (timestamp|action)|timestamp: expected|conflict: ' "$work/refused" >&4; then fail "$file"; fi
  total=$((total + $(python3 -c 'import json, sys; print(json.load(sys.stdin)["accepted"])' <"$work/summary")))
}
seal() { "$bin" --data-dir "$log" --quiet seal >/dev/null; }
# Some samples show different events under one id, which would be conflicts: without the rule for
# audit_id each event has an id of its own.
for map in "$root"/tools/import/maps/*.toml; do grep -v '^audit_id' "$map" >"$work/$(basename "$map")"; done
sed -i '1i [input]\nitems = "events"\nevent = "event"' "$work/auditd-coalesced.toml"
import_sample jsonl panther-okta.jsonl --map "$work/okta.toml" --root event
import_sample jsonl panther-gworkspace.jsonl --map "$work/gworkspace.toml" --root event
seal
import_sample jsonl panther-gcp-audit.jsonl --map "$work/gcp-audit.toml" --root event
import_sample jsonl gcp-audit-cloudevents.jsonl --map "$work/gcp-audit.toml" --root event
import_sample jsonl panther-azure-signin.jsonl --map "$work/azure-signin.toml" --root event
seal
import_sample jsonl fhir-r4 --map "$work/fhir-r4.toml"
import_sample jsonl ocsf-samples.jsonl --map "$work/ocsf.toml" --root ocsf
seal
import_sample jsonl auditd-libaudit/coalesced.jsonl --map "$work/auditd-coalesced.toml"
import_sample k8s k8s-audit2rbac-demo.jsonl
import_sample k8s k8s-eks-ocsf-sample.json
import_sample cloudtrail cloudtrail-eventbridge-custodian.jsonl --root event
[ "$total" -gt 430 ] || fail "only $total samples were imported"
accepted "$log" "$total" 3

# --- hostile records: three sealed segments, an active one, a reopen and a kill -------------------

log=$work/hostile
count=${SHOSEKI_HOSTILE_RECORDS:-100000}
hostile=${SHOSEKI_HOSTILE:-$(dirname "$bin")/examples/hostile}
[ -n "${SHOSEKI_HOSTILE:-}" ] ||
  (cd "$root" && cargo build --quiet --release -p shoseki-lab --example hostile)
[ -x "$hostile" ] || fail "no generator at $hostile"
"$hostile" 7 "$count" "$data/strings/blns.json" >"$work/lines"
quarter=$((count / 4))
for part in 0 1 2; do
  sed -n "$((part * quarter + 1)),$(((part + 1) * quarter))p" "$work/lines" |
    "$bin" --data-dir "$log" append --quiet >>"$work/receipts"
  "$bin" --data-dir "$log" seal --quiet >/dev/null
done
# The rest comes over a pipe that stays open; the process is killed with receipts in our hands.
tail -n +$((3 * quarter + 1)) "$work/lines" >"$work/rest"
mkfifo "$work/pipe"
"$bin" --data-dir "$log" append --quiet <"$work/pipe" >"$work/killed" &
appending=$!
exec 3>"$work/pipe"
head -n 2000 "$work/rest" >&3
until [ -s "$work/killed" ]; do kill -0 "$appending" 2>/dev/null || fail "the appender ended"; done
kill -9 "$appending"
wait "$appending" 2>/dev/null || true
exec 3>&-
# Sent again as a whole: what has a receipt is known, the others go in.
"$bin" --data-dir "$log" append --quiet <"$work/rest" >"$work/again"
python3 - "$work/killed" "$work/again" <<'PY' || fail "a receipt of the killed process is not in the log"
import json, sys
again = {}
for line in open(sys.argv[2]):
    receipt = json.loads(line)
    again[receipt["audit_id"]] = receipt
held = open(sys.argv[1], "rb").read().split(b"\n")
held = [json.loads(line) for line in held[:-1]]
for receipt in held:
    receipt["duplicate"] = True
print(f"killed with {len(held)} receipts in hand")
sys.exit(0 if held and all(again[r["audit_id"]] == r for r in held) else 1)
PY
accepted "$log" "$count" 3

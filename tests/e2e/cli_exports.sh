#!/usr/bin/env bash
# Exports of real trails and of hostile records, accepted by a check that was written from the
# contract alone (accept/verify_log.py), over sealed segments, an active one, a reopen and a kill.
#
# Environment: SHOSEKI_BIN, SHOSEKI_ROOT, SHOSEKI_TESTDATA as tests/run sets them;
# SHOSEKI_ACCEPT (default: ../shared/accept beside the workspace);
# SHOSEKI_HOSTILE_RECORDS (default: 100000).
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

fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# ended WANTED COMMAND...: the command ends with this status.
ended() {
  local wanted=$1 got=0
  shift
  "$@" || got=$?
  [ "$got" = "$wanted" ] || fail "status $got instead of $wanted: $*"
}

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
  "$bin" --data-dir "$log" import cloudtrail "${deliveries[@]:part*third:third}" >/dev/null
  "$bin" --data-dir "$log" seal --quiet >/dev/null
done
echo '{"timestamp":"2026-01-01T00:00:00Z","actor_type":"system","actor_id":"e2e","action":"END","result":"success"}' |
  "$bin" --data-dir "$log" append --quiet >/dev/null
accepted "$log" 988 3

# --- every other sample, by its map ---------------------------------------------------------------

log=$work/samples
total=0
# import_sample STATUS MAP FILE [OPTION...]: some events of the samples were cut down by their
# authors and have no time; those are refused (status 2), the others go in.
import_sample() {
  local wanted=$1 map=$2 file=$3
  shift 3
  ended "$wanted" "$bin" --data-dir "$log" import jsonl --map "$map" "$@" "$data/audit/$file" \
    >"$work/summary" 2>"$work/refused"
  total=$((total + $(python3 -c 'import json, sys; print(json.load(sys.stdin)["accepted"])' <"$work/summary")))
}
nested=$work/auditd.toml
{ printf '[input]\nitems = "events"\nevent = "event"\n'; cat "$root/tools/maps/auditd-coalesced.toml"; } >"$nested"
import_sample 2 okta panther-okta.jsonl --root event
import_sample 2 gworkspace panther-gworkspace.jsonl --root event
"$bin" --data-dir "$log" seal --quiet >/dev/null
import_sample 2 gcp-audit panther-gcp-audit.jsonl --root event
import_sample 0 gcp-audit gcp-audit-cloudevents.jsonl --root event
import_sample 0 azure-signin panther-azure-signin.jsonl --root event
"$bin" --data-dir "$log" seal --quiet >/dev/null
import_sample 0 fhir-r4 fhir-r4
import_sample 0 ocsf ocsf-samples.jsonl --root ocsf
"$bin" --data-dir "$log" seal --quiet >/dev/null
import_sample 0 "$nested" auditd-libaudit/coalesced.jsonl
for arguments in "0 k8s k8s-audit2rbac-demo.jsonl" "0 k8s k8s-eks-ocsf-sample.json" \
  "2 cloudtrail cloudtrail-eventbridge-custodian.jsonl --root event"; do
  read -r wanted kind file options <<<"$arguments"
  # shellcheck disable=SC2086
  ended "$wanted" "$bin" --data-dir "$log" import "$kind" $options "$data/audit/$file" \
    >"$work/summary" 2>"$work/refused"
  total=$((total + $(python3 -c 'import json, sys; print(json.load(sys.stdin)["accepted"])' <"$work/summary")))
done
[ "$total" -gt 450 ] || fail "only $total samples were imported"
accepted "$log" "$total" 3

# --- hostile records: three sealed segments, an active one, a reopen and a kill -------------------

log=$work/hostile
count=${SHOSEKI_HOSTILE_RECORDS:-100000}
hostile=$(dirname "$bin")/examples/hostile
(cd "$root" && cargo build --quiet --release -p shoseki-tools --example hostile)
[ -x "$hostile" ] || fail "no generator at $hostile"
"$hostile" 7 "$count" "$data/strings/blns.json" >"$work/lines"
quarter=$((count / 4))
for part in 0 1 2; do
  tail -n +$((part * quarter + 1)) "$work/lines" | head -n "$quarter" |
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

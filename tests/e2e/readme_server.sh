#!/usr/bin/env bash
# The server session of the README, as it stands there, against a server with nothing configured.
# Where its port is taken, another one takes its place in the lines.
#
# Environment: SHOSEKI_BIN, SHOSEKI_ROOT as tests/run sets them.
set -euo pipefail

shoseki=$SHOSEKI_BIN
root=$SHOSEKI_ROOT
work=$(mktemp -d "${TMPDIR:-/tmp}/readme-server.XXXXXX")
server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  rm -rf "$work"
}
trap finish EXIT
for name in $(compgen -e | grep '^SHOSEKI_' || true); do unset "$name"; done
cd "$work"

fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

awk '/<!-- server session: begin -->/ { inside = 1; next }
     /<!-- server session: end -->/ { inside = 0 }
     inside && !/^```/' "$root/README.md" >session
[ "$(grep -c '^api \|^\$shoseki ' session)" -ge 12 ] || fail "the session was not found"

port=8080
listen=()
if (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  sed -i "s/127\.0\.0\.1:8080/127.0.0.1:$port/" session
  listen=(--listen "127.0.0.1:$port")
fi
exec 3< <(exec "$shoseki" serve ${listen[@]+"${listen[@]}"} 2>&1)
server=$!
said=
: >serve.log
until [[ $said == "listening on "* ]]; do
  read -r said <&3 || fail "the server does not start: $(cat serve.log)"
  printf '%s\n' "$said" >>serve.log
done
# Read on, so that it never waits for whoever reads its log.
cat <&3 >>serve.log &

shoseki=$shoseki bash -euo pipefail session >answers 2>faults || fail "$(cat faults answers)"
python3 - answers <<'PY' || fail "the answers are not what the README says"
import json, sys

with open(sys.argv[1]) as file:
    text = file.read().splitlines()
lines = [json.loads(line) for line in text if line.startswith("{")]
problems = [line for line in lines if "errorCode" in line]

def one(what, test, among=lines, count=1):
    found = sum(1 for line in among if test(line))
    if found != count:
        sys.exit(f"{what}: {found}, not {count}\n" + "\n".join(text))

one("a record", lambda line: line.get("accepted") == 1)
one("an array", lambda line: line.get("accepted") == 2 and line["first_seq"] < line["last_seq"])
one("receipts of a stream", lambda line: "audit_id" in line and "hash" in line
    and "action" not in line, count=2)
one("its summary", lambda line: line.get("summary", {}).get("accepted") == 2)
def found(line):
    return [record.get("action") for record in line["records"]] if "next_cursor" in line else None

one("a search", lambda line: found(line) == ["READ_PATIENT"])
one("a search for a patient", lambda line: found(line) == ["CREATE_CLAIM", "READ_PATIENT"])
one("a proof", lambda line: line.get("verification", {}).get("hash") == "valid"
    and line["verification"]["checkpoint"].count("\n") >= 5)
one("statistics", lambda line: line.get("total") == 5 and line["buckets"])
one("a verification", lambda line: line.get("status") == "valid" and not line["findings"])
one("problems", lambda line: True, problems)
one("every fault of it", lambda line: {item["pointer"] for item in line["errors"]}
    >= {"/timestamp", "/actor_type", "/action", "/result", "/facility_id"}, problems)
one("records by the command line", lambda line: line.get("integrity_status") == "valid", count=2)
if not any(line.startswith("valid  http://127.0.0.1:") for line in text):
    sys.exit("the command line found something\n" + "\n".join(text))
PY

kill -TERM "$server"
wait "$server" || fail "the server did not end with 0"
server=
printf 'the README session of the server runs as it stands\n'

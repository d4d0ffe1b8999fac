#!/usr/bin/env bash
# Clients that others wrote against a server with nothing configured: Python's requests and Java's
# HttpClient. What is not installed is said and left out.
#
# Environment: SHOSEKI_BIN, SHOSEKI_ROOT as tests/run sets them.
set -euo pipefail

shoseki=$SHOSEKI_BIN
clients=$SHOSEKI_ROOT/tests/e2e/clients
work=$(mktemp -d "${TMPDIR:-/tmp}/clients.XXXXXX")
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

exec 3< <(exec "$shoseki" --data-dir log serve --listen 127.0.0.1:0 2>&1)
server=$!
said=
until [[ $said == "listening on "* ]]; do
  read -r said <&3 || { echo "FAILED: the server does not start: $said"; exit 1; }
done
# Read on, so that it never waits for whoever reads its log.
cat <&3 >serve.log &
url=${said#listening on }
token=$(cat log/dev-token)

if python3 -c 'import requests' 2>/dev/null; then
  python3 "$clients/with_requests.py" "$url" "$token"
else
  echo "skipped: Python's requests is not installed"
fi
if command -v javac >/dev/null; then
  java "$clients/WithHttpClient.java" "$url" "$token"
else
  echo "skipped: no Java compiler is installed"
fi

kill "$server"
wait "$server"
server=
"$shoseki" --data-dir log verify

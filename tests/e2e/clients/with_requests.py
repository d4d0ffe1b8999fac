"""Python's requests as a client: what it sends by itself (chunks, keep-alive, encodings) is taken,
and what it is answered reaches it.

Arguments: address of the server, token.
"""

import gzip
import json
import sys

import requests

BASE, TOKEN = sys.argv[1:]


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: requests: {what}")


def record(number, **more):
    return {
        "audit_id": f"018f0000-0000-7000-8000-{number:012x}", "timestamp": "2026-03-01T10:00:00+09:00",
        "actor_type": "user", "actor_id": "佐藤", "action": "READ_CHART", "result": "success",
        "facility_id": "requests", **more,
    }


session = requests.Session()
session.headers["Authorization"] = f"Bearer {TOKEN}"
log = f"{BASE}/v1/audit-logs"

one = session.post(log, json=record(0))
check(one.status_code == 201 and one.json()["accepted"] == 1, one.text)
again = session.post(log, json=record(0))
check(again.status_code == 200 and again.json()["records"][0]["duplicate"], again.text)

packed = gzip.compress(json.dumps([record(n) for n in range(1, 101)]).encode())
headers = {"Content-Type": "application/json; charset=UTF-8", "Content-Encoding": "gzip"}
many = session.post(log, data=packed, headers=headers)
check(many.status_code == 201 and many.json()["accepted"] == 100, many.text)

# A generator is sent in chunks; the receipts are read while they come.
lines = (json.dumps(record(n)).encode() + b"\n" for n in range(101, 1101))
headers = {"Content-Type": "application/x-ndjson"}
with session.post(log, data=lines, headers=headers, stream=True) as streamed:
    check(streamed.status_code == 200, streamed.text)
    receipts = [json.loads(line) for line in streamed.iter_lines()]
check(len(receipts) == 1001 and receipts[-1]["summary"]["accepted"] == 1000, receipts[-1])

# All pages, by the cursor and by the link.
found, parameters = [], {"facility_id": "requests", "limit": 500, "order": "asc"}
page = session.get(log, params=parameters)
while True:
    check(page.status_code == 200, page.text)
    check(page.headers["Content-Encoding"] == "gzip", "the page is compressed")
    found += page.json()["records"]
    if page.json()["next_cursor"] is None:
        check("next" not in page.links, page.links)
        break
    link = page.links["next"]["url"]
    page = session.get(requests.compat.urljoin(BASE, link))
check(len(found) == 1101 and found[0]["actor_id"] == "佐藤", len(found))

wrong = session.post(log, json=record(5000, result="ok", timestamp="2026-03-01T10:00:00"))
check(wrong.status_code == 422 and len(wrong.json()["errors"]) == 2, wrong.text)
check(wrong.headers["Content-Type"] == "application/problem+json", wrong.headers)
check(requests.get(log).status_code == 401, "without a token")
# The answer arrives although the body was not read to its end.
large = session.post(log, data=b"[" + b" " * (20 << 20) + b"]", headers={"Content-Type": "application/json"})
check(large.status_code == 413, large.status_code)
check(session.head(log).status_code == 200 and session.options(log).status_code == 204, "HEAD, OPTIONS")
print("requests", requests.__version__, "is served")

#!/usr/bin/env python3
"""A newcomer's first hour with the server: nothing configured, real trails in, questions answered,
a proof checked by code that is not the server's, and a file changed behind its back.

Environment: SHOSEKI_BIN, SHOSEKI_ROOT, SHOSEKI_TESTDATA as tests/run sets them. Standard library
only; the server listens on a free port of loopback.
"""

import base64
import collections
import glob
import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import uuid

BIN = os.environ["SHOSEKI_BIN"]
DATA = os.environ.get("SHOSEKI_TESTDATA", os.environ["SHOSEKI_ROOT"] + "/../shared/testdata")


def fail(what):
    sys.exit(f"FAILED: {what}")


def check(condition, what):
    if not condition:
        fail(what)


# --- the server -----------------------------------------------------------------------------------


class Server:
    """`shoseki serve` in a directory of its own."""

    def __init__(self, work):
        self.dir = os.path.join(work, "shoseki-data")
        variables = {k: v for k, v in os.environ.items() if not k.startswith("SHOSEKI_")}
        self.process = subprocess.Popen(
            [BIN, "serve", "--listen", "127.0.0.1:0"],
            cwd=work, env=variables, stderr=subprocess.PIPE, text=True,
        )
        self.lines, self.base, self.token = [], None, None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                self.base = found.group(1)
            if re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", line):
                self.token = line.strip()
            if self.base and (self.token or "development token is in" in line):
                break
        check(self.base, f"the server does not listen: {self.lines}")
        if self.token is None:
            with open(os.path.join(self.dir, "dev-token")) as file:
                self.token = file.read().strip()

    def ask(self, path, body=None, token=True, headers=None, method=None):
        """Status, headers and body of an answer."""
        request = urllib.request.Request(self.base + path, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if body is not None:
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            if not request.has_header("Content-type"):
                request.add_header("Content-Type", "application/json")
            request.data = body
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def ok(self, path, body=None, statuses=(200, 201), **more):
        status, _, answer = self.ask(path, body, **more)
        check(status in statuses, f"{path}: {status} {answer[:600]}")
        return json.loads(answer) if answer[:1] in b"{[" else answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        check(self.process.wait(timeout=30) == 0, "the server did not end with 0")


# --- trails of others, mapped as a newcomer would ---------------------------------------------------


def namespaced(*parts):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(str(part) for part in parts)))


def cloudtrail():
    for path in sorted(glob.glob(f"{DATA}/audit/cloudtrail-invictus/*.json")):
        with open(path) as file:
            for event in json.load(file)["Records"]:
                who = event.get("userIdentity", {})
                yield {
                    "audit_id": event["eventID"], "timestamp": event["eventTime"],
                    "actor_type": "user" if who.get("type") in ("IAMUser", "Root") else "system",
                    "actor_id": who.get("arn") or who.get("invokedBy") or "unknown",
                    "action": event["eventName"], "target_type": event["eventSource"],
                    "request_id": event.get("requestID"), "source_ip": event.get("sourceIPAddress"),
                    "facility_id": event.get("recipientAccountId", "aws"),
                    "result": "failure" if event.get("errorCode") else "success", "detail": event,
                }


def kubernetes():
    with open(f"{DATA}/audit/k8s-audit2rbac-demo.jsonl") as file:
        for number, line in enumerate(file):
            event = json.loads(line)
            yield {
                "audit_id": namespaced("k8s", number), "timestamp": event["timestamp"],
                "actor_type": "user", "actor_id": event["user"]["username"],
                "action": f"K8S_{event['verb'].upper()}", "facility_id": "k8s",
                "source_ip": (event.get("sourceIPs") or [None])[0],
                "result": "success" if event["responseStatus"].get("code", 200) < 400 else "failure",
                "detail": event,
            }


def fhir():
    for path in sorted(glob.glob(f"{DATA}/audit/fhir-r4/*.json")):
        with open(path) as file:
            event = json.load(file)
        agent = event["agent"][0]
        who = agent.get("altId") or agent.get("who", {}).get("identifier", {}).get("value")
        yield {
            "audit_id": namespaced("fhir", event["id"]), "timestamp": event["recorded"],
            "actor_type": "user", "actor_id": who or agent.get("name") or "unknown",
            "action": "FHIR_" + event["type"]["code"], "facility_id": "fhir",
            "result": "success" if event.get("outcome", "0") == "0" else "failure",
            "detail": {"event": event, "patientId": event["id"]},
        }


# --- what an outsider computes ----------------------------------------------------------------------


def hash_of(line):
    """SHA-512 of the body inside an API record (CONTRACT 1.6)."""
    body = re.sub(rb',"seq":\d+,"hash":"[0-9a-f]{128}","chain_hash":"[0-9a-f]{128}",'
                  rb'"integrity_status":"valid"\}$', b"}", line)
    return hashlib.sha512(body).digest()


def sha256(data):
    return hashlib.sha256(data).digest()


def root_of(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    node, last, path = leaf, size - 1, list(path)
    while last:
        if index % 2 or index == last:
            node = sha256(b"\1" + path.pop(0) + node)
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            node = sha256(b"\1" + node + path.pop(0))
        index, last = index // 2, last // 2
    check(not path, "the proof is too long")
    return node


def record_bytes(answer):
    """The record of a detail answer, byte for byte."""
    text = answer.decode()
    begin = text.index('{"record":') + len('{"record":')
    _, end = json.JSONDecoder().raw_decode(text[begin:])
    return text[begin:begin + end].encode()


# --- the hour ---------------------------------------------------------------------------------------


def main():
    if not os.path.isdir(f"{DATA}/audit"):
        if os.environ.get("SHOSEKI_REQUIRE_TESTDATA") == "1":
            fail("no test data")
        print("skipped: no test data")
        return
    with tempfile.TemporaryDirectory() as work:
        server = Server(work)
        try:
            hour(server)
        finally:
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()


def hour(server):
    check(server.base.startswith("http://127.0.0.1:"), "it listens on loopback")
    check(server.ok("/healthz", token=False) == {"ok": True}, "healthz")
    check(server.ok("/readyz", token=False)["ready"] is True, "readyz")

    # An error explains itself.
    status, headers, answer = server.ask("/v1/audit-logs", token=False)
    problem = json.loads(answer)
    check(status == 401 and headers["WWW-Authenticate"].startswith("Bearer"), "401")
    check(headers["Content-Type"] == "application/problem+json", "problem+json")
    check(problem["requestId"] == headers["x-request-id"], "request id")
    wrong = [{"timestamp": "2026-11-21 09:00", "actor_type": "human", "action": "", "result": "ok"}]
    status, _, answer = server.ask("/v1/audit-logs", wrong)
    faults = {fault["pointer"] for fault in json.loads(answer)["errors"]}
    wanted = {"/timestamp", "/actor_type", "/actor_id", "/action", "/result", "/facility_id"}
    check(status == 422 and faults == wanted, f"every fault at once: {faults}")

    # Records in: arrays, gzip, a stream, a retry.
    trail, k8s, patients = list(cloudtrail()), list(kubernetes()), list(fhir())
    seen = {}
    trail = [seen.setdefault(event["audit_id"], event) for event in trail if event["audit_id"] not in seen]
    receipts = {}
    for begin in range(0, len(trail), 500):
        part = trail[begin:begin + 500]
        body = gzip.compress(json.dumps(part, ensure_ascii=False).encode())
        answer = server.ok("/v1/audit-logs", body, headers={
            "Content-Encoding": "gzip", "Content-Type": "application/json; charset=UTF-8"})
        check(answer["accepted"] == len(part), "all are new")
        receipts.update({receipt["audit_id"]: receipt for receipt in answer["records"]})
    again = server.ok("/v1/audit-logs", trail[:500], statuses=(200,))
    check(again["accepted"] == 0 and all(r["duplicate"] for r in again["records"]), "a retry")
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in k8s)
    status, headers, answer = server.ask(
        "/v1/audit-logs", lines + b"\nnot json\n", headers={"Content-Type": "application/x-ndjson"})
    answers = [json.loads(line) for line in answer.splitlines()]
    check(status == 200 and headers["Content-Type"] == "application/x-ndjson", "a stream")
    check(answers[-1] == {"summary": {"accepted": len(k8s), "duplicates": 0, "refused": 1,
                                      "lines": len(k8s) + 1}}, f"summary {answers[-1]}")
    check(answers[-2]["line"] == len(k8s) + 2 and answers[-2]["status"] == 400, "the bad line")
    receipts.update({line["audit_id"]: line for line in answers[:-2]})
    nameless = b"\n".join(json.dumps(dict(event, audit_id=None)).encode() for event in k8s[:3])
    for accepted, duplicates in ((3, 0), (0, 3)):
        status, _, answer = server.ask("/v1/audit-logs", nameless, headers={
            "Content-Type": "application/x-ndjson", "Idempotency-Key": "stream-1"})
        summary = json.loads(answer.splitlines()[-1])["summary"]
        check((summary["accepted"], summary["duplicates"]) == (accepted, duplicates),
              f"a stream with a key: {summary}")
    for event in patients:
        receipt = server.ok("/v1/audit-logs", event)["records"][0]
        receipts[receipt["audit_id"]] = receipt
    check(len(receipts) == len(trail) + len(k8s) + len(patients), "a receipt for each")
    sent = trail + k8s + patients + k8s[:3]
    changed = dict(trail[0], action="Other")
    status, _, answer = server.ask("/v1/audit-logs", changed)
    conflict = json.loads(answer)["errors"]
    check(status == 409 and conflict == [{"index": 0, "audit_id": trail[0]["audit_id"]}], "409")

    # Search, with cursors, against a naive filter.
    actor = collections.Counter(event["actor_id"] for event in trail).most_common(1)[0][0]
    found, cursor, pages = [], None, 0
    while True:
        body = {"actor_id": actor, "limit": 37, **({"cursor": cursor} if cursor else {})}
        page = server.ok("/v1/audit-logs/search", body)
        found += page["records"]
        pages += 1
        cursor = page["next_cursor"]
        if cursor is None:
            break
    expected = {event["audit_id"] for event in sent if event["actor_id"] == actor}
    check({record["audit_id"] for record in found} == expected, "search by actor")
    check(len({record["seq"] for record in found}) == len(found) and pages > 1,
          "no record twice over pages")
    times = [record["timestamp"] for record in found]
    check(times == sorted(times, reverse=True), "newest first")
    patient = server.ok("/v1/audit-logs?patient_id=" + patients[0]["detail"]["patientId"])
    check([r["audit_id"] for r in patient["records"]] == [patients[0]["audit_id"]], "by patient")
    prefix = server.ok("/v1/audit-logs?action=K8S_*&limit=1000")["records"]
    check(len(prefix) == len(k8s) + 3, "by prefix of the action")
    status, headers, csv = server.ask("/v1/audit-logs?facility_id=k8s", headers={"Accept": "text/csv"})
    check(status == 200 and csv.count(b"\r\n") == len(k8s) + 4, "CSV")
    status, _, answer = server.ask("/v1/audit-logs?actor=x&limit=0")
    check(status == 400 and len(json.loads(answer)["errors"]) == 2, "unknown parameters")

    # One record with its proof, checked here.
    one = trail[len(trail) // 2]["audit_id"]
    status, _, answer = server.ask(f"/v1/audit-logs/{one}")
    check(status == 200, "detail")
    detail = json.loads(answer)
    digest = hash_of(record_bytes(answer))
    check(digest.hex() == receipts[one]["hash"] == detail["record"]["hash"], "hash")
    inclusion = detail["verification"]["inclusion"]
    note = detail["verification"]["checkpoint"].split("\n")
    check(int(note[1]) == inclusion["tree_size"], "the proof is against the checkpoint")
    path = [base64.b64decode(hash) for hash in inclusion["hashes"]]
    root = root_of(sha256(b"\0" + digest), inclusion["leaf_index"], inclusion["tree_size"], path)
    check(base64.b64encode(root).decode() == note[2], "the root is the signed one")
    verify_signature(server, detail["verification"]["checkpoint"])

    # Statistics against a naive count.
    stats = server.ok("/v1/audit-logs/stats?top=5&bucket=month")
    check(stats["total"] == len(sent), f"total {stats['total']} of {len(sent)}")
    by_result = collections.Counter(event["result"] for event in sent)
    check({k: v for k, v in stats["by_result"].items() if v} == dict(by_result), "by result")
    by_action = collections.Counter(event["action"] for event in sent)
    check(stats["by_action"] == dict(by_action), "by action")
    check(sum(bucket["total"] for bucket in stats["buckets"]) == len(sent), "buckets")

    # The server wrote who asked.
    audited = server.ok("/v1/audit-logs?action=AUDIT_QUERY&limit=1000")["records"]
    check(len(audited) >= 5 and all(r["ingested_by"] == "shoseki" for r in audited), "self-audit")
    check(server.ok("/v1/audit-logs?action=ERROR_RECORD_409*")["records"], "errors are recorded")

    document = server.ok("/openapi.json", token=False)
    check(document["openapi"].startswith("3.1"), "OpenAPI")
    check(b"swagger" in server.ask("/docs/", token=False)[2].lower(), "a page to read it")

    tamper(server, one, receipts[one])
    server.stop()
    check(subprocess.run([BIN, "--data-dir", server.dir, "query", "--limit", "1"],
                         capture_output=True).returncode in (0, 1), "the log opens again")
    print(f"{len(sent)} records, proof, statistics and tampering as they should be")


def verify_signature(server, checkpoint):
    """Ed25519 by openssl, over the text of the signed note."""
    text, _, signatures = checkpoint.rpartition("\n\n")
    with open(os.path.join(server.dir, "log.vkey")) as file:
        name, key_id, key = file.read().strip().split("+", 2)
    mine = [line for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    raw = base64.b64decode(mine[0].rsplit(" ", 1)[1])
    check(raw[:4].hex() == key_id, "the key's id")
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(key)[1:]
    with tempfile.TemporaryDirectory() as work:
        for file, content in (("m", text.encode() + b"\n"), ("s", raw[4:]), ("k", der)):
            with open(f"{work}/{file}", "wb") as out:
                out.write(content)
        said = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey",
             f"{work}/k", "-in", f"{work}/m", "-sigfile", f"{work}/s"], capture_output=True)
    check(said.returncode == 0, f"the checkpoint's signature: {said.stderr}")


def tamper(server, one, receipt):
    """One byte of a sealed file changes; the server says where."""
    whole = server.ok("/v1/audit-logs/integrity-check", {})
    check(whole["status"] == "valid" and not whole["findings"], f"valid before: {whole}")
    server.ok("/v1/segments/seal", b"", headers={"Content-Type": "application/json"}, method="POST")
    sealed = [s for s in server.ok("/v1/segments")["segments"] if s["sealed"]]
    path = os.path.join(server.dir, sealed[0]["path"])
    with open(path, "rb") as file:
        content = bytearray(file.read())
    # The bytes of the id stand beside the compressed text.
    at = content.index(uuid.UUID(one).bytes)
    content[at] ^= 1
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(content[at:at + 1])
    seq = receipt["seq"]
    told = server.ok("/v1/audit-logs/integrity-check", {"first_seq": seq, "last_seq": seq})
    check(told["status"] == "tampered", f"tampered: {told}")
    names = [f for f in told["findings"] if f.get("seq", -1) <= seq <= f.get("seq_last", f.get("seq", -1))]
    check(names, f"the record {seq} is named: {told['findings']}")
    record = server.ok(f"/v1/audit-logs?order=seq&after_seq={seq - 1}&limit=1")["records"][0]
    check(record == {"seq": seq, "integrity_status": "tampered"}
          or (record["seq"] == seq and record["integrity_status"] == "tampered"), f"{record}")


main()

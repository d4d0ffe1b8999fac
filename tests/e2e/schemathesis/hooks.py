"""What OpenAPI can't say about valid requests, so that schemathesis makes them valid.

Only cases that are meant to be valid are touched, and only where two values have to agree with each
other or with the state of the server. Cases that are meant to be refused go out as they were made.
"""

import datetime
import itertools
import json
import re

import schemathesis
from schemathesis import GenerationMode

SOURCE_SYSTEM = "server-modernized"
PAIRS = [
    ("from", "to"),
    ("received_from", "received_to"),
    ("first_seq", "last_seq"),
    ("old", "new"),
]
SEARCHES = ("/v1/audit-logs", "/v1/audit-logs/search")
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def moment(value):
    """A time as nanoseconds, a number as itself; None where it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return None
    day, clock, fraction, sign, hours, minutes = match.groups()
    try:
        local = datetime.datetime.fromisoformat(f"{day}T{clock}+00:00")
    except ValueError:
        return None
    offset = (int(hours) * 60 + int(minutes)) * 60 if sign else 0
    seconds = int(local.timestamp()) - (-offset if sign == "-" else offset)
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))


def order(values):
    """The beginning of a period or range lies before its end."""
    for first, last in PAIRS:
        begin, end = moment(values.get(first)), moment(values.get(last))
        if begin is None or end is None:
            continue
        if begin > end:
            values[first], values[last] = values[last], values[first]
        elif begin == end and first not in ("first_seq", "old"):
            del values[last]


def whole(value):
    """To JSON Schema 392.0 is an integer; the server, which keeps numbers as they are written,
    takes 392 only."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def integers(values):
    for name, value in values.items():
        values[name] = [whole(one) for one in value] if isinstance(value, list) else whole(value)


def words(values):
    """A word has a letter or a digit of any script: no two pattern engines write that alike."""
    given = values.get("word")
    if isinstance(given, list):
        values["word"] = [word_of(word) for word in given]
    elif given is not None:
        values["word"] = word_of(given)


def word_of(text):
    is_word = not isinstance(text, str) or re.search("[0-9A-Za-z]", text)
    return text if is_word else text[:1023] + "0"


# A cursor is good for the question that it was an answer to, and only the server makes one.
questions = {}


def continued(values):
    """The same question as before, where the cursor is one of its answer; otherwise no cursor."""
    cursor = values.pop("cursor", None)
    if cursor in questions:
        values.clear()
        values.update(questions[cursor], cursor=cursor)


def question(values):
    integers(values)
    continued(values)
    order(values)
    words(values)


def agree(record):
    """What a record has to agree with: its caller, its producer, itself."""
    if "eventId" not in record:
        # The development token is of no single facility, so none can be filled in.
        if record.get("facility_id") is None:
            record["facility_id"] = "f-1"
        return
    # The producer's list is part of the configuration.
    record["sourceSystem"] = SOURCE_SYSTEM
    # A name stands in the record or in its detail.
    detail = record.get("detail")
    if isinstance(detail, dict):
        taken = {name for name, value in record.items() if value is not None} - {"detail"}
        record["detail"] = {name: value for name, value in detail.items() if name not in taken}


# Ids of records that went out, and how many more asked for one of them.
sent = set()
again = itertools.count(1)


def fresh(records):
    """The example's id in every case would make each of them a conflict with the first; so most get
    one of their own. Every eighth keeps it: conflicts and repeats are answers too. Within one
    request an id stands once, since two records of one id are a fault."""
    own = set()
    for record in records:
        for name in ("audit_id", "eventId"):
            given = record.get(name)
            if not isinstance(given, str):
                continue
            if given.lower() in own or given.lower() in sent and next(again) % 8:
                record[name] = f"00000000-0000-8000-8000-{next(again):012x}"
            own.add(record[name].lower())
    sent.update(own)


# Names of anchors that the server listed: nobody guesses when a segment was sealed.
anchors = []


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if case.operation.path == "/v1/anchors/{date}" and anchors and next(again) % 2:
        case.path_parameters["date"] = anchors[next(again) % len(anchors)]
    if isinstance(case.query, dict):
        question(case.query)
    if case.media_type == "application/x-ndjson" and case.headers:
        # Its lines are taken at different times, so one key does not do for them.
        case.headers.pop("Idempotency-Key", None)
    if case.media_type != "application/json":
        return
    if case.operation.path == "/v1/audit-logs":
        records = case.body if isinstance(case.body, list) else [case.body]
        records = [record for record in records if isinstance(record, dict)]
        for record in records:
            integers(record)
            agree(record)
        fresh(records)
    elif isinstance(case.body, dict):
        question(case.body)


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code != 200:
        return
    if case.operation.path == "/v1/anchors" and case.method.upper() == "GET":
        anchors[:] = [anchor["name"] for anchor in response.json()["anchors"]]
    if case.operation.path in SEARCHES:
        asked = case.query if case.method.upper() == "GET" else case.body
        try:
            cursor = response.json().get("next_cursor")
        except (ValueError, AttributeError):
            return
        if cursor and isinstance(asked, dict):
            questions[cursor] = {name: value for name, value in asked.items() if name != "cursor"}


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A stream is sent as it is: any text is one, and each line of it a record or a fault."""
    if isinstance(value, str):
        return {"data": value.encode()}
    values = value if isinstance(value, list) else [value]
    return {"data": b"".join(json.dumps(one).encode() + b"\n" for one in values)}

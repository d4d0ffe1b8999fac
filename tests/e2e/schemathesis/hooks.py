"""What OpenAPI can't say about valid requests, so that schemathesis makes them valid.

Only cases that are meant to be valid are touched, and only where two values have to agree with each
other or with the state of the server. Cases that are meant to be refused go out as they were made.
"""

import datetime
import re

import schemathesis
from schemathesis import GenerationMode

SOURCE_SYSTEM = "server-modernized"
PAIRS = [("from", "to"), ("received_from", "received_to"), ("first_seq", "last_seq"), ("old", "new")]
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def moment(value):
    """A time as nanoseconds, a number as itself; None where it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
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
        elif begin == end and isinstance(values[first], str):
            del values[last]


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
        record["detail"] = {k: v for k, v in detail.items() if record.get(k) is None or k == "detail"}
        if "detail" in record["detail"] and not isinstance(record["detail"]["detail"], dict):
            del record["detail"]["detail"]


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if isinstance(case.query, dict):
        order(case.query)
    if case.operation.path == "/v1/audit-logs" and case.media_type == "application/json":
        records = case.body if isinstance(case.body, list) else [case.body]
        records = [record for record in records if isinstance(record, dict)]
        ids = set()
        for record in records:
            agree(record)
            # One id for two records of a request is one record, or a fault.
            for name in ("audit_id", "eventId"):
                own = record.get(name)
                if isinstance(own, str) and own.lower() in ids:
                    if name == "audit_id":
                        del record[name]
                    else:
                        record[name] = f"00000000-0000-8000-8000-{len(ids):012x}"
                if isinstance(record.get(name), str):
                    ids.add(record[name].lower())
    elif isinstance(case.body, dict):
        order(case.body)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """A stream is sent as it is: any text is one, and each line of it a record or a fault."""
    text = value if isinstance(value, (str, bytes)) else str(value)
    return {"data": text.encode() if isinstance(text, str) else text}

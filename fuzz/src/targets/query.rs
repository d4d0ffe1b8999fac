//! Cursors and filters.
//!
//! A cursor that is read is written again as it was. For records and a filter that the input gives,
//! the quick check and the index, in memory and in a file, leave out nothing that matches, and
//! where a plan calls itself exact they say what the records say.

use shoseki_engine::index::file::{IndexFile, IndexFileWriter, IndexIdentity};
use shoseki_engine::index::shard::{ShardBuilder, ShardLookup, Slot};
use shoseki_engine::index::terms::Extractor;
use shoseki_engine::query::{
    ActionPattern, AddressPattern, Cursor, DetailFilter, DetailPath, Filter, Order, Plan,
    PlanScratch, Verdict, Word,
};
use shoseki_engine::record::{
    ActorType, AuditId, Body, Limits, Outcome, Record, Salt, Sensitivity, Stamp, Timestamp,
    encode_body,
};
use shoseki_engine::types::{ChainHash, Seq};

use crate::fixture;

/// Most records of one input.
const RECORDS_MAX: usize = 16;

pub(super) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (asked, lines) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut filter = Filter::default();
    for line in asked.lines() {
        spellings(line);
        if let Some((name, value)) = line.split_once('=') {
            set(&mut filter, name, value);
        }
    }
    cursors(&filter, data);
    let bodies: Vec<Vec<u8>> =
        (0_u8..).zip(lines.lines()).filter_map(body).take(RECORDS_MAX).collect();
    if !bodies.is_empty() {
        compare(&filter, &bodies);
    }
}

fn spellings(line: &str) {
    if let Ok(cursor) = line.parse::<Cursor>() {
        assert_eq!(cursor.to_string(), line);
    }
    if let Ok(pattern) = AddressPattern::parse(line) {
        assert_eq!(AddressPattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern));
    }
    if let Ok(path) = DetailPath::parse(line) {
        assert!(path.names().iter().all(|name| !name.is_empty()));
    }
    if let Ok(time) = Timestamp::parse(line) {
        assert_eq!(Timestamp::parse_canonical(&time.to_string()), Some(time));
    }
    if let Some(id) = AuditId::parse(line) {
        assert_eq!(AuditId::parse_canonical(&id.to_string()), Some(id));
    }
}

fn set(filter: &mut Filter, name: &str, value: &str) {
    let own = || value.to_owned();
    match name {
        "from" => filter.from = Timestamp::parse(value).ok(),
        "to" => filter.to = Timestamp::parse(value).ok(),
        "actor_id" => filter.actor_id.push(own()),
        "actor_type" => filter.actor_type.extend(ActorType::parse(value)),
        "actor_role" => filter.actor_role.push(own()),
        "action" => filter.action.push(ActionPattern::parse(value)),
        "result" => filter.result.extend(Outcome::parse(value)),
        "target_type" => filter.target_type.push(own()),
        "target_id" => filter.target_id.push(own()),
        "facility_id" => filter.facility_id.push(own()),
        "request_id" => filter.request_id.push(own()),
        "trace_id" => filter.trace_id.push(own()),
        "source_ip" => filter.source_ip.extend(AddressPattern::parse(value)),
        "sensitivity" => filter.sensitivity.extend(Sensitivity::parse(value)),
        "pii_flag" => filter.pii_flag = value.parse().ok(),
        "detail" => filter.detail.extend(DetailFilter::parse(value)),
        "patient" => filter.detail.push(DetailFilter::patient(vec![own()])),
        "word" => filter.words.push(Word::new(value)),
        _ => {}
    }
}

fn cursors(filter: &Filter, data: &[u8]) {
    let number = |at: usize| {
        data.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
    };
    let (time, seq) = (number(0).cast_signed(), Seq(number(8)));
    for (order, other) in
        [(Order::Ascending, Order::Descending), (Order::Descending, Order::Ascending)]
    {
        let text = Cursor::behind(filter, order, time, seq).to_string();
        let cursor: Cursor = text.parse().unwrap();
        assert_eq!(cursor.position(filter, order), Ok((time, seq)));
        assert!(cursor.position(filter, other).is_err());
    }
}

fn body((n, line): (u8, &str)) -> Option<Vec<u8>> {
    let record = Record::from_json(line.as_bytes(), &Limits::default()).ok()?;
    let stamp = Stamp {
        audit_id: record.audit_id.unwrap_or(AuditId::from_bytes([n; 16])),
        received_at: Timestamp::from_unix_micros(1_795_000_000_000_000)?,
        ingested_by: None,
        salt: Salt::from_bytes([n; 12]),
    };
    let mut body = Vec::new();
    encode_body(&record, &stamp, &mut body);
    Some(body)
}

fn compare(filter: &Filter, bodies: &[Vec<u8>]) {
    let parsed: Vec<Body<'_>> = bodies.iter().map(|body| Body::parse(body).unwrap()).collect();
    let matches: Vec<bool> = parsed.iter().map(|body| filter.matches(body)).collect();
    let quick = filter.quick_check();
    for (body, matches) in bodies.iter().zip(&matches) {
        assert!(!matches || quick.passes(body), "the quick check leaves out a match");
    }
    let (mut shard, mut extractor) = (ShardBuilder::new(0), Extractor::new());
    for body in &parsed {
        shard.push(&Slot::Record(&extractor.slot_keys(body)));
    }
    candidates(filter, &shard, &matches);
    let identity = IndexIdentity {
        first_seq: 0,
        count: bodies.len() as u64,
        chain_after: ChainHash([0; 64]),
        erased: 0,
    };
    let mut writer = IndexFileWriter::new(Vec::new(), identity).unwrap();
    writer.push(&shard.encode()).unwrap();
    let file = IndexFile::open(writer.finish().unwrap(), &identity).unwrap();
    candidates(filter, file.shard(0).unwrap(), &matches);
}

fn candidates(filter: &Filter, shard: &dyn ShardLookup, matches: &[bool]) {
    let plan = Plan::new(filter);
    let verdict = plan.candidates(shard, &mut PlanScratch::default()).unwrap();
    let (found, exact): (Box<dyn Fn(u16) -> bool>, bool) = match verdict {
        Verdict::None => (Box::new(|_| false), true),
        Verdict::All { exact } => (Box::new(|_| true), exact),
        Verdict::Some { set, exact } => (Box::new(move |place| set.contains(place)), exact),
    };
    for (place, matches) in (0_u16..).zip(matches) {
        assert!(!matches || found(place), "the index leaves out record {place}");
        assert!(!exact || *matches == found(place), "record {place} is no exact answer");
    }
    assert!(!plan.rules_out(&shard.times()) || !matches.contains(&true));
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let lines = fixture::LINES.clone();
    let records = lines.join(&b'\n');
    let cursor = Cursor::behind(&Filter::default(), Order::Ascending, 5, Seq(7)).to_string();
    let asked = [
        String::new(),
        cursor,
        "from=2024-01-01T00:00:00Z\nto=2030-01-01T00:00:00+09:00\nresult=success".to_owned(),
        "actor_id=u000001\naction=READ_*\nactor_type=user\nactor_role=nurse".to_owned(),
        "source_ip=10.0.0.0/8\nsource_ip=2001:db8::/32\nsource_ip=::ffff:192.0.2.0/120".to_owned(),
        "detail=a.b\\.c=1.10\npatient=P-1\nsensitivity=high\npii_flag=true".to_owned(),
        "word=chart\nword=\u{ff8a}\u{ff9f}\nword=\u{691c}\u{67fb}\n\
         word=0198c1e0-0000-7000-8000-000000000000"
            .to_owned(),
        "target_type=patient\ntarget_id=1\nfacility_id=x\nrequest_id=r\ntrace_id=T".to_owned(),
    ];
    asked.iter().map(|asked| [asked.as_bytes(), b"\n\n", &records].concat()).collect()
}

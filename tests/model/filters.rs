//! Random filters, mostly over values that occur.

use shoseki_engine::query::{
    ActionPattern, AddressPattern, Bucket, BucketUnit, DetailFilter, Filter, Word,
};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};
use shoseki_engine::types::Seq;

use crate::numbers::Numbers;
use crate::records::{
    ACTORS, FACILITIES, NOTES, PATIENTS, REQUESTS, ROLES, SOURCES, TARGET_TYPES, TARGETS, TRACES,
};
use crate::world::World;

/// Of producers, without their key ids.
const NAMES: [&str; 4] = ["shoseki", "p1", "p2", "nobody"];
const WORDS: [&str; 18] = [
    "血圧",
    "血",
    "圧が",
    "患者",
    "高い",
    "chart",
    "READ",
    "strasse",
    "öl",
    "ＡＢＣ",
    "カルテ",
    "follow-up visit",
    "needle",
    "nothing like it",
    "dr",
    "192.0.2.7",
    "quoted",
    "",
];
const PATTERNS: [&str; 8] =
    ["READ_CHART", "READ*", "READ_PATIENT", "*", "LOGIN", "予約*", "NEVER", "WRITE*"];
const NETWORKS: [&str; 8] = [
    "192.0.2.0/24",
    "192.0.2.7",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8::/64",
    "::/0",
    "gateway.example",
    "203.0.113.0/24",
];

/// A filter of a few conditions; times near those of `times`.
pub(crate) fn filter(numbers: &mut Numbers, world: &World) -> Filter {
    let times = &world.times;
    let mut filter = Filter::default();
    if numbers.once_in(3) {
        filter.from = bound(numbers, times);
    }
    if numbers.once_in(3) {
        filter.to = bound(numbers, times);
    }
    for _ in 0..numbers.below(4) {
        condition(numbers, &mut filter);
    }
    if numbers.once_in(3) {
        origin(numbers, &mut filter, world);
    }
    filter
}

fn bound(numbers: &mut Numbers, times: &[i64]) -> Option<Timestamp> {
    let near = if times.is_empty() { 0 } else { numbers.pick(times) };
    let offset = numbers.pick(&[0, 0, 1, -1, 1_000_000_000, -86_400_000_000_000]);
    Timestamp::from_unix_nanos(near.saturating_add(offset))
}

fn condition(numbers: &mut Numbers, filter: &mut Filter) {
    let own = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<String>>();
    match numbers.below(17) {
        0 | 1 => filter.actor_id = own(numbers.some(&ACTORS)),
        2 => {
            let all = [ActorType::User, ActorType::Device, ActorType::System];
            filter.actor_type = numbers.some(&all);
        }
        3 => filter.actor_role = own(numbers.some(&ROLES)),
        4 => {
            let patterns = numbers.some(&PATTERNS);
            filter.action = patterns.into_iter().map(ActionPattern::parse).collect();
        }
        5 => {
            let all = [Outcome::Success, Outcome::Failure, Outcome::Warning];
            filter.result = numbers.some(&all);
        }
        6 => filter.target_type = own(numbers.some(&TARGET_TYPES)),
        7 => filter.target_id = own(numbers.some(&TARGETS)),
        8 => filter.facility_id = own(numbers.some(&FACILITIES)),
        9 => filter.request_id = own(numbers.some(&REQUESTS)),
        10 => filter.trace_id = own(numbers.some(&TRACES)),
        11 => {
            let networks = [&NETWORKS[..], &SOURCES].concat();
            let parse = |text| AddressPattern::parse(text).unwrap();
            filter.source_ip = numbers.some(&networks).into_iter().map(parse).collect();
        }
        12 => {
            let all = [Sensitivity::Low, Sensitivity::Medium, Sensitivity::High];
            filter.sensitivity = numbers.some(&all);
        }
        13 => filter.pii_flag = Some(numbers.once_in(2)),
        14 => filter.detail.push(detail(numbers)),
        _ => {
            let words = [&WORDS[..], &NOTES, &ACTORS, &REQUESTS, &TRACES, &TARGETS].concat();
            filter.words.push(Word::new(numbers.pick(&words)));
        }
    }
}

/// A condition on how records came in, or who may see them.
fn origin(numbers: &mut Numbers, filter: &mut Filter, world: &World) {
    let own = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<String>>();
    match numbers.below(7) {
        0 => filter.ingested_by = own(numbers.some(&NAMES)),
        1 => filter.not_ingested_by = own(numbers.some(&NAMES)),
        2 => filter.facility_scope = Some(own(numbers.some(&FACILITIES))),
        3 => filter.received_from = arrival(numbers, &world.received),
        4 => filter.received_to = arrival(numbers, &world.received),
        5 => {
            filter.received_from = arrival(numbers, &world.received);
            filter.received_to = arrival(numbers, &world.received);
        }
        _ => filter.after_seq = Some(Seq(numbers.below(world.bodies.len() as u64 + 2))),
    }
}

fn arrival(numbers: &mut Numbers, received: &[i64]) -> Option<Timestamp> {
    let near = if received.is_empty() { 0 } else { numbers.pick(received) };
    let offset = numbers.pick(&[0, 0, 1, -1, 50_000, -1_000_000_000]);
    Timestamp::from_unix_nanos(near.saturating_add(offset))
}

fn detail(numbers: &mut Numbers) -> DetailFilter {
    let own = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<String>>();
    match numbers.below(5) {
        0 | 1 => DetailFilter::patient(own(numbers.some(&PATIENTS))),
        2 => DetailFilter::member("note", own(numbers.some(&NOTES))),
        3 => DetailFilter::claim(vec![(10_000 + numbers.below(22)).to_string()]),
        _ => DetailFilter::member("claimId", vec![(10_000 + numbers.below(22)).to_string()]),
    }
}

pub(crate) fn division(numbers: &mut Numbers) -> Option<Bucket> {
    use BucketUnit::{Day, Hour, Minute, Month, Week};
    let unit = numbers.pick(&[None, Some(Minute), Some(Hour), Some(Day), Some(Week), Some(Month)]);
    unit.map(|unit| Bucket { unit, utc_offset_minutes: numbers.pick(&[0, 540, -300, 345]) })
}

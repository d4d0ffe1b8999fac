//! From a filter to questions for an index.
//!
//! Invariant: the candidates of a shard hold every record of it that matches. What can't be read is
//! always a candidate, unless a scope is asked for; what is erased only where nothing but times is
//! asked. Seqs and `received_at` are no part of a plan: whoever asks cuts the log by them.
//! Knows nothing of how an index is stored or of where records are.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::address::{AddressPattern, Source};
use super::detail::DetailFilter;
use super::filter::{ActionPattern, Filter};
use super::words::Word;
use crate::format::TimeRange;
use crate::index::shard::{Keyword, RecordSet, SHARD_RECORDS, ShardError, ShardLookup, TimeSpan};
use crate::index::terms::{
    AllOf, IdKind, id_number_term, id_terms, network_term, number_term, phrase_terms, whole_term,
};
use crate::text::{Phrase, Units};

/// Records of one tile of times, in words of 64.
const TILE_WORDS: usize = 4;

/// What one shard has to say about a filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// No record of the shard matches.
    None,
    /// Every record of the shard may match.
    All {
        /// Whether each of them does, without reading; erased and unreadable ones aside.
        exact: bool,
    },
    /// Some records may match.
    Some {
        /// Which.
        set: RecordSet,
        /// Whether each of them does, without reading; erased and unreadable ones aside.
        exact: bool,
    },
}

/// A filter as an index is asked for it; made once per query.
#[derive(Clone, Debug)]
pub struct Plan {
    from: Option<i64>,
    to: Option<i64>,
    time_only: bool,
    /// Whether the clauses say all that the filter says.
    exact: bool,
    /// All must hold; the cheapest first.
    clauses: Vec<Clause>,
    /// None may hold; the index knows them exactly.
    refusals: Vec<(Keyword, String)>,
    /// Whether records of which the index does not know where they belong stay out.
    scoped: bool,
}

/// Buffers of [`Plan::candidates`], to be used again.
#[derive(Debug, Default)]
pub struct PlanScratch {
    /// What a clause takes.
    any: RecordSet,
    /// What several terms have in common.
    all: RecordSet,
    one: RecordSet,
    spans: Vec<Option<TimeSpan>>,
    units: Units,
}

/// One of the lookups must find a record.
#[derive(Clone, Debug)]
struct Clause(Vec<Lookup>);

#[derive(Clone, Debug)]
enum Lookup {
    Terms(AllOf),
    Value(Keyword, String),
    Addresses(RangeInclusive<u32>),
    Prefix(Keyword, String),
    /// Values that contain it.
    Phrase(Keyword, Arc<Phrase>),
}

/// How far a range of times lies in the one asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Surely,
    Partly,
    Not,
}

impl Plan {
    /// The plan of a filter.
    #[must_use]
    pub fn new(filter: &Filter) -> Self {
        let nanos = |time: crate::record::Timestamp| time.unix_nanos();
        let mut plan = Self {
            from: filter.from.map(nanos),
            to: filter.to.map(nanos),
            time_only: filter.is_time_only(),
            exact: true,
            clauses: Vec::new(),
            refusals: Vec::new(),
            scoped: filter.facility_scope.is_some(),
        };
        plan.keywords(filter);
        plan.producers(filter);
        plan.scope(filter);
        plan.identifiers(filter);
        filter.detail.iter().for_each(|detail| plan.detail(detail));
        filter.words.iter().for_each(|word| plan.word(word));
        plan.clauses.sort_by_key(Clause::cost);
        plan
    }

    /// The records of a shard that may match.
    ///
    /// # Errors
    /// [`ShardError`] where the index is damaged: its records have to be read then.
    pub fn candidates(
        &self,
        shard: &dyn ShardLookup,
        scratch: &mut PlanScratch,
    ) -> Result<Verdict, ShardError> {
        let within = self.within(shard.times());
        if self.asks_nothing() && within == Within::Surely {
            return Ok(Verdict::All { exact: self.exact });
        }
        let mut set = RecordSet::new();
        let mut exact = self.exact;
        if within != Within::Not {
            every_record(shard, &mut set, scratch)?;
            for clause in &self.clauses {
                if set.is_empty() {
                    break;
                }
                clause.find(shard, scratch)?;
                set.intersect(&scratch.any);
            }
            for (field, value) in &self.refusals {
                scratch.one.clear();
                shard.keyword(*field, value, &mut scratch.one)?;
                set.subtract(&scratch.one);
            }
            if within == Within::Partly {
                exact &= self.cut_times(shard, &mut set, &mut scratch.spans)?;
            }
        }
        if !self.scoped {
            shard.unreadable(&mut set)?;
        }
        if self.time_only {
            shard.erased(&mut set)?;
        }
        Ok(if set.is_empty() { Verdict::None } else { Verdict::Some { set, exact } })
    }

    /// Whether a shard or file whose records have these times can be left out unasked, provided
    /// that it has no erased or unreadable records.
    #[must_use]
    pub fn rules_out(&self, times: &TimeRange) -> bool {
        self.within(*times) == Within::Not
    }

    fn asks_nothing(&self) -> bool {
        self.clauses.is_empty() && self.refusals.is_empty()
    }

    fn within(&self, times: TimeRange) -> Within {
        let TimeRange { min, max } = times;
        let after = |time| self.from.is_none_or(|from| from <= time);
        let before = |time| self.to.is_none_or(|to| time < to);
        match (after(max) && before(min), after(min) && before(max)) {
            (false, _) => Within::Not,
            (true, false) => Within::Partly,
            (true, true) => Within::Surely,
        }
    }

    /// Takes records out that surely lie outside. True where the rest surely lies inside.
    fn cut_times(
        &self,
        shard: &dyn ShardLookup,
        set: &mut RecordSet,
        spans: &mut Vec<Option<TimeSpan>>,
    ) -> Result<bool, ShardError> {
        let mut exact = true;
        for (tile, words) in set.words_mut().chunks_exact_mut(TILE_WORDS).enumerate() {
            if words.iter().all(|word| *word == 0) {
                continue;
            }
            match self.within(shard.tile_times(tile)?) {
                Within::Surely => continue,
                Within::Not => {
                    words.fill(0);
                    continue;
                }
                Within::Partly => shard.spans(tile, spans)?,
            }
            let mut spans = spans.iter();
            for word in words {
                for (bit, span) in (0..u64::BITS).zip(spans.by_ref()) {
                    if *word >> bit & 1 == 0 {
                        continue;
                    }
                    let span =
                        span.map_or(TimeRange::EMPTY, |s| TimeRange { min: s.min, max: s.max });
                    match self.within(span) {
                        Within::Surely => {}
                        Within::Partly => exact = false,
                        Within::Not => *word &= !(1 << bit),
                    }
                }
            }
        }
        Ok(exact)
    }

    fn keywords(&mut self, filter: &Filter) {
        for (field, values) in [
            (Keyword::ActorId, &filter.actor_id),
            (Keyword::ActorRole, &filter.actor_role),
            (Keyword::TargetType, &filter.target_type),
            (Keyword::FacilityId, &filter.facility_id),
        ] {
            self.values(field, values.iter().map(String::as_str));
        }
        self.values(Keyword::ActorType, filter.actor_type.iter().map(|kind| kind.as_str()));
        self.values(Keyword::Result, filter.result.iter().map(|result| result.as_str()));
        self.values(Keyword::Sensitivity, filter.sensitivity.iter().map(|level| level.as_str()));
        let pii = filter.pii_flag.map(|pii| if pii { "true" } else { "false" });
        self.values(Keyword::PiiFlag, pii.into_iter());
        let actions = filter.action.iter().map(|pattern| match pattern {
            ActionPattern::Exact(action) => Lookup::Value(Keyword::Action, action.clone()),
            ActionPattern::Prefix(prefix) => Lookup::Prefix(Keyword::Action, prefix.clone()),
        });
        self.exact_clause(actions.collect());
    }

    fn producers(&mut self, filter: &Filter) {
        self.values(Keyword::IngestedBy, filter.ingested_by.iter().map(String::as_str));
        let refused = filter.not_ingested_by.iter();
        self.refusals.extend(refused.map(|name| (Keyword::IngestedBy, name.clone())));
    }

    fn scope(&mut self, filter: &Filter) {
        let Some(scope) = &filter.facility_scope else { return };
        let facility = |value: &String| Lookup::Value(Keyword::FacilityId, value.clone());
        // An empty scope is a clause that nothing satisfies.
        self.clauses.push(Clause(scope.iter().map(facility).collect()));
    }

    fn values<'a>(&mut self, field: Keyword, values: impl Iterator<Item = &'a str>) {
        self.exact_clause(values.map(|value| Lookup::Value(field, value.to_owned())).collect());
    }

    fn exact_clause(&mut self, lookups: Vec<Lookup>) {
        if !lookups.is_empty() {
            self.clauses.push(Clause(lookups));
        }
    }

    /// A clause that may find more than the filter takes; `None` among the lookups finds all.
    fn clause(&mut self, lookups: impl Iterator<Item = Option<Lookup>>) {
        self.exact = false;
        if let Some(lookups) = lookups.collect::<Option<Vec<Lookup>>>() {
            self.clauses.push(Clause(lookups));
        }
    }

    fn identifiers(&mut self, filter: &Filter) {
        let whole = |id: &String| Some(Lookup::Terms(vec![whole_term(&Units::of(id))]));
        let target = |id: &String| Some(Lookup::Terms(id_terms(IdKind::Target, id)));
        if !filter.target_id.is_empty() {
            self.clause(filter.target_id.iter().map(target));
        }
        for ids in [&filter.request_id, &filter.trace_id] {
            if !ids.is_empty() {
                self.clause(ids.iter().map(whole));
            }
        }
        if !filter.source_ip.is_empty() {
            self.clause(filter.source_ip.iter().map(source));
        }
    }

    fn detail(&mut self, detail: &DetailFilter) {
        if detail.values.is_empty() {
            return;
        }
        let kind = |names: &[String]| match names {
            [name] => IdKind::of_detail_name(name),
            _ => None,
        };
        let mut kinds: Vec<Option<IdKind>> =
            detail.paths.iter().map(|path| kind(path.names())).collect();
        kinds.dedup();
        let places = kinds.iter().flat_map(|kind| {
            detail.values.iter().flat_map(move |value| match kind {
                Some(kind) => id_lookups(*kind, value),
                None => value_lookups(value),
            })
        });
        let target = |value: &String| Some(Lookup::Terms(id_terms(IdKind::Target, value)));
        let targets = detail.target_type.iter().flat_map(|_| detail.values.iter().map(target));
        self.clause(places.chain(targets));
    }

    fn word(&mut self, word: &Word) {
        if word.is_empty() {
            return;
        }
        let phrase = Arc::new(word.phrase().clone());
        let in_values = [
            Keyword::ActorId,
            Keyword::ActorRole,
            Keyword::Action,
            Keyword::TargetType,
            Keyword::FacilityId,
        ]
        .map(|field| Some(Lookup::Phrase(field, Arc::clone(&phrase))));
        let terms = phrase_terms(phrase.units());
        let whole = Some(vec![whole_term(phrase.units())]).filter(|whole| *whole != terms);
        let address = word.address().map(|address| match address {
            IpAddr::V4(v4) => Lookup::Addresses(v4.to_bits()..=v4.to_bits()),
            IpAddr::V6(v6) => Lookup::Terms(network_term(v6, 128).into_iter().collect()),
        });
        let others = [Some(Lookup::Terms(terms)), whole.map(Lookup::Terms), address];
        self.clause(in_values.into_iter().chain(others.into_iter().flatten().map(Some)));
    }
}

fn source(pattern: &AddressPattern) -> Option<Lookup> {
    Some(match pattern.source() {
        Source::V4(range) => Lookup::Addresses(range),
        Source::V6(network, bits) => Lookup::Terms(vec![network_term(network, bits)?]),
        Source::Name(name) => Lookup::Terms(vec![whole_term(&Units::of(name))]),
    })
}

/// An identifier may be a string or a number.
fn id_lookups(kind: IdKind, value: &str) -> Vec<Option<Lookup>> {
    let mut lookups = vec![Some(Lookup::Terms(id_terms(kind, value)))];
    if is_number(value) {
        lookups.push(Some(Lookup::Terms(vec![id_number_term(kind, value)])));
    }
    lookups
}

fn value_lookups(value: &str) -> Vec<Option<Lookup>> {
    let terms = phrase_terms(&Units::of(value));
    let mut lookups = vec![(!terms.is_empty()).then_some(Lookup::Terms(terms))];
    if is_number(value) {
        lookups.push(number_term(value).map(|term| Lookup::Terms(vec![term])));
    }
    lookups
}

/// Whether a JSON number may be written so.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        }
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

impl Clause {
    fn cost(&self) -> u8 {
        self.0.iter().map(Lookup::cost).max().unwrap_or(0)
    }

    /// Leaves in `scratch.any` what one of the lookups finds.
    fn find(&self, shard: &dyn ShardLookup, scratch: &mut PlanScratch) -> Result<(), ShardError> {
        scratch.any.clear();
        for lookup in &self.0 {
            match lookup {
                Lookup::Terms(terms) => find_all(terms, shard, scratch)?,
                Lookup::Value(field, value) => shard.keyword(*field, value, &mut scratch.any)?,
                Lookup::Addresses(range) => shard.addresses(range.clone(), &mut scratch.any)?,
                Lookup::Prefix(field, prefix) => shard.prefix(*field, prefix, &mut scratch.any)?,
                Lookup::Phrase(field, phrase) => {
                    let units = &mut scratch.units;
                    let mut wanted = |value: &str| phrase.is_in(value, units);
                    shard.keywords(*field, &mut wanted, &mut scratch.any)?;
                }
            }
        }
        Ok(())
    }
}

impl Lookup {
    /// Where it stands among those that are done one after the other.
    fn cost(&self) -> u8 {
        match self {
            Self::Terms(_) => 0,
            Self::Value(..) => 1,
            Self::Addresses(_) => 2,
            Self::Prefix(..) => 3,
            Self::Phrase(..) => 4,
        }
    }
}

/// Adds to `scratch.any` what all of the terms find.
fn find_all(
    terms: &[crate::index::shard::TermKey],
    shard: &dyn ShardLookup,
    scratch: &mut PlanScratch,
) -> Result<(), ShardError> {
    let Some((first, others)) = terms.split_first() else { return Ok(()) };
    scratch.all.clear();
    shard.term(*first, &mut scratch.all)?;
    for term in others {
        if scratch.all.is_empty() {
            return Ok(());
        }
        scratch.one.clear();
        shard.term(*term, &mut scratch.one)?;
        scratch.all.intersect(&scratch.one);
    }
    scratch.any.unite(&scratch.all);
    Ok(())
}

/// All records of the shard that have content and can be read.
fn every_record(
    shard: &dyn ShardLookup,
    set: &mut RecordSet,
    scratch: &mut PlanScratch,
) -> Result<(), ShardError> {
    let first = u32::try_from(shard.first_seq() % SHARD_RECORDS).unwrap_or(0);
    set.insert_range(first, first.saturating_add(shard.record_count()));
    scratch.one.clear();
    shard.erased(&mut scratch.one)?;
    shard.unreadable(&mut scratch.one)?;
    set.subtract(&scratch.one);
    Ok(())
}

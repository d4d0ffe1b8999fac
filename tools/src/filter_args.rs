//! The filters of `query` and `export`, as options.
//!
//! Invariant: the options are the parameters of CONTRACT section 3 by their names; one that is
//! given several times asks for any of its values, different ones must all hold. Knows nothing of
//! results.

use clap::Args;
use shoseki_engine::query::{ActionPattern, AddressPattern, DetailFilter, Filter, Word};
use shoseki_engine::record::{ActorType, Outcome, Sensitivity, Timestamp};
use shoseki_engine::types::Seq;

use crate::failure::Failure;

/// What is asked for; an option given twice asks for either value.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Records from this time on (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,
    /// Records before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,
    /// Who acted
    #[arg(long, value_name = "ID")]
    pub actor_id: Vec<String>,
    /// user, device or system
    #[arg(long, value_name = "TYPE", value_parser = actor_type)]
    pub actor_type: Vec<ActorType>,
    /// In which role
    #[arg(long, value_name = "ROLE")]
    pub actor_role: Vec<String>,
    /// What was done; `A*` takes every action that begins with A
    #[arg(long, value_name = "ACTION")]
    pub action: Vec<String>,
    /// success, failure or warning
    #[arg(long, value_name = "RESULT", value_parser = outcome)]
    pub result: Vec<Outcome>,
    /// To what, by kind
    #[arg(long, value_name = "TYPE")]
    pub target_type: Vec<String>,
    /// To what
    #[arg(long, value_name = "ID")]
    pub target_id: Vec<String>,
    /// Where
    #[arg(long, value_name = "ID", alias = "facility-id")]
    pub facility: Vec<String>,
    /// `patientId` in detail, one of its `patientIds`, or the target where that is a patient
    #[arg(long, value_name = "ID")]
    pub patient_id: Vec<String>,
    /// The same of an appointment
    #[arg(long, value_name = "ID")]
    pub appointment_id: Vec<String>,
    /// The same of a claim
    #[arg(long, value_name = "ID")]
    pub claim_id: Vec<String>,
    /// The same of a document
    #[arg(long, value_name = "ID")]
    pub document_id: Vec<String>,
    /// The same of a run
    #[arg(long, value_name = "ID")]
    pub run_id: Vec<String>,
    /// The request that it belongs to
    #[arg(long, value_name = "ID")]
    pub request_id: Vec<String>,
    /// The trace that it belongs to; 32 hex digits in any case
    #[arg(long, value_name = "ID")]
    pub trace_id: Vec<String>,
    /// An address, a network such as 192.0.2.0/24, or a name
    #[arg(long, value_name = "ADDRESS", value_parser = AddressPattern::parse)]
    pub source_ip: Vec<AddressPattern>,
    /// low, medium or high
    #[arg(long, value_name = "LEVEL", value_parser = sensitivity)]
    pub sensitivity: Vec<Sensitivity>,
    /// Whether personal data is in it
    #[arg(long, value_name = "true|false")]
    pub pii_flag: Option<bool>,
    /// Who handed it in: the producer, without its key id
    #[arg(long, value_name = "NAME")]
    pub ingested_by: Vec<String>,
    /// Who did not hand it in
    #[arg(long, value_name = "NAME")]
    pub not_ingested_by: Vec<String>,
    /// Records that the log took in from this time on (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub received_from: Option<Timestamp>,
    /// Records that the log took in before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub received_to: Option<Timestamp>,
    /// Only records behind this seq
    #[arg(long, value_name = "SEQ")]
    pub after_seq: Option<u64>,
    /// A value anywhere in detail, such as after.inDays=7; any element of an array will do
    #[arg(long, value_name = "PATH=VALUE", value_parser = DetailFilter::parse)]
    pub detail: Vec<DetailFilter>,
    /// A whole word, or several in a row, in any text of the record or as one of its ids, in any
    /// case; all that are given must occur
    #[arg(long, value_name = "WORD", value_parser = word)]
    pub word: Vec<Wanted>,
}

/// A word with the text that was given for it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// As it was given.
    pub text: String,
    word: Word,
}

impl FilterArgs {
    /// The same for the engine.
    ///
    /// # Errors
    /// A period that ends before it begins, in which nothing can be.
    pub fn filter(&self) -> Result<Filter, Failure> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Failure::invalid(format_args!(
                "--from {from} is not before --to {to}: there is no time between them"
            ))
            .next("--from is the first moment that counts, --to the first that does not"));
        }
        let mut detail = vec![
            DetailFilter::patient(self.patient_id.clone()),
            DetailFilter::appointment(self.appointment_id.clone()),
            DetailFilter::claim(self.claim_id.clone()),
            DetailFilter::document(self.document_id.clone()),
            DetailFilter::run(self.run_id.clone()),
        ];
        for given in &self.detail {
            match detail.iter_mut().find(|other| other.paths == given.paths) {
                Some(same) => same.values.extend_from_slice(&given.values),
                None => detail.push(given.clone()),
            }
        }
        Ok(Filter {
            from: self.from,
            to: self.to,
            actor_id: self.actor_id.clone(),
            actor_type: self.actor_type.clone(),
            actor_role: self.actor_role.clone(),
            action: self.action.iter().map(|text| ActionPattern::parse(text)).collect(),
            result: self.result.clone(),
            target_type: self.target_type.clone(),
            target_id: self.target_id.clone(),
            facility_id: self.facility.clone(),
            request_id: self.request_id.clone(),
            trace_id: self.trace_id.clone(),
            source_ip: self.source_ip.clone(),
            sensitivity: self.sensitivity.clone(),
            pii_flag: self.pii_flag,
            detail: detail.into_iter().filter(|detail| !detail.values.is_empty()).collect(),
            words: self.word.iter().map(|wanted| wanted.word.clone()).collect(),
            ingested_by: self.ingested_by.clone(),
            not_ingested_by: self.not_ingested_by.clone(),
            received_from: self.received_from,
            received_to: self.received_to,
            after_seq: self.after_seq.map(Seq),
            ..Filter::default()
        })
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .map_err(|error| format!("{error}; write it like 2026-11-21T09:00:00+09:00"))
}

/// A word of signs only would be in every record, which nobody means who asks for it.
fn word(text: &str) -> Result<Wanted, String> {
    let word = Word::new(text);
    let nothing = "no letter or digit in it; signs and emoji are not searched for";
    if word.is_empty() {
        return Err(nothing.to_owned());
    }
    Ok(Wanted { text: text.to_owned(), word })
}

fn actor_type(text: &str) -> Result<ActorType, String> {
    ActorType::parse(text).ok_or_else(|| "expected user, device or system".to_owned())
}

fn outcome(text: &str) -> Result<Outcome, String> {
    Outcome::parse(text).ok_or_else(|| "expected success, failure or warning".to_owned())
}

fn sensitivity(text: &str) -> Result<Sensitivity, String> {
    Sensitivity::parse(text).ok_or_else(|| "expected low, medium or high".to_owned())
}

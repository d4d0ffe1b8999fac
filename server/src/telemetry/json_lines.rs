//! Log lines as JSON: one object per event, on one line.
//!
//! Invariant: `timestamp, level, target, traceId, requestId, message, fields`, in this order, the
//! ids only where the event belongs to a request. Knows nothing about where lines go.

use std::fmt::{self, Debug};
use std::io::Write;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Map, Value};
use shoseki_engine::record::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Writes events as JSON lines.
pub(super) struct JsonLines<W> {
    writer: W,
}

impl<W> JsonLines<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer }
    }
}

/// One line, in the order of its members.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    #[serde(flatten)]
    ids: Ids,
    message: &'a str,
    fields: &'a Map<String, Value>,
}

/// The ids that a span carries.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut ids = Ids::default();
        attributes.record(&mut ids);
        if let Some(span) = context.span(id)
            && (ids.trace_id.is_some() || ids.request_id.is_some())
        {
            span.extensions_mut().insert(ids);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut ids = Ids::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(of_span) = span.extensions().get::<Ids>() {
                ids.trace_id = ids.trace_id.or_else(|| of_span.trace_id.clone());
                ids.request_id = ids.request_id.or_else(|| of_span.request_id.clone());
            }
        }
        let line = Line {
            timestamp: now(),
            level: metadata.level().as_str(),
            target: metadata.target(),
            ids,
            message: &fields.message,
            fields: &fields.others,
        };
        let Ok(mut text) = serde_json::to_string(&line) else { return };
        text.push('\n');
        // A log line that can't be written has nowhere to be reported.
        let _ = self.writer.make_writer_for(metadata).write_all(text.as_bytes());
    }
}

fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(micros).map_or_else(String::new, |now| now.to_string())
}

impl Visit for Ids {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "traceId" => self.trace_id = Some(value.to_owned()),
            "requestId" => self.request_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value.into());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _: fmt::Result = fmt::write(&mut self.message, format_args!("{value:?}"));
        } else {
            self.put(field, format!("{value:?}").into());
        }
    }
}

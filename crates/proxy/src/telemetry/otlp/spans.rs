//! Our spans as OpenTelemetry's.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{self, SpanContext, Status, TraceState},
};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};

use crate::telemetry::span::{Span, SpanKind, SpanSink, SpanValue};

/// The exporter's end for an app.
#[derive(Debug)]
pub(super) struct Sink {
    processor: Arc<BatchSpanProcessor>,
    scope: InstrumentationScope,
}

impl Sink {
    pub(super) fn new(processor: Arc<BatchSpanProcessor>) -> Self {
        Self { processor, scope: super::scope() }
    }
}

impl SpanSink for Sink {
    fn take(&self, span: Span) {
        // It queues the span, or drops it if the queue is full.
        self.processor.on_end(span_data(span, self.scope.clone()));
    }
}

fn span_data(span: Span, scope: InstrumentationScope) -> SpanData {
    let span_id = |text: &str| SpanId::from_hex(text).unwrap_or(SpanId::INVALID);
    let trace_id = TraceId::from_hex(&span.trace_id).unwrap_or(TraceId::INVALID);
    let context = SpanContext::new(trace_id, span_id(&span.span_id), TraceFlags::SAMPLED, false, TraceState::default());
    let parent = span.parent_span_id.as_deref().map_or(SpanId::INVALID, span_id);
    SpanData {
        span_context: context,
        parent_span_id: parent,
        parent_span_is_remote: span.kind == SpanKind::Server && parent != SpanId::INVALID,
        span_kind: match span.kind {
            SpanKind::Server => trace::SpanKind::Server,
            SpanKind::Client => trace::SpanKind::Client,
        },
        name: Cow::Owned(span.name),
        start_time: span.start,
        end_time: span.end,
        attributes: span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, attribute(value))).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: scope,
    }
}

fn attribute(value: SpanValue) -> Value {
    match value {
        SpanValue::Text(text) => text.into(),
        // OpenTelemetry has signed integers alone.
        SpanValue::Integer(number) => i64::try_from(number).unwrap_or(i64::MAX).into(),
        SpanValue::Number(number) => number.into(),
        SpanValue::Flag(flag) => flag.into(),
    }
}

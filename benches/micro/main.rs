//! Single steps of the hot path, each beside what it is measured against.
//!
//! `cargo bench -p sagewire-benches`. Signing is measured in `crates/sigv4/benches`, templates in
//! `crates/chat-template/benches`, and a whole library call against a bare reqwest call by
//! `compare`, which has a process and an upstream for each.
#![expect(clippy::unwrap_used, reason = "a bench may stop at the first surprise")]

use std::{hint::black_box, sync::Arc};

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use sagewire::{ChatChunk, ChatRequest, ChunkWriter};
use sagewire_benches::bodies;
use sagewire_credentials::{CachedProvider, Credentials, ProvideCredentials, StaticCredentials, seam::World};
use sagewire_sagemaker::testing::Frames;

/// The official decoder over a whole stream.
fn official(stream: &Bytes, mut take: impl FnMut(&[u8])) {
    let mut decoder = MessageFrameDecoder::new();
    let mut segmented = BytesMut::from(&stream[..]).freeze();
    while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut segmented).unwrap() {
        take(message.payload());
        if segmented.is_empty() {
            break;
        }
    }
}

fn ours(stream: &Bytes, mut take: impl FnMut(&[u8])) {
    let mut frames = Frames::default();
    frames.push(stream.clone());
    while let Some(payload) = frames.next_payload().unwrap() {
        take(&payload);
    }
}

/// The JSON of a `data:` line; nothing for the end mark.
fn json(payload: &[u8]) -> Option<&[u8]> {
    payload.strip_prefix(b"data: ").filter(|rest| rest.starts_with(b"{"))
}

fn event_stream(criterion: &mut Criterion) {
    let stream: Bytes = bodies::frames(bodies::Text::MEASURED).concat().into();
    let mut group = criterion.benchmark_group("event stream, bytes to payloads");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("sagewire", |b| b.iter(|| ours(&stream, |payload| _ = black_box(payload.len()))));
    group.bench_function("aws-smithy-eventstream", |b| {
        b.iter(|| official(&stream, |payload| _ = black_box(payload.len())));
    });
    group.finish();

    let mut group = criterion.benchmark_group("event stream, bytes to chunks");
    group.throughput(Throughput::Elements(bodies::TOKENS as u64));
    group.bench_function("sagewire", |b| {
        b.iter(|| {
            ours(&stream, |payload| {
                black_box(json(payload).map(|json| serde_json::from_slice::<ChatChunk>(json).unwrap()));
            });
        });
    });
    group.bench_function("aws-smithy-eventstream and a JSON tree", |b| {
        b.iter(|| {
            official(&stream, |payload| {
                black_box(json(payload).map(|json| serde_json::from_slice::<serde_json::Value>(json).unwrap()));
            });
        });
    });
    group.finish();
}

fn server_sent_events(criterion: &mut Criterion) {
    let events = bodies::events(bodies::Text::MEASURED);
    let chunks: Vec<ChatChunk> =
        events.iter().filter_map(|event| json(event)).map(|json| serde_json::from_slice(json).unwrap()).collect();
    let mut group = criterion.benchmark_group("chunks to JSON");
    group.throughput(Throughput::Elements(chunks.len() as u64));
    let mut out = Vec::with_capacity(64 * 1024);
    group.bench_function("ChunkWriter", |b| {
        b.iter(|| {
            out.clear();
            let mut writer = ChunkWriter::default();
            chunks.iter().for_each(|chunk| writer.write(chunk, &mut out).unwrap());
            black_box(out.len())
        });
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            out.clear();
            chunks.iter().for_each(|chunk| serde_json::to_writer(&mut out, chunk).unwrap());
            black_box(out.len())
        });
    });
    group.finish();
}

fn bodies_of_requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request bodies");
    for size in [1024, 100 * 1024] {
        let text = bodies::chat_of("sagemaker_chat/chat", false, size);
        let request: ChatRequest = serde_json::from_str(&text).unwrap();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("read, {size} bytes"), |b| {
            b.iter(|| black_box(serde_json::from_slice::<ChatRequest>(text.as_bytes()).unwrap()));
        });
        group.bench_function(format!("write, {size} bytes"), |b| {
            b.iter(|| black_box(serde_json::to_vec(&request).unwrap()));
        });
    }
    group.finish();
}

fn credentials(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World::system();
    let keys = Arc::new(StaticCredentials::new(Credentials::new("AKIDEXAMPLE", "secret")));
    let cached = CachedProvider::new(&world, keys);
    runtime.block_on(cached.provide_credentials()).unwrap();
    criterion.bench_function("credentials from the cache", |b| {
        b.iter(|| black_box(cached.provide_credentials().now_or_never().unwrap().unwrap()));
    });
}

criterion_group!(benches, event_stream, server_sent_events, bodies_of_requests, credentials);
criterion_main!(benches);

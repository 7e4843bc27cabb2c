//! Batches: what is sent, how many at once, and how the replies come together.

use std::{
    cell::{Cell, RefCell},
    task::Poll,
};

use futures_util::{FutureExt, future::poll_fn};
use sagewire_dialects::embedding::no_numbers;
use sagewire_types::{EmbedInput, EmbedRequest, EmbedResponse, ErrorKind, ReplyMeta, Upstream, Vector};

use super::*;

fn request(count: usize) -> EmbedRequest {
    let texts: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let mut request = EmbedRequest::new("m", texts);
    request.dimensions = Some(2);
    request.user = Some("u".to_owned());
    request.extra.insert("truncate".to_owned(), true.into());
    request
}

fn at_most(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

/// Each text's number as its vector.
fn answer(batch: &EmbedRequest) -> Reply<EmbedResponse> {
    let texts = batch.input.texts().unwrap();
    let vectors = texts.iter().map(|text| Vector::Floats(vec![text.parse().unwrap()]));
    let mut response = EmbedResponse::new("m", vectors);
    response.usage = Some(Usage::reported(texts.len() as u64, 0));
    let mut meta = ReplyMeta::default();
    meta.attempts = 1;
    Reply { value: response, meta }
}

/// Pending this many times.
async fn turns(count: usize) {
    let mut left = count;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs a future that only waits for itself.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    (0..1_000).find_map(|_| future.as_mut().now_or_never()).expect("the future never ends")
}

#[test]
fn many_batches_come_back_in_order_with_at_most_as_many_at_once() {
    let (under_way, most, sizes) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
    let send = |batch: EmbedRequest| {
        sizes.borrow_mut().push(batch.input.len());
        assert_eq!((batch.dimensions, batch.user.as_deref(), batch.extra.len()), (Some(2), Some("u"), 1));
        let (under_way, most) = (&under_way, &most);
        async move {
            under_way.set(under_way.get() + 1);
            most.set(most.get().max(under_way.get()));
            // Later batches answer sooner.
            let first: usize = batch.input.texts().unwrap()[0].parse().unwrap();
            turns(30 - first).await;
            under_way.set(under_way.get() - 1);
            Ok(answer(&batch))
        }
    };
    let reply = run(in_batches(&request(23), Some(at_most(5)), at_most(3), send)).unwrap();
    assert_eq!(*sizes.borrow(), [5, 5, 5, 5, 3]);
    assert_eq!(most.get(), 3);
    let numbers: Vec<_> = reply.value.data.iter().map(|item| (item.index, item.floats()[0])).collect();
    assert_eq!(numbers, (0..23).map(|number| (number, number as f32)).collect::<Vec<_>>());
    assert_eq!((reply.value.usage.unwrap().prompt_tokens, reply.meta.attempts), (23, 5));
}

#[test]
fn the_first_error_ends_it_and_the_rest_is_given_up() {
    let (begun, ended) = (Cell::new(0), Cell::new(0));
    let send = |batch: EmbedRequest| {
        let (begun, ended) = (&begun, &ended);
        async move {
            begun.set(begun.get() + 1);
            if batch.input.texts().unwrap()[0] == "2" {
                return Err(Error::new(ErrorKind::Throttled, "slower"));
            }
            turns(10).await;
            ended.set(ended.get() + 1);
            Ok(answer(&batch))
        }
    };
    let error = run(in_batches(&request(10), Some(at_most(2)), at_most(2), send)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!((begun.get(), ended.get()), (2, 0));
}

#[test]
fn what_fits_is_sent_as_it_is() {
    for (request, max) in [(request(5), Some(5)), (request(500), None), (EmbedRequest::new("m", "7"), Some(1))] {
        let sent = RefCell::new(Vec::new());
        let send = |batch: EmbedRequest| {
            sent.borrow_mut().push(batch.clone());
            async move { Ok(answer(&batch)) }
        };
        run(in_batches(&request, max.map(at_most), at_most(4), send)).unwrap();
        assert_eq!(*sent.borrow(), [request]);
    }
}

#[test]
fn a_batch_without_usage_leaves_none() {
    let send = |batch: EmbedRequest| async move {
        let mut reply = answer(&batch);
        reply.value.usage = reply.value.usage.filter(|_| batch.input.len() == 2);
        Ok(reply)
    };
    assert_eq!(run(in_batches(&request(3), Some(at_most(2)), at_most(4), send)).unwrap().value.usage, None);
}

#[test]
fn token_lists_are_split_too() {
    let lists = EmbedRequest::new("m", EmbedInput::TokenLists(vec![vec![1], vec![2], vec![3]]));
    let inputs: Vec<_> = lists.split(2).into_iter().map(|batch| batch.input).collect();
    assert_eq!(inputs, [EmbedInput::TokenLists(vec![vec![1], vec![2]]), EmbedInput::TokenLists(vec![vec![3]])]);
}

#[test]
fn an_input_is_named_by_its_place_among_all() {
    let send = |batch: EmbedRequest| async move {
        match batch.input.texts() {
            Some([text, ..]) if text == "4" => Err(no_numbers(1).with_attempts(2)),
            _ => Ok(answer(&batch)),
        }
    };
    let error = run(in_batches(&request(6), Some(at_most(2)), at_most(1), send)).unwrap_err();
    assert_eq!((error.param(), error.attempts()), (Some("input[5]"), 2));
    assert!(error.message().contains("input 5"), "{error}");
}

/// A container's refusal of a batch.
fn refused(status: u16, reason: &str) -> Error {
    let mut upstream = Upstream::default();
    upstream.status = Some(424);
    upstream.original_status = Some(status);
    upstream.reason = Some(reason.to_owned());
    Error::new(ErrorKind::InvalidRequest, reason).with_upstream(upstream)
}

#[test]
fn a_refusal_for_the_size_of_a_batch_says_what_to_send() {
    let told = |limit| Some(Smaller::Told(at_most(limit)));
    let tei = "batch size 33 > maximum allowed batch size 32";
    assert_eq!(Smaller::after(&refused(413, tei), 33), told(32));
    assert_eq!(Smaller::after(&refused(422, tei), 33), told(32));
    assert_eq!(Smaller::after(&refused(413, "Payload Too Large"), 33), Some(Smaller::Guessed(at_most(16))));
    assert_eq!(Smaller::after(&refused(413, "Payload Too Large"), 1), None);
    for (status, reason) in [
        (400, "Payload Too Large"),
        (422, "batch size 33 > maximum allowed batch size 33"),
        (422, "batch size 33 > maximum allowed batch size 0"),
        // What a caller wrote teaches nothing.
        (422, "invalid input: batch size 33 > maximum allowed batch size 1"),
        (422, "batch size 7 > maximum allowed batch size 1"),
    ] {
        assert_eq!(Smaller::after(&refused(status, reason), 33), None, "{status} {reason}");
    }
    let too_long =
        Error::new(ErrorKind::ContextTooLong, "x").with_upstream(refused(413, "x").upstream().unwrap().clone());
    assert_eq!(Smaller::after(&too_long, 33), None);
    assert_eq!(Smaller::after(&Error::new(ErrorKind::InvalidRequest, tei), 33), None);
}

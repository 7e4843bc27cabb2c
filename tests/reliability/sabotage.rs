//! Proof that the model can fail: each saboteur breaks one rule, and the model must say which.
//!
//! Owns the saboteurs: a container that lies, transports that cheat with attempts, providers that
//! cheat with answers, ledgers that cheat with counts.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use sagewire::{Answer, Call, CallContext, ChatChunk, ChatStream, Error, ErrorKind, FinishReason, Provider, ReplyMeta};
use sagewire_proxy::{KeyLimits, KeyRefusal, Ledger, MemoryLedger, Reservation, Standing};
use sagewire_sagemaker::{Body, Transport, TransportError};

use crate::{
    model::{Left, Violation, violations},
    run::{Saboteur, run, weighed},
    schedule::{Api, Net, Schedule, Way},
};

/// Within so many runs a saboteur must be found out.
const RUNS: u64 = 150;

/// The first violation of this kind that a saboteur causes.
fn found_out(saboteur: Saboteur, is: fn(&Violation) -> bool) {
    found_out_on(Way::Provider, RUNS, saboteur, is);
}

fn found_out_on(way: Way, runs: u64, saboteur: Saboteur, is: fn(&Violation) -> bool) {
    let found = (0..runs).any(|seed| {
        let schedule = Schedule::new(seed, &[(way, Net::Memory)]);
        let evidence = run(&schedule, saboteur);
        violations(&schedule, &evidence).iter().any(is)
    });
    assert!(found, "{runs} runs, and the model has noticed nothing");
}

fn transport(wrap: fn(Arc<dyn Transport>) -> Arc<dyn Transport>) -> Saboteur {
    Saboteur { transport: Some(wrap), ..Saboteur::default() }
}

fn provider(wrap: fn(Arc<dyn Provider>) -> Arc<dyn Provider>) -> Saboteur {
    Saboteur { provider: Some(wrap), ..Saboteur::default() }
}

#[test]
fn a_container_that_leaves_out_a_word() {
    let saboteur = Saboteur { container_lies: true, ..Saboteur::default() };
    found_out(saboteur, |violation| matches!(violation, Violation::FalselyComplete(..)));
}

/// How a transport cheats.
#[derive(Clone, Copy, Debug)]
enum Wire {
    /// Sends a failed request again, with the same signature.
    Repeats,
    /// Drops the signature.
    Unsigned,
    /// Never lets go of a reply.
    Keeps,
    /// Ends a broken body as if it were whole.
    Hides,
}

#[derive(Debug)]
struct CheatingTransport(Arc<dyn Transport>, Wire);

#[async_trait]
impl Transport for CheatingTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        if matches!(self.1, Wire::Unsigned) {
            request.headers_mut().remove("authorization");
        }
        let again = request.clone();
        let response = match (self.1, self.0.send(request).await) {
            (Wire::Repeats, Err(_)) => self.0.send(again).await?,
            (_, response) => response?,
        };
        Ok(match self.1 {
            Wire::Keeps => {
                let kept = Body::new(response.into_body());
                std::mem::forget(kept);
                Response::new(Body::new(stream::empty()))
            }
            Wire::Hides => response.map(|body| Body::new(body.take_while(|piece| std::future::ready(piece.is_ok())))),
            Wire::Repeats | Wire::Unsigned => response,
        })
    }
}

#[test]
fn a_transport_that_sends_the_same_signature_twice() {
    found_out(transport(|inner| Arc::new(CheatingTransport(inner, Wire::Repeats))), |violation| {
        matches!(violation, Violation::SignatureReused(_))
    });
}

#[test]
fn a_transport_that_makes_attempts_of_its_own() {
    found_out(transport(|inner| Arc::new(CheatingTransport(inner, Wire::Repeats))), |violation| {
        matches!(violation, Violation::TooManyAttempts(..))
    });
    found_out(transport(|inner| Arc::new(CheatingTransport(inner, Wire::Repeats))), |violation| {
        matches!(violation, Violation::Miscounted(..))
    });
}

#[test]
fn a_transport_that_drops_the_signature() {
    found_out(transport(|inner| Arc::new(CheatingTransport(inner, Wire::Unsigned))), |violation| {
        matches!(violation, Violation::SignatureRefused(_))
    });
}

#[test]
fn a_transport_that_keeps_bodies() {
    found_out(
        transport(|inner| Arc::new(CheatingTransport(inner, Wire::Keeps))),
        |violation| matches!(violation, Violation::LeftBehind(Left { bodies, .. }) if *bodies > 0),
    );
}

/// What is forgotten is never given back, however often the same schedule runs.
#[test]
fn a_transport_that_keeps_memory() {
    let saboteur = transport(|inner| Arc::new(CheatingTransport(inner, Wire::Keeps)));
    let kept = (0..RUNS).any(|seed| {
        let schedule = Schedule::new(seed, &[(Way::Provider, Net::Memory)]);
        weighed(&schedule, saboteur, |_| ()).1.kept > 0
    });
    assert!(kept, "{RUNS} runs, and no byte was missed");
}

/// That a broken connection is hidden from it, sagewire notices by the end mark: the model must
/// find nothing.
#[test]
fn an_end_of_the_connection_is_no_end_of_an_answer() {
    for seed in 0..RUNS {
        let schedule = Schedule::new(seed, &[(Way::Provider, Net::Memory)]);
        let evidence = run(&schedule, transport(|inner| Arc::new(CheatingTransport(inner, Wire::Hides))));
        assert_eq!(violations(&schedule, &evidence), [], "seed {seed}: {}", evidence.told());
    }
}

/// How a provider cheats with its streams.
#[derive(Clone, Copy, Debug)]
enum Answering {
    /// An error becomes a proper end, with a finish reason.
    Completes,
    /// A piece comes twice.
    Doubles,
    /// After an error it asks again, and begins anew.
    AsksAgain,
    /// An error is told without a word.
    Mute,
    /// A task is left behind.
    LeavesTask,
    /// The end never comes.
    Hangs,
    /// An error does not say that it follows from the caller's own choice.
    Blames,
    /// An error has the session's token in it.
    Tells,
}

#[derive(Debug)]
struct CheatingProvider(Arc<dyn Provider>, Answering);

fn finished() -> ChatChunk {
    ChatChunk::new("id".into(), "m".into(), 0, vec![sagewire::ChunkChoice::finished(FinishReason::Stop)])
}

#[async_trait]
impl Provider for CheatingProvider {
    async fn call(&self, call: Call, context: &CallContext) -> Result<Answer, Error> {
        match self.1 {
            Answering::Blames => {
                return self.0.call(call, context).await.map_err(|error| Error::new(error.kind(), error.message()));
            }
            Answering::Tells => {
                return self.0.call(call, context).await.map_err(|error| {
                    Error::new(error.kind(), format!("{}: signed with token-of-session-0", error.message()))
                });
            }
            _ => {}
        }
        let Call::ChatStream(request) = call else { return self.0.call(call, context).await };
        if matches!(self.1, Answering::LeavesTask) {
            tokio::spawn(std::future::pending::<()>());
        }
        let mut inner = self.0.chat_stream((*request).clone(), context).await?;
        let meta: ReplyMeta = inner.meta.clone();
        // The cheat needs no laziness but for its second question.
        let mut pieces: Vec<Result<ChatChunk, Error>> = Vec::new();
        while let Some(piece) = inner.next().await {
            pieces.push(piece);
        }
        let broke = pieces.last().is_some_and(Result::is_err);
        match self.1 {
            Answering::Completes if broke => {
                pieces.pop();
                pieces.push(Ok(finished()));
            }
            Answering::Doubles => {
                let twice = pieces
                    .iter()
                    .rev()
                    .find_map(|piece| piece.as_ref().ok().filter(|piece| !piece.content().is_empty()));
                if let Some(twice) = twice.cloned() {
                    pieces.insert(0, Ok(twice));
                }
            }
            Answering::Mute if broke => {
                pieces.pop();
                pieces.push(Err(Error::new(ErrorKind::StreamBroken, "")));
            }
            Answering::AsksAgain if broke => {
                pieces.pop();
                let (provider, context) = (Arc::clone(&self.0), context.clone());
                let again = stream::once(async move { provider.chat_stream(*request, &context).await });
                let again = again.flat_map(|answer| match answer {
                    Ok(answer) => answer.left_stream(),
                    Err(error) => stream::iter([Err(error)]).right_stream(),
                });
                return Ok(ChatStream::new(meta, stream::iter(pieces).chain(again)).into());
            }
            Answering::Hangs => {
                let endless = stream::iter(pieces).chain(stream::pending());
                return Ok(ChatStream::new(meta, endless).into());
            }
            _ => {}
        }
        Ok(ChatStream::new(meta, stream::iter(pieces)).into())
    }
}

fn cheats(answering: fn(Arc<dyn Provider>) -> Arc<dyn Provider>, is: fn(&Violation) -> bool) {
    found_out(provider(answering), is);
}

#[test]
fn a_provider_that_calls_a_broken_answer_complete() {
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::Completes)),
        |violation| matches!(violation, Violation::FalselyComplete(..)),
    );
}

/// The same behind each API of the proxy's.
#[test]
fn a_broken_answer_that_is_called_complete_is_noticed_in_each_api() {
    for api in [Api::Messages, Api::Responses] {
        let completes = provider(|inner| Arc::new(CheatingProvider(inner, Answering::Completes)));
        let found = (0..RUNS).any(|seed| {
            let mut schedule = Schedule::new(seed, &[(Way::Proxy, Net::Memory)]);
            schedule.requests.iter_mut().for_each(|asked| asked.api = api);
            let evidence = run(&schedule, completes);
            let found = violations(&schedule, &evidence);
            found.iter().any(|violation| matches!(violation, Violation::FalselyComplete(..)))
        });
        assert!(found, "{api:?}: {RUNS} runs, and the model has noticed nothing");
    }
}

#[test]
fn a_provider_that_says_a_word_twice() {
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::Doubles)),
        |violation| matches!(violation, Violation::FalselyComplete(..)),
    );
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::Doubles)),
        |violation| matches!(violation, Violation::NotABeginning(..)),
    );
}

#[test]
fn a_provider_that_asks_again_after_the_first_piece() {
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::AsksAgain)),
        |violation| matches!(violation, Violation::AttemptAfterFirstPiece(_)),
    );
}

#[test]
fn a_provider_that_does_not_explain_itself() {
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::Mute)),
        |violation| matches!(violation, Violation::Unexplained(_)),
    );
}

#[test]
fn a_provider_that_leaves_a_task_behind() {
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::LeavesTask)),
        |violation| matches!(violation, Violation::LeftBehind(Left { tasks, .. }) if *tasks > 0),
    );
}

#[test]
fn a_provider_that_hangs() {
    cheats(
        |inner| Arc::new(CheatingProvider(inner, Answering::Hangs)),
        |violation| matches!(violation, Violation::NeverEnded(_)),
    );
}

#[test]
fn a_provider_that_blames_the_deployment_for_a_callers_choice() {
    let saboteur = provider(|inner| Arc::new(CheatingProvider(inner, Answering::Blames)));
    found_out_on(Way::Router, RUNS, saboteur, |violation| matches!(violation, Violation::RestsForACaller(_)));
}

#[test]
fn a_provider_that_tells_a_secret() {
    let saboteur = || provider(|inner| Arc::new(CheatingProvider(inner, Answering::Tells)));
    for way in [Way::Provider, Way::Proxy] {
        found_out_on(way, RUNS, saboteur(), |violation| matches!(violation, Violation::Shown(..)));
    }
}

/// How a ledger cheats.
#[derive(Clone, Copy, Debug)]
enum Counting {
    /// Lets everything through.
    Forgets,
    /// Reserves nothing.
    ReservesNothing,
    /// Never gives back what was reserved.
    KeepsReservations,
    /// Counts nothing at the end of a call.
    CountsNothing,
}

#[derive(Debug)]
struct CheatingLedger(MemoryLedger, Counting);

#[async_trait]
impl Ledger for CheatingLedger {
    async fn begin(&self, key: &KeyLimits<'_>, tokens: u64) -> Result<Reservation, KeyRefusal> {
        match self.1 {
            Counting::Forgets => Ok(Reservation::default()),
            Counting::ReservesNothing => {
                let reservation = self.0.begin(key, 0).await?;
                self.0.settle(key, reservation, 0);
                Ok(Reservation::default())
            }
            _ => self.0.begin(key, tokens).await,
        }
    }

    fn settle(&self, key: &KeyLimits<'_>, reserved: Reservation, used: u64) {
        match self.1 {
            Counting::Forgets | Counting::ReservesNothing | Counting::KeepsReservations => {
                self.0.settle(key, Reservation::default(), used);
            }
            Counting::CountsNothing => self.0.settle(key, reserved, 0),
        }
    }

    async fn standing(&self, key: &KeyLimits<'_>) -> Standing {
        self.0.standing(key).await
    }

    fn known(&self, _: &KeyLimits<'_>, _: Duration) -> Option<Standing> {
        None
    }
}

fn ledger(ledger: fn() -> Arc<dyn Ledger>, is: fn(&Violation) -> bool) {
    // Few keys have a limit that a run comes near to.
    found_out_on(Way::Proxy, 10 * RUNS, Saboteur { ledger: Some(ledger), ..Saboteur::default() }, is);
}

#[test]
fn a_ledger_that_forgets_budgets_and_requests() {
    let forgets = || -> Arc<dyn Ledger> { Arc::new(CheatingLedger(MemoryLedger::default(), Counting::Forgets)) };
    ledger(forgets, |violation| matches!(violation, Violation::OverBudget(..)));
    ledger(forgets, |violation| matches!(violation, Violation::Overspent(..)));
    ledger(forgets, |violation| matches!(violation, Violation::TooManyRequests(..)));
}

#[test]
fn a_ledger_that_reserves_nothing() {
    ledger(
        || Arc::new(CheatingLedger(MemoryLedger::default(), Counting::ReservesNothing)),
        |violation| matches!(violation, Violation::ReservedTogether(..)),
    );
}

#[test]
fn a_ledger_that_keeps_reservations() {
    ledger(
        || Arc::new(CheatingLedger(MemoryLedger::default(), Counting::KeepsReservations)),
        |violation| matches!(violation, Violation::StillReserved(..)),
    );
}

#[test]
fn a_ledger_that_counts_nothing() {
    ledger(
        || Arc::new(CheatingLedger(MemoryLedger::default(), Counting::CountsNothing)),
        |violation| matches!(violation, Violation::NotCounted(..)),
    );
}

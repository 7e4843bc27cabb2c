//! One connection from its first byte to its last.
//!
//! Owns the protocol's set-up and the end of connections that are idle, slow or no longer wanted.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, extract::ConnectInfo};
use bytes::Bytes;
use http::Request;
use http_body::{Body as _, Frame, SizeHint};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::Instant,
};

use super::{
    SharedServer, early_answer,
    pulse::{Beat, Pulse, Verdict},
    watched::Watched,
};
use crate::http::arrival::{Arrival, Phase, Stopping};

/// How long a peer may take its last answer.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) async fn serve(stream: TcpStream, shared: Arc<SharedServer>, phase: watch::Receiver<Phase>) {
    // A connection without an address is gone already.
    let Ok(local) = stream.local_addr() else { return };
    let arrival = Arrival { local, stopping: Stopping::new(phase.clone()) };
    // Pieces of a stream are small and must not wait for each other.
    let _ = stream.set_nodelay(true);
    let client = stream.peer_addr().ok();
    match &shared.certificates {
        None => drive(stream, client, &shared, phase, arrival).await,
        Some(certificates) => {
            let handshake = certificates.acceptor().accept(stream);
            match tokio::time::timeout(shared.options.limits.header_timeout, handshake).await {
                // Boxed: every connection without TLS would have room for it, too.
                Ok(Ok(stream)) => Box::pin(drive(stream, client, &shared, phase, arrival)).await,
                Ok(Err(error)) => tracing::debug!(target: "sagewire::proxy", %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(target: "sagewire::proxy", "TLS handshake timed out"),
            }
        }
    }
}

/// The most that is given to a peer at once that says how much it takes: what it takes is seen by
/// what it asks for next.
const PORTION: usize = 16 * 1024;

/// A body that keeps its request at work until it has been sent or given up.
struct Held {
    body: Body,
    /// What is left of a piece that is given in portions.
    rest: Bytes,
    beat: Beat,
}

impl Held {
    fn new(body: Body, beat: Beat) -> Self {
        // Until it is asked for, it is not taken.
        beat.offers();
        Self { body, rest: Bytes::new(), beat }
    }

    fn portion(&mut self, mut piece: Bytes) -> Bytes {
        if self.beat.has_flow_control() && piece.len() > PORTION {
            self.rest = piece.split_off(PORTION);
        }
        piece
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let rest = std::mem::take(&mut this.rest);
        let polled = if rest.is_empty() {
            Pin::new(&mut this.body).poll_frame(cx)
        } else {
            Poll::Ready(Some(Ok(Frame::data(rest))))
        };
        match polled {
            Poll::Pending => {
                this.beat.waits();
                Poll::Pending
            }
            Poll::Ready(frame) => {
                this.beat.offers();
                Poll::Ready(frame.map(|frame| {
                    Ok(match frame?.into_data() {
                        Ok(piece) => Frame::data(this.portion(piece)),
                        Err(other) => other,
                    })
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let inner = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

/// The body of a request, which says when all of it has arrived.
///
/// HTTP/1.1 alone: on HTTP/2 a peer that closes its sending side is gone, and to HTTP/1.0 nothing
/// can be written before the answer.
struct RequestBody {
    body: Incoming,
    pulse: Option<Arc<Pulse>>,
}

impl RequestBody {
    fn new(body: Incoming, version: http::Version, pulse: &Arc<Pulse>) -> Self {
        let asked = Self { pulse: (version == http::Version::HTTP_11).then(|| Arc::clone(pulse)), body };
        if asked.body.is_end_stream() {
            asked.tell();
        }
        asked
    }

    fn tell(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.request_is_whole();
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.tell();
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn drive<S>(
    stream: S,
    client: Option<SocketAddr>,
    shared: &Arc<SharedServer>,
    mut phase: watch::Receiver<Phase>,
    arrival: Arrival,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = shared.options.limits;
    let pulse = Arc::new(Pulse::new());
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(client) = client {
            request.extensions_mut().insert(ConnectInfo(client));
        }
        request.extensions_mut().insert(arrival.clone());
        let version = request.version();
        let beat = pulse.request(version);
        let request = request.map(|body| RequestBody::new(body, version, &pulse));
        let app = shared.app.load_full();
        // Boxed: hyper keeps room for this future as long as the connection is open, through streams and
        // between requests.
        Box::pin(async move { Ok::<_, Infallible>(app.answer(request).await.map(|body| Held::new(body, beat))) })
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(limits.header_bytes.max(8192));
    builder.http2().max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    let refused = {
        let shared = Arc::clone(shared);
        Box::new(move |status| early_answer::refused_head(&shared.app.load(), status, &limits, client))
    };
    let watched = Watched::new(stream, Arc::clone(&pulse), refused);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(watched), service));
    let mut watch = pin!(tokio::time::sleep_until(Pulse::next_check(&limits)));
    let mut closing = false;
    let mut given_up = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(target: "sagewire::proxy", error = %error, "connection error");
                }
                return;
            }
            () = watch.as_mut() => match pulse.verdict(&limits) {
                Verdict::Wait => watch.as_mut().reset(Pulse::next_check(&limits)),
                Verdict::Idle if !closing => {
                    closing = true;
                    connection.as_mut().graceful_shutdown();
                    watch.as_mut().reset(Pulse::next_check(&limits));
                }
                Verdict::SlowHead if !given_up => {
                    given_up = true;
                    tracing::debug!(target: "sagewire::proxy", "the head of a request did not arrive in time; answered with 408");
                    // The next look at the connection reads, and what reads says it.
                    pulse.give_up_with(early_answer::slow_head(&shared.app.load(), &limits, client));
                    watch.as_mut().reset(Instant::now() + LAST_WORDS);
                }
                Verdict::Idle | Verdict::SlowHead => return,
                Verdict::Stuck(why) => {
                    tracing::debug!(target: "sagewire::proxy", why, "connection closed");
                    return;
                }
            },
            _ = phase.wait_for(|phase| *phase >= Phase::Draining), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

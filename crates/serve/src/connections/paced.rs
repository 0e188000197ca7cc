//! Bodies of requests that do not come too slowly: a pause has a bound, and the whole has a pace.
//!
//! Keeps true: only waiting for the client counts, not what the server takes to read on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

/// See the head of this file.
#[derive(Clone, Copy, Debug)]
pub struct Pacing {
    pause_max: Duration,
    bytes_per_second_min: u64,
}

/// Whether a body was given up.
#[derive(Clone, Debug, Default)]
pub struct Slow(Arc<AtomicBool>);

impl Slow {
    pub fn was_seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Pacing {
    pub fn new(pause_seconds_max: u64, bytes_per_second_min: u64) -> Self {
        Self { pause_max: Duration::from_secs(pause_seconds_max), bytes_per_second_min }
    }

    /// The request with a body that ends in an error when it comes too slowly.
    pub fn pace(self, request: Request<Incoming>) -> (Request<Body>, Slow) {
        let slow = Slow::default();
        let request = request.map(|body| {
            if http_body::Body::is_end_stream(&body) {
                return Body::empty();
            }
            Body::new(Paced { inner: body, pacing: self, slow: slow.clone(), waited: Waited::default() })
        });
        (request, slow)
    }

    fn is_too_slow(self, bytes: u64, waited: Duration) -> bool {
        waited > self.pause_max && bytes < self.bytes_per_second_min.saturating_mul(waited.as_secs())
    }
}

struct Paced<B> {
    inner: B,
    pacing: Pacing,
    slow: Slow,
    waited: Waited,
}

#[derive(Default)]
struct Waited {
    bytes: u64,
    time: Duration,
    /// Since when it is waited now, and until when at most.
    now: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> Paced<B> {
    fn give_up(&self) -> axum::Error {
        self.slow.0.store(true, Ordering::Relaxed);
        axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))
    }

    /// Whether the pause is over that begins or goes on here.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let pause_max = self.pacing.pause_max;
        let begin = || (Instant::now(), Box::pin(tokio::time::sleep(pause_max)));
        let (_, until) = self.waited.now.get_or_insert_with(begin);
        until.as_mut().poll(context).is_ready()
    }

    fn took(&mut self, bytes: usize) {
        self.waited.bytes += bytes as u64;
        if let Some((since, _)) = self.waited.now.take() {
            self.waited.time += since.elapsed();
        }
    }
}

impl<B> http_body::Body for Paced<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Pending if self.is_over(context) => Poll::Ready(Some(Err(self.give_up()))),
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.took(frame.data_ref().map_or(0, Bytes::len));
                if self.pacing.is_too_slow(self.waited.bytes, self.waited.time) {
                    return Poll::Ready(Some(Err(self.give_up())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|cut| cut.map_err(axum::Error::new))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_counts_once_the_first_pause_is_over() {
        let pacing = Pacing::new(30, 512);
        assert!(!pacing.is_too_slow(0, Duration::from_secs(30)));
        assert!(pacing.is_too_slow(512 * 31 - 1, Duration::from_secs(31)));
        assert!(!pacing.is_too_slow(512 * 31, Duration::from_secs(31)));
        assert!(!Pacing::new(30, 0).is_too_slow(0, Duration::from_secs(3600)));
    }
}

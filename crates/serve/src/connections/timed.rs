//! A connection that ends when its client neither says what it wants nor takes what it gets.
//!
//! Keeps true: the first bytes, of which the protocol is known, come within a time; a write that cannot go on ends within a time.
//! What lies between, heads and bodies of requests, is timed where they are read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// HTTP/2 begins with so many known bytes; until then nobody looks at the time but here.
const PREFACE_BYTES: usize = 24;

/// See the head of this file.
#[derive(Debug)]
pub struct Timed<S> {
    inner: S,
    /// Until when the first bytes must have come; none once they have.
    first: Option<Pin<Box<Sleep>>>,
    first_bytes: usize,
    write_max: Duration,
    /// Until when a write that waits must have gone on.
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    pub fn new(inner: S, first_max: Duration, write_max: Duration) -> Self {
        let first = Some(Box::pin(tokio::time::sleep(first_max)));
        Self { inner, first, first_bytes: 0, write_max, write: None }
    }

    /// What a write gave, or an end to its waiting.
    fn within<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            (self.first, self.write) = (None, None);
            return outcome;
        }
        let longest = self.write_max;
        let until = self.write.get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        until.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.inner).poll_read(context, buffer);
        if outcome.is_ready() {
            self.first_bytes += buffer.filled().len() - before;
            if self.first_bytes >= PREFACE_BYTES {
                self.first = None;
            }
            return outcome;
        }
        let Some(first) = &mut self.first else { return Poll::Pending };
        ready!(first.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.within(context, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_flush(context) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.within(context, Poll::Pending),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(context);
        self.within(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        all: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(context, all);
        self.within(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_client_that_says_nothing_is_given_up() {
        let (_client, server) = duplex(64);
        let read = Timed::new(server, SHORT, LONG).read(&mut [0; 8]).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, server) = duplex(64);
        let written = Timed::new(server, LONG, SHORT).write_all(&[0; 65]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_was_said_may_be_thought_over() {
        let (mut client, server) = duplex(64);
        client.write_all(&[0; PREFACE_BYTES]).await.unwrap();
        let mut timed = Timed::new(server, SHORT, LONG);
        timed.read_exact(&mut [0; PREFACE_BYTES]).await.unwrap();
        assert!(timed.first.is_none());
    }
}

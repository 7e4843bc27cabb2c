//! One HTTP/1.1 connection on which one request follows the other.
//!
//! Owns as little as a measurement of latencies needs: it writes a request, and says when the first
//! byte of the body and when the last have come. It knows chunked bodies and `Content-Length`, and
//! nothing else.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, Instant},
};

/// A kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// When the parts of an answer came, counted from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of its head.
    pub status: u16,
    /// When the first byte of its body came.
    pub first_byte: Duration,
    /// When its last byte came.
    pub whole: Duration,
}

/// A `POST` with a JSON body.
#[must_use]
pub fn post(host: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nauthorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends a request and reads its answer to the end.
    ///
    /// # Errors
    /// Those of the socket, and `InvalidData` for an answer that is not HTTP/1.1.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let sent = self.begin(request).await?;
        let (status, body, length) = self.head().await?;
        while self.buffer.len() == body {
            self.read().await?;
        }
        let first_byte = sent.elapsed();
        loop {
            let rest = self.buffer.get(body..).unwrap_or_default();
            let done = match length {
                Some(length) => rest.len() >= length,
                None => rest.ends_with(b"\r\n0\r\n\r\n"),
            };
            if done {
                return Ok(Answer { status, first_byte, whole: sent.elapsed() });
            }
            self.read().await?;
        }
    }

    /// Sends a request and waits for the first byte of its answer's body; the answer stays open as
    /// long as the connection does.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_and_leave_open(&mut self, request: &[u8]) -> io::Result<u16> {
        self.begin(request).await?;
        let (status, body, _) = self.head().await?;
        while self.buffer.len() == body {
            self.read().await?;
        }
        Ok(status)
    }

    async fn begin(&mut self, request: &[u8]) -> io::Result<Instant> {
        self.buffer.clear();
        let sent = Instant::now();
        self.stream.write_all(request).await?;
        Ok(sent)
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The status, where the body begins, and its length where the head says so.
    async fn head(&mut self) -> io::Result<(u16, usize, Option<usize>)> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            self.read().await?;
        };
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let head = self.buffer.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(invalid)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(invalid)?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
        });
        Ok((status, end + 4, length))
    }
}

//! The little of the Redis protocol that supervising needs: one command, one answer.
//! A client library would bring reconnection, which is the opposite of what a health check wants.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A healthy server answers in under a millisecond; a stopped one never does.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// INFO is about 6 kB; more than this is not an answer to anything asked here.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends one command to the server on `port` and gives its answer as text.
///
/// # Errors
///
/// No connection, no answer in time, or an error answer (its text is kept).
pub(super) async fn command(port: u16, words: &[&str]) -> io::Result<String> {
    match tokio::time::timeout(ANSWER_LIMIT, exchange(port, words)).await {
        Ok(answer) => answer,
        Err(late) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
    }
}

async fn exchange(port: u16, words: &[&str]) -> io::Result<String> {
    let stream = TcpStream::connect(crate::port::address(port)).await?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
    match kind {
        "+" | ":" => Ok(rest.to_owned()),
        "$" => {
            let length: usize = rest.parse().map_err(io::Error::other)?;
            if length > ANSWER_BYTES_MAX {
                return Err(io::Error::other("an answer of unreasonable length"));
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            Ok(String::from_utf8_lossy(&body).into_owned())
        }
        "-" => Err(io::Error::other(rest.to_owned())),
        _ => Err(io::Error::other("an answer of unexpected kind")),
    }
}

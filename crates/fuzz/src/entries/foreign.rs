//! A server of somebody else, on a real socket of this machine: it says what an input says, whatever it is asked.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Of a request no more is read; ours are short.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// A client that does not go on is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gives the bytes that answer a request; the connection is closed after them.
pub type Answer = Box<dyn FnMut(&str) -> Vec<u8> + Send>;

type Shared = Arc<Mutex<Option<Answer>>>;

/// One for the process, with what it says now.
struct Foreign {
    address: SocketAddr,
    answer: Shared,
}

/// The address of a server that answers in this way from now on.
pub fn answering(answer: Answer) -> Result<String, String> {
    static SERVER: OnceLock<Result<Foreign, String>> = OnceLock::new();
    let server = SERVER.get_or_init(|| listen().map_err(|error| error.to_string()));
    let server = server.as_ref().map_err(Clone::clone)?;
    *server.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    Ok(format!("http://{}", server.address))
}

/// A whole answer with these bytes as its body.
pub fn ok(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn listen() -> std::io::Result<Foreign> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, answer) = (listener.local_addr()?, Shared::default());
    let shared = Arc::clone(&answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&shared);
            std::thread::spawn(move || serve(stream, &answer));
        }
    });
    Ok(Foreign { address, answer })
}

/// Answers one request. A connection that breaks is the client's affair.
fn serve(mut stream: TcpStream, answer: &Shared) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let Some(request) = read(&mut stream) else { return };
    let said = match answer.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(answer) => answer(&request),
        None => return,
    };
    let _ = stream.write_all(&said);
    let _ = stream.shutdown(Shutdown::Write);
    // What is unread when a socket closes makes it break off, and what was said with it.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    let _ = stream.take(REQUEST_BYTES_MAX as u64).read_to_end(&mut Vec::new());
}

/// A request with its body, as far as its head says how long that is.
fn read(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length_in(head)
        {
            return Some(text.into_owned());
        }
        let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        if bytes.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
}

fn length_in(head: &str) -> usize {
    let lower = head.to_ascii_lowercase();
    let value = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

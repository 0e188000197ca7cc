//! The load generator against a small server that answers, refuses, or breaks off.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::*;

/// A server that answers each connection's requests with `answers`, in turn, and then closes it.
fn server(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve(&stream, answers));
        }
    });
    address
}

fn serve(stream: &TcpStream, answers: &[&str]) {
    let mut reader = BufReader::new(stream);
    for answer in answers {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        let mut writer = stream;
        writer.write_all(answer.as_bytes()).unwrap();
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy";

fn load(address: SocketAddr) -> Load {
    Load {
        door: Door { address, key: String::new() },
        path: "/v1/search".to_owned(),
        bodies: vec!["{}".to_owned(), "{\"a\":1}".to_owned()],
        holds: "{}".to_owned(),
        connections: 2,
        rate: Some(200.0),
        lasts: Duration::from_millis(50),
    }
}

#[test]
fn every_request_that_is_due_is_sent() {
    let loaded = run(&load(server(&[OK; 100])));
    assert_eq!((loaded.answered, loaded.errors, loaded.first_error), (10, 0, None));
}

#[test]
fn an_answer_that_is_not_200_is_an_error() {
    let loaded = run(&load(server(&[BUSY; 100])));
    assert_eq!((loaded.answered, loaded.errors), (0, 10));
    assert_eq!(loaded.first_error.unwrap(), "503: busy");
}

#[test]
fn an_answer_that_lacks_what_was_asked_for_is_an_error() {
    let load = Load { holds: "similarity".to_owned(), ..load(server(&[OK; 100])) };
    assert_eq!(run(&load).errors, 10);
}

#[test]
fn a_closed_connection_is_an_error_and_then_opened_anew() {
    let load = Load { connections: 1, ..load(server(&[OK])) };
    let loaded = run(&load);
    assert_eq!((loaded.answered, loaded.errors), (5, 5));
}

#[test]
fn nothing_to_send_ends_at_once() {
    let load = Load { bodies: Vec::new(), ..load(server(&[])) };
    assert_eq!(run(&load).answered, 0);
}

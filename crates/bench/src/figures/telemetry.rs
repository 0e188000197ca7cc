//! What it costs to see everything: one library served twice, once with all telemetry and once with none that can be left out, asked the same
//! questions in turns.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::program::{self, Server};
use super::texts::Texts;
use super::{Outcome, Row, Setup, start};
use crate::eval::Latency;
use crate::load::{Connection, Door};

/// Asked first, so that both have loaded what they need.
const WARMING: usize = 30;
const COST_MAX: f64 = 1.02;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let questions = Texts::read(setup)?.questions;
    let library = start::library(setup)?;
    let folder = setup.scratch()?;
    let (seen, unseen) = (folder.path().join("seen"), folder.path().join("unseen"));
    copy(&library, &seen)?;
    copy(&library, &unseen)?;
    let collector = Collector::start()?;
    let mut command = program::command(setup, &seen);
    command.env("IBID_TELEMETRY_OTLP_ENDPOINT", format!("http://{}", collector.address));
    command.env("IBID_LOG_LEVEL", "info").env("IBID_LOG_FORMAT", "json");
    let seen = Server::start_by(command, &seen)?;
    let unseen = Server::start(setup, &unseen)?;
    let pair = [&seen.door, &unseen.door];
    let rows = vec![
        row("search", "/v1/search", "query", &pair, &questions, setup.turns)?,
        row("extractive answer", "/v1/ask", "question", &pair, &questions, setup.turns)?,
    ];
    let bytes = collector.bytes.load(Ordering::Relaxed);
    if bytes == 0 {
        return Err("no trace arrived at the collector".into());
    }
    Ok(rows)
}

fn row(
    name: &str,
    path: &str,
    key: &str,
    [seen, unseen]: &[&Door; 2],
    questions: &[String],
    turns: usize,
) -> Outcome<Row> {
    let (mut seen, mut unseen) = (Connection::open(seen)?, Connection::open(unseen)?);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for turn in 0..=turns {
        for (number, question) in questions.iter().enumerate() {
            let body = json!({ key: question }).to_string();
            // Each goes first as often as the other.
            let pairs = [(&mut seen, &mut with), (&mut unseen, &mut without)];
            let mut pairs: Vec<_> = pairs.into_iter().collect();
            if number % 2 == 1 {
                pairs.reverse();
            }
            for (connection, times) in pairs {
                times.push(timed(connection, path, &body)?);
            }
            if turn == 0 && number == WARMING {
                (with, without) = (Vec::new(), Vec::new());
                break;
            }
        }
    }
    let (with, without) = (Latency::of(with), Latency::of(without));
    let what =
        format!("{name} over HTTP with traces of all to a collector, logs, metrics and their series, p50");
    let beside = format!("without traces and logs: {:.2} ms", without.p50_ms);
    Ok(Row::new(what, format!("{:.2} ms", with.p50_ms))
        .beside(beside, with.p50_ms / without.p50_ms)
        .below(COST_MAX))
}

fn timed(connection: &mut Connection, path: &str, body: &str) -> Outcome<Duration> {
    let started = Instant::now();
    let answer = connection.post(path, body)?;
    if answer.status == 200 { Ok(started.elapsed()) } else { Err(answer.in_words().into()) }
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    program::timed(std::process::Command::new("cp").arg("-r").arg(from).arg(to)).map(|_| ())
}

/// Takes traces and forgets them.
struct Collector {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
}

impl Collector {
    fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, bytes) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&bytes);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                // A connection that breaks off ends its thread only.
                std::thread::spawn(move || answer_all(&stream, &counted));
            }
        });
        Ok(Self { address, bytes })
    }
}

fn answer_all(stream: &TcpStream, counted: &AtomicU64) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 0 && line != "\r\n" {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        let read = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        counted.fetch_add(read, Ordering::Relaxed);
        let mut stream = stream;
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n",
        )?;
    }
}

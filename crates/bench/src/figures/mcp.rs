//! What agents and editors meet: `recall` over MCP as an editor starts it (`ibid mcp` on standard input and output, beside `ibid serve`),
//! and how many events a second the server takes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Instant;

use ibid_model::{Embedder, Purpose};
use serde_json::{Value, json};

use super::program::{Server, command, timed};
use super::{Outcome, Row, Setup};
use crate::eval::Latency;
use crate::load::Connection;

/// Memories of the library, each with an episode and a fact or two.
const MEMORIES: usize = 2_000;
const CALLS: usize = 300;
/// Calls before those that count.
const WARM: usize = 20;
/// Issue 6, without embedding.
const P95_BELOW_MS: f64 = 20.0;
/// Events of editors, in each request and in all; one in thirty says something and is read for facts.
const EVENTS_AT_ONCE: usize = 1_000;
const EVENTS: usize = 30_000;
const EVENTS_PER_SECOND: f64 = 2_000.0;
const PROTOCOL: &str = "2025-06-18";

const PEOPLE: [&str; 7] =
    ["Ada Marlow", "Tom Birch", "Nora Quill", "Ivan Petrov", "Mei Lin", "Otto Kern", "Lea Rossi"];
const THINGS: [&str; 6] = ["billing", "search", "mail", "login", "report", "export"];
const PLACES: [&str; 5] = ["Lisbon", "Oslo", "Kyoto", "Bern", "Quito"];

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let folder = setup.scratch()?;
    let (data, dump) = (folder.path().join("data"), folder.path().join("memories.jsonl"));
    std::fs::write(&dump, memories())?;
    timed(command(setup, &data).args(["memory", "import"]).arg(&dump))?;
    let server = Server::start(setup, &data)?;
    let mut agent = Agent::start(setup, &data)?;
    let mut times = Vec::with_capacity(CALLS);
    for number in 0..WARM + CALLS {
        let asked = question(number);
        let started = Instant::now();
        agent.recall(&asked)?;
        if number >= WARM {
            times.push(started.elapsed());
        }
    }
    let whole = Latency::of(times);
    let embedding = embedding(setup)?;
    let told = format!(
        "p50 {:.1}, p95 {:.1}, p99 {:.1} ms, of which the question's embedding alone takes p50 {:.1}, p95 {:.1}",
        whole.p50_ms, whole.p95_ms, whole.p99_ms, embedding.p50_ms, embedding.p95_ms
    );
    let what = format!("{MEMORIES} memories: `recall` over MCP with embedding, p95 in ms");
    Ok(vec![Row::new(what, told).judged(whole.p95_ms).below(P95_BELOW_MS), events(&server)?])
}

/// Sent one request after the other, each acknowledged once it is on disk.
fn events(server: &Server) -> Outcome<Row> {
    let mut connection = Connection::open(&server.door)?;
    let started = Instant::now();
    for first in (0..EVENTS).step_by(EVENTS_AT_ONCE) {
        let events: Vec<Value> = (first..first + EVENTS_AT_ONCE).map(event).collect();
        let answer = connection.post("/v1/memory/events", &json!({ "events": events }).to_string())?;
        if answer.status != 202 {
            return Err(format!("events were answered {}", answer.status).into());
        }
    }
    let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
    let what =
        format!("{EVENTS} events of editors, {EVENTS_AT_ONCE} in a request, durable when acknowledged");
    Ok(Row::new(what, format!("{rate:.0} /s")).judged(rate).at_least(EVENTS_PER_SECOND))
}

fn event(number: usize) -> Value {
    let file = format!("src/part{}.rs", number % 300);
    let name = format!("event{number}");
    if !number.is_multiple_of(30) {
        return json!({ "kind": "save", "file": file, "name": name });
    }
    let text = format!("The cache of part {number} moved to Redis because Memcached lost entries.");
    json!({ "kind": "commit", "file": file, "name": name, "text": text })
}

fn memories() -> String {
    (0..MEMORIES).map(|number| format!("{}\n", json!({ "text": said(number), "at": "2026-06-01" }))).collect()
}

fn said(number: usize) -> String {
    let (person, thing) = (PEOPLE[number % PEOPLE.len()], THINGS[number / 7 % THINGS.len()]);
    let place = PLACES[number / 42 % PLACES.len()];
    format!(
        "{person} moved the {thing} service number {number} to {place}. The {thing} service depends on rack {number}."
    )
}

fn question(number: usize) -> String {
    let (person, thing) = (PEOPLE[number % PEOPLE.len()], THINGS[number * 5 % THINGS.len()]);
    format!("Where did {person} move the {thing} service number {}?", number * 6)
}

/// The same questions by the embedder alone, in this process.
fn embedding(setup: &Setup) -> Outcome<Latency> {
    let model = setup.embedder(0)?;
    let mut times = Vec::with_capacity(CALLS);
    for number in 0..WARM + CALLS {
        let asked = question(number);
        let started = Instant::now();
        drop(model.embed(&[&asked], Purpose::Question)?);
        if number >= WARM {
            times.push(started.elapsed());
        }
    }
    Ok(Latency::of(times))
}

/// An MCP client, one call after the other; its server ends when this is dropped.
struct Agent {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    number: u64,
}

impl Agent {
    fn start(setup: &Setup, data: &Path) -> Outcome<Self> {
        let mut program = command(setup, data);
        let mut child =
            program.arg("mcp").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let to = child.stdin.take().ok_or("the agent has no input")?;
        let from = BufReader::new(child.stdout.take().ok_or("the agent has no output")?);
        let mut agent = Self { child, to, from, number: 0 };
        let client = json!({ "name": "figures", "version": "1" });
        agent.ask(
            "initialize",
            &json!({ "protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client }),
        )?;
        agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(agent)
    }

    fn recall(&mut self, query: &str) -> Outcome<()> {
        let result = self.ask("tools/call", &json!({ "name": "recall", "arguments": { "query": query } }))?;
        match result["isError"].as_bool() {
            Some(true) => Err(format!("recall failed: {result}").into()),
            _ => Ok(()),
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.number += 1;
        let id = self.number;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line)? == 0 {
                return Err("`ibid mcp` ended".into());
            }
            let mut said: Value = serde_json::from_str(&line)?;
            if said["id"] == json!(id) {
                let result = said["result"].take();
                return if result.is_null() { Err(format!("{method}: {said}").into()) } else { Ok(result) };
            }
        }
    }

    fn send(&mut self, message: &Value) -> Outcome<()> {
        self.to.write_all(format!("{message}\n").as_bytes())?;
        Ok(self.to.flush()?)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! `ibid mcp`: what an MCP client starts, and talks to on standard input and output.
//!
//! Keeps true: it is a client of the API as every command, as whoever `--key` names; the library is open only while it is used, so that
//! several agents, commands and a server that starts later find it free.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use ibid_serve::{McpApi, McpAsked, McpHandler, Mode};
use ibid_types::{Error, Result, Secret};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::args::Common;
use crate::context::{Context, runtime};

/// How long a library stays open after the last call: an agent often calls several times in a row.
const OPEN_FOR: Duration = Duration::from_secs(2);
/// How long is waited for a library that somebody else has open.
const FREE_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub fn run(common: Common) -> Result<ExitCode> {
    let workspace = common.workspace.clone();
    let (calls, called) = channel();
    let worker = std::thread::spawn(move || Worker { common, opened: None }.run(&called));
    let runtime = runtime()?;
    let ended = runtime.block_on(McpHandler::new(Caller(calls), workspace.as_deref()).serve_stdio());
    // A read of standard input may still be waiting for a line that never comes.
    runtime.shutdown_background();
    let _ = worker.join();
    ended.map(|()| ExitCode::SUCCESS)
}

/// A request, and where its answer goes.
type Call = (McpAsked, oneshot::Sender<Result<Value>>);

/// Hands requests to the worker.
struct Caller(Sender<Call>);

impl McpApi for Caller {
    async fn ask(&self, asked: McpAsked) -> Result<Value> {
        let (answer, answered) = oneshot::channel();
        let gone = || Error::unavailable("mcp_ended", "the command is ending");
        self.0.send((asked, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Does the requests on a thread of its own, since the client of the API is a blocking one.
struct Worker {
    common: Common,
    opened: Option<Arc<Context>>,
}

impl Worker {
    /// Until the conversation is over.
    fn run(mut self, calls: &Receiver<Call>) {
        loop {
            match calls.recv_timeout(OPEN_FOR) {
                Ok((asked, answer)) => self.answer(asked, answer),
                Err(RecvTimeoutError::Timeout) => self.close(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Calls of one agent at the same time are answered at the same time.
    fn answer(&mut self, asked: McpAsked, answer: oneshot::Sender<Result<Value>>) {
        match self.open() {
            Ok(context) => drop(std::thread::spawn(move || drop(answer.send(send(&context, asked))))),
            Err(error) => drop(answer.send(Err(error))),
        }
    }

    /// What is still asked keeps it open.
    fn close(&mut self) {
        self.opened = self.opened.take().filter(|context| Arc::strong_count(context) > 1);
    }

    fn open(&mut self) -> Result<Arc<Context>> {
        if let Some(context) = self.opened.as_ref().filter(|context| context.is_there()) {
            return Ok(Arc::clone(context));
        }
        self.opened = None;
        let context = Arc::new(self.open_when_free()?.shown(self.common.key.clone().map(Secret::new)));
        self.opened = Some(Arc::clone(&context));
        Ok(context)
    }

    /// Errors: `store_locked`, and those of every command.
    fn open_when_free(&self) -> Result<Context> {
        let began = Instant::now();
        loop {
            match Context::open(self.common.clone(), Mode::Command) {
                Err(error) if error.code == "store_locked" && began.elapsed() < FREE_WITHIN => {
                    std::thread::park_timeout(LOOK_EVERY);
                }
                opened => return opened,
            }
        }
    }
}

fn send(context: &Context, asked: McpAsked) -> Result<Value> {
    let reply = match &asked.body {
        Some(body) => context.client.send_json(asked.method, &asked.path, &[], body)?,
        None => context.client.send(asked.method, &asked.path, None, Vec::new())?,
    };
    reply.json()
}

//! A thread through the chat flow, durable and with the product's embedder, over text files cut into paragraphs.
//!
//! `IBID_TEST_MODELS=FOLDER cargo run -p ibid-chat --example converse -- [-m URL] [-q QUALITY] FILE... -- QUESTION...` prints
//! each turn with its route, rewriting, steps and time; `-m` is an OpenAI-compatible address.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A small model on a slow machine.
const LONG: Duration = Duration::from_secs(500);

use ibid_chat::turn::{Quality, TurnInput, TurnOptions, TurnOutput};
use ibid_chat::{AnswerConfig, Exchange, Ports, flows, kinds};
use ibid_flow::machine::Outcome;
use ibid_flow::{Codec, Journal, NewRun, Registry, Runner, RunnerConfig};
use ibid_model::{ChatModel, ChatTimeouts, Embedder, MiniLm, OpenAiChat, RemoteConfig};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_tools::{Calculator, CurrentTime, Toolbox, ToolboxLimits};
use ibid_types::Secret;

#[path = "shelf/mod.rs"]
mod shelf;

use shelf::Shelf;

fn tools() -> Arc<Toolbox> {
    let mut tools = Toolbox::new(ToolboxLimits { concurrent_max: 4, result_bytes_max: 10_000 });
    tools.add(Arc::new(Calculator::new().unwrap())).unwrap();
    tools.add(Arc::new(CurrentTime::new(Clock::system()).unwrap())).unwrap();
    Arc::new(tools)
}

struct Arguments {
    model: Option<String>,
    quality: Quality,
    files: Vec<String>,
    questions: Vec<String>,
}

fn main() {
    let Ok(models) = std::env::var("IBID_TEST_MODELS") else {
        println!("skipped: IBID_TEST_MODELS names no folder with models");
        return;
    };
    let arguments = arguments();
    let embedder: Arc<dyn Embedder> =
        Arc::new(MiniLm::load(&Path::new(&models).join("all-MiniLM-L6-v2"), 1).unwrap());
    let shelf = Arc::new(Shelf::new(&read_files(&arguments.files), Arc::clone(&embedder)));
    let models = arguments.model.iter().map(|url| chat_model(url)).collect();
    let tools = tools();
    let ports = Ports::new(shelf, embedder, models, AnswerConfig::default()).with_tools(Arc::clone(&tools));
    let kinds = kinds(&Arc::new(ports));
    let registry = kinds.into_iter().fold(ibid_flow::nodes::registry(tools), Registry::with);
    let dir = tempfile::tempdir().unwrap();
    let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
    let store = Store::new(Arc::new(db), Clock::system());
    let workspace = store.workspace_ensure("default").unwrap().id;
    let runner =
        Runner::new(RunnerConfig::default(), Journal::new(store, Codec::new(&[])), registry, Clock::system());
    let [(_, yaml)] = flows(&["calculator", "current_time"].map(str::to_owned));
    let flow = runner.flows().save(&yaml).unwrap().hash;
    let mut history: Vec<Exchange> = Vec::new();
    for question in &arguments.questions {
        let options = TurnOptions { quality: arguments.quality, ..TurnOptions::default() };
        let turn = TurnInput {
            question: question.clone(),
            history: history.clone(),
            options,
            ..TurnInput::default()
        };
        let started = Instant::now();
        let run = runner.start(NewRun::new(workspace, flow, turn.to_value())).unwrap().run;
        let view = runner.wait(run, Duration::from_secs(600)).unwrap();
        let Some(Outcome::Output(output)) = view.state.outcome else { panic!("{:?}", view.state.outcome) };
        let output = TurnOutput::read(&output).unwrap();
        show(question, &output, view.number, started.elapsed());
        history.push(Exchange { question: output.question, answer: output.answer.text });
    }
}

fn show(question: &str, output: &TurnOutput, checkpoints: u32, took: Duration) {
    println!("\n> {question}");
    if output.rewritten {
        println!("  understood as: {}", output.question);
    }
    let answer = &output.answer;
    match &answer.abstained {
        Some(abstention) => println!("  no answer: {}", abstention.reason),
        None => println!("  {}", answer.text.replace('\n', "\n  ")),
    }
    for citation in &answer.citations {
        println!("    [{}] {}: {}", citation.number, citation.source, citation.quote.replace('\n', " "));
    }
    for notice in &output.notices {
        println!("    notice: {notice}");
    }
    println!(
        "    route {}, {:?}, loops {}, widenings {}, confidence {:.2}, tokens {}+{}, checkpoints {checkpoints}, {} ms",
        output.route.name(),
        answer.mode,
        output.loops,
        output.widenings,
        answer.confidence,
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        took.as_millis()
    );
}

fn read_files(files: &[String]) -> Vec<(String, Vec<String>)> {
    let mut texts = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let source = Path::new(file).file_name().unwrap().to_string_lossy().into_owned();
        let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| paragraph.len() > 40);
        texts.push((source, paragraphs.map(str::to_owned).collect()));
    }
    texts
}

fn arguments() -> Arguments {
    let mut given = std::env::args().skip(1);
    let mut read =
        Arguments { model: None, quality: Quality::Balanced, files: Vec::new(), questions: Vec::new() };
    let mut asks = false;
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "-m" => read.model = given.next(),
            "-q" => read.quality = given.next().and_then(|name| Quality::from_name(&name)).unwrap(),
            "--" => asks = true,
            _ if asks => read.questions.push(argument),
            _ => read.files.push(argument),
        }
    }
    read
}

fn chat_model(url: &str) -> Arc<dyn ChatModel> {
    let config = RemoteConfig {
        url: url.to_owned(),
        model: "local".into(),
        api_key: Secret::default(),
        tokens_max: 4_096,
        line: Arc::default(),
    };
    let timeouts = ChatTimeouts { first_token: LONG, further_token: LONG, total: LONG };
    Arc::new(OpenAiChat::new("local", config, timeouts).unwrap())
}

//! The chat flow as a runner runs it, over an in-memory search and scripted models.

use std::sync::Arc;
use std::time::Duration;

use ibid_flow::machine::Outcome;
use ibid_flow::{Codec, Journal, NewRun, Registry, Runner, RunnerConfig};
use ibid_model::ChatModel;
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_types::answer::{AnswerMode, Verdict};
use ibid_types::search::Filter;
use ibid_types::{Timestamp, WorkspaceId};

use crate::fixture::{HashEmbedder, Script, Shelf};
use crate::turn::{Quality, TurnInput, TurnOptions, TurnOutput};
use crate::{AnswerConfig, Exchange, Ports, Route, flows, kinds};

const REFUNDS: &str = "Refunds take 14 days. The clerk Ada Lovelace signs every refund.";
const OFFICE: &str = "The office opens at nine. It closes at five on Mondays.";

struct Chat {
    _dir: tempfile::TempDir,
    workspace: WorkspaceId,
    runner: Arc<Runner>,
}

fn chat(texts: &[&str], model: Option<Script>) -> Chat {
    let models = model.into_iter().map(|model| Arc::new(model) as Arc<dyn ChatModel>).collect();
    let config = AnswerConfig { answerable_min: 0.2, ..AnswerConfig::default() };
    let ports = Ports::new(Arc::new(Shelf::of(texts)), Arc::new(HashEmbedder::default()), models, config);
    let registry = kinds(&Arc::new(ports)).into_iter().fold(Registry::default(), Registry::with);
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp(1_800_000_000_000));
    let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
    let store = Store::new(Arc::new(db), clock.clone());
    let workspace = store.workspace_ensure("default").unwrap().id;
    let journal = Journal::new(store, Codec::new(&[]));
    let runner = Runner::new(RunnerConfig::default(), journal, registry, clock);
    Chat { _dir: dir, workspace, runner }
}

impl Chat {
    fn turn(&self, input: &TurnInput) -> TurnOutput {
        let [(_, yaml)] = flows();
        let flow = self.runner.flows().save(yaml).unwrap().hash;
        let new = NewRun::new(self.workspace, flow, input.to_value());
        let run = self.runner.start(new).unwrap().run;
        let view = self.runner.wait(run, Duration::from_secs(60)).unwrap();
        match view.state.outcome {
            Some(Outcome::Output(output)) => TurnOutput::read(&output).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

fn asks(question: &str) -> TurnInput {
    TurnInput { question: question.into(), ..TurnInput::default() }
}

fn after(question: &str, before: &str, answer: &str) -> TurnInput {
    TurnInput { history: vec![Exchange { question: before.into(), answer: answer.into() }], ..asks(question) }
}

fn with(quality: Quality, question: &str) -> TurnInput {
    TurnInput { options: TurnOptions { quality, ..TurnOptions::default() }, ..asks(question) }
}

#[test]
fn a_turn_is_answered_with_citations() {
    let output = chat(&[REFUNDS, OFFICE], None).turn(&asks("How many days do refunds take?"));
    assert_eq!(output.answer.text, "Refunds take 14 days [1].");
    assert_eq!((output.route, output.loops, output.rewritten), (Route::Documents, 0, false));
    assert_eq!(output.answer.citations[0].quote, "Refunds take 14 days.");
}

#[test]
fn a_follow_up_is_completed() {
    let input = after("And on Mondays?", "When does the office close?", "At five [1].");
    let output = chat(&[REFUNDS, OFFICE], None).turn(&input);
    assert_eq!(output.question, "When does the office close on Mondays?");
    assert!(output.rewritten && output.answer.text.contains("closes at five"), "{:?}", output.answer);
}

#[test]
fn small_talk_and_crisis_search_nothing() {
    let chat = chat(&[REFUNDS], None);
    let output = chat.turn(&asks("Hallo!"));
    assert_eq!((output.route, output.answer.citations.len()), (Route::SmallTalk, 0));
    assert!(output.answer.text.starts_with("Hallo."));
    let output = chat.turn(&asks("I want to kill myself"));
    assert!(output.route == Route::Crisis && output.answer.text.contains("findahelpline.com"));
    assert_eq!(chat.turn(&asks("How do I make a bomb?")).route, Route::Refuse);
}

#[test]
fn several_questions_are_answered_in_one_turn() {
    let input = asks("How many days do refunds take? When does the office open?");
    let text = chat(&[REFUNDS, OFFICE], None).turn(&input).answer.text;
    assert!(text.contains("14 days") && text.contains("opens at nine"), "{text}");
}

#[test]
fn what_is_not_there_is_looked_for_twice_and_then_declined() {
    let output = chat(&[REFUNDS], None).turn(&asks("Which planet has the largest moon of Jupiter?"));
    assert!(output.answer.abstained.is_some());
    assert_eq!(output.widenings, 2);
}

#[test]
fn a_model_that_fails_is_a_notice() {
    let model = Script { fails: true, ..Script::says("Refunds take") };
    let output = chat(&[REFUNDS], Some(model)).turn(&asks("How many days do refunds take?"));
    assert_eq!(
        (output.answer.mode, output.answer.text.as_str()),
        (AnswerMode::Extractive, "Refunds take 14 days [1].")
    );
    assert!(output.notices.iter().any(|notice| notice.contains("the chat model script did not answer")));
}

#[test]
fn a_model_that_is_missing_is_a_notice() {
    let mut input = asks("How many days do refunds take?");
    input.options.model = Some("other".into());
    let output = chat(&[REFUNDS], None).turn(&input);
    assert_eq!(output.answer.text, "Refunds take 14 days [1].");
    assert!(output.notices[0].contains("no chat model `other`"), "{:?}", output.notices);
}

#[test]
fn what_no_source_supports_is_left_out_in_the_end() {
    for (quality, loops) in [(Quality::Quick, 1), (Quality::Balanced, 2), (Quality::Thorough, 4)] {
        let model = Script::says("Refunds take 14 days [1]. Refunds take 90 days [1].");
        let output = chat(&[REFUNDS], Some(model)).turn(&with(quality, "How long do refunds take?"));
        assert_eq!((output.answer.text.as_str(), output.loops), ("Refunds take 14 days [1].", loops));
        assert!(output.answer.claims.iter().all(|claim| claim.verdict == Verdict::Supported));
    }
}

#[test]
fn sources_that_disagree_are_told_at_thorough() {
    let other = "Refunds take 30 days, the clerk says.";
    let question = "How many days do refunds take?";
    let output = chat(&[REFUNDS, other], None).turn(&with(Quality::Thorough, question));
    let texts = format!("{:?}", output);
    assert!(output.answer.text.contains("14 days"), "{texts}");
    assert!(
        output.answer.text.contains("30 days")
            || output.notices.iter().any(|notice| notice.contains("agree")),
        "{texts}"
    );
}

#[test]
fn a_secret_in_the_sources_does_not_leave() {
    let text = "The router password is Tr0ub4dor&3.";
    let output = chat(&[text], None).turn(&asks("What is the router password?"));
    assert!(output.answer.text.contains("[redacted]") && output.answer.citations[0].withheld);
    assert!(!format!("{output:?}").contains("Tr0ub4dor"), "{output:?}");
}

#[test]
fn filters_are_passed_to_the_search() {
    let mut input = asks("How many days do refunds take?");
    input.options.filter = Filter { tags: vec!["x".into()], ..Filter::default() };
    assert!(chat(&[REFUNDS], None).turn(&input).answer.abstained.is_none());
}

#[test]
fn a_long_thread_gets_a_summary() {
    let mut input = asks("How many days do refunds take?");
    input.history = (0..8)
        .map(|n| Exchange { question: format!("What is rule {n}?"), answer: format!("Rule {n} is no [1].") })
        .collect();
    let output = chat(&[REFUNDS], None).turn(&input);
    assert!(output.summary.contains("What is rule 7?"), "{}", output.summary);
}

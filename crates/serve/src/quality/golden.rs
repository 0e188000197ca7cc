//! Questions whose right answer is known, asked as anybody would.

use std::ops::ControlFlow;

use ibid_api::quality::Golden as Told;
use ibid_ops::metric::list;
use ibid_runtime::Shutdown;
use ibid_types::Result;
use ibid_types::answer::{Answer, AnswerMode, Question};
use ibid_types::search::Filter;

use super::{count, recheck};
use crate::App;

/// Questions asked in one round, and the largest file of them.
const GOLDEN_MAX: usize = 500;
const GOLDEN_BYTES_MAX: u64 = 1 << 20;

/// A question whose right answer is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Golden {
    question: String,
    /// Of which it is asked; empty for the default one.
    workspace: String,
    /// Must stand in the answer, in any case.
    expect: String,
    /// Must stand in the source of a citation.
    source: String,
    /// Whether the documents do not hold the answer, which must then be said.
    abstain: bool,
}

/// Asks every question of the file, counts and notes what was right, and tells what came. A question that could not be asked
/// counts as wrong only where its workspace is missing; a provider that is down is told of elsewhere.
pub fn ask_all(app: &App, shutdown: &Shutdown) -> Vec<Told> {
    let mut all = Vec::new();
    for golden in read(app) {
        if shutdown.is_requested() {
            return all;
        }
        let told = ask(app, &golden).unwrap_or_else(|error| Told {
            fault: error.chain(),
            is_asked: error.code == "workspace_unknown",
            ..Told::new(&golden.question, &golden.workspace)
        });
        if told.is_asked {
            count(app, "golden", told.is_right);
        }
        if !told.is_right {
            tracing::warn!(
                question = golden.question,
                fault = told.fault,
                "a golden question has a wrong answer"
            );
        }
        all.push(told);
    }
    note(app, &all);
    all
}

/// The share of the round and its time.
fn note(app: &App, all: &[Told]) {
    let asked = all.iter().filter(|told| told.is_asked).count();
    if asked == 0 {
        return;
    }
    let right = all.iter().filter(|told| told.is_right).count();
    let registry = app.metrics.registry();
    registry.set(&list::QUALITY_GOLDEN, [], right as f64 / asked as f64);
    registry.set(&list::QUALITY_AGE, [], app.clock.now().0 as f64 / 1000.0);
}

fn ask(app: &App, golden: &Golden) -> Result<Told> {
    let defaults = &app.config.answer;
    let named = (!golden.workspace.is_empty()).then_some(golden.workspace.as_str());
    let workspace = app.workspace(named)?;
    let question = Question {
        workspace: workspace.id,
        text: golden.question.clone(),
        filter: Filter::default(),
        mode: AnswerMode::Auto,
        model: None,
        context_tokens_max: defaults.context_tokens,
        citations_max: defaults.citations_max,
    };
    let answer = app.ask(&question, &mut |_| ControlFlow::Continue(()))?;
    recheck::check(app, workspace.id, &golden.question, &answer)?;
    let fault = golden.fault(&answer);
    let mut sources: Vec<String> = answer.citations.iter().map(|citation| citation.source.clone()).collect();
    sources.dedup();
    let is_right = fault.is_empty();
    Ok(Told {
        question: question.text,
        workspace: workspace.name,
        is_asked: true,
        is_right,
        fault,
        said: answer.text,
        sources,
    })
}

impl Golden {
    /// What is wrong with the answer; nothing where it is right.
    fn fault(&self, answer: &Answer) -> String {
        match (self.abstain, answer.abstained.is_some()) {
            (true, true) => return String::new(),
            (true, false) => return "it was answered, though the documents do not say".to_owned(),
            (false, true) => return "it was not answered".to_owned(),
            (false, false) => {}
        }
        if !answer.text.to_lowercase().contains(&self.expect.to_lowercase()) {
            return format!("the answer does not say '{}'", self.expect);
        }
        if !self.source.is_empty()
            && !answer.citations.iter().any(|cited| cited.source.contains(&self.source))
        {
            return format!("the answer does not cite '{}'", self.source);
        }
        String::new()
    }
}

/// `golden.yaml` of the data directory.
fn read(app: &App) -> Vec<Golden> {
    let path = app.config.data.dir.join("golden.yaml");
    let is_small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= GOLDEN_BYTES_MAX);
    if !is_small {
        return Vec::new();
    }
    parse(&std::fs::read_to_string(&path).unwrap_or_default())
}

/// The part of YAML that such a list needs: entries that begin with `-`, and `key: value` with or without quotes.
fn parse(text: &str) -> Vec<Golden> {
    let mut all: Vec<Golden> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = match line.strip_prefix('-') {
            Some(rest) => {
                all.push(Golden::default());
                rest.trim()
            }
            None => line,
        };
        let (Some(last), Some((key, value))) = (all.last_mut(), line.split_once(':')) else { continue };
        let value = unquoted(value.trim());
        match key.trim() {
            "question" => last.question = value,
            "workspace" => last.workspace = value,
            "expect" => last.expect = value,
            "source" => last.source = value,
            "abstain" => last.abstain = value == "true",
            _ => {}
        }
    }
    all.retain(|golden| !golden.question.is_empty());
    all.truncate(GOLDEN_MAX);
    all
}

fn unquoted(value: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_questions_are_read() {
        let text = "# known\n- question: \"Who pays: you?\"\n  expect: the tenant\n  source: lease.md\n  workspace: law\n\
                    - question: What is the moon made of?\n  abstain: true\n";
        let all = parse(text);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].question.as_str(), all[0].source.as_str()), ("Who pays: you?", "lease.md"));
        assert_eq!((all[0].workspace.as_str(), all[1].workspace.as_str()), ("law", ""));
        assert!(all[1].abstain);
    }
}

//! Questions whose right answer is known, asked as anybody would.

use std::ops::ControlFlow;

use ibid_api::quality::Golden as Told;
use ibid_ops::metric::list;
use ibid_runtime::Shutdown;
use ibid_types::Result;
use ibid_types::access::Reader;
use ibid_types::answer::{Answer, AnswerMode, Question};
use ibid_types::search::Filter;

use super::questions::{self, Golden};
use super::{count, recheck};
use crate::App;

/// Asks every question of the file, counts and notes what was right, and tells what came. A question that could not be asked
/// counts as wrong only where its workspace is missing; a provider that is down is told of elsewhere. Error: `golden_malformed`.
pub fn ask_all(app: &App, shutdown: &Shutdown) -> Result<Vec<Told>> {
    let mut all = Vec::new();
    for golden in questions::read(&app.config.data.dir)? {
        if shutdown.is_requested() {
            return Ok(all);
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
    Ok(all)
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
    let workspace = app.workspace_named(named)?;
    let question = Question {
        workspace: workspace.id,
        reader: Reader::Machine,
        text: golden.question.clone(),
        // What somebody told this machine meanwhile must not change how good its answers from documents are.
        filter: Filter { without_memory: true, ..Filter::default() },
        mode: AnswerMode::Auto,
        model: None,
        context_tokens_max: defaults.context_tokens,
        citations_max: defaults.citations_max,
        fresh: true,
    };
    let (answer, _) = app.ask(&question, &mut |_| ControlFlow::Continue(()))?;
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

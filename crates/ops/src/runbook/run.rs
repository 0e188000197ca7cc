//! Carrying a runbook out.

use crate::runbook::{Kind, Part, Runbook, Step};

/// What a command printed, both ways, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: i32,
    pub output: String,
}

/// Where a runbook is carried out: the terminal and its child processes, or a test.
pub trait Stage {
    /// Runs `ibid` with these arguments.
    fn run(&mut self, arguments: &[String]) -> Ran;

    /// Asks; whoever says no skips the step.
    fn confirm(&mut self, question: &str) -> bool;

    /// Waits a second, or less where it is a test.
    fn wait(&mut self);

    /// Shows what a runbook says between its steps.
    fn prose(&mut self, text: &str);

    /// Shows, and keeps, what came of a step.
    fn note(&mut self, step: &Step, outcome: StepOutcome, ran: Option<&Ran>);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// The diagnosis applies, the action is done, the verification holds.
    Yes,
    /// The diagnosis does not apply, the action or verification failed.
    No,
    /// Left out: the diagnosis before does not apply, or nobody confirmed it.
    Skipped,
}

/// What came of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Diagnoses that apply.
    pub found: usize,
    /// Actions that were done.
    pub done: usize,
    pub failed: usize,
    /// Whether every verification holds.
    pub is_verified: bool,
}

/// Carries out all steps in order.
pub fn run(runbook: &Runbook, stage: &mut dyn Stage) -> Outcome {
    let mut outcome = Outcome { is_verified: true, ..Outcome::default() };
    let mut applies = true;
    for part in &runbook.parts {
        let step = match part {
            Part::Prose(text) => {
                stage.prose(text);
                continue;
            }
            Part::Step(step) => step,
        };
        match step.kind {
            Kind::Diagnose => {
                applies = attempt(step, stage);
                outcome.found += usize::from(applies);
            }
            Kind::Action if !applies || !is_confirmed(step, stage) => {
                stage.note(step, StepOutcome::Skipped, None);
            }
            Kind::Action => {
                let done = attempt(step, stage);
                outcome.done += usize::from(done);
                outcome.failed += usize::from(!done);
            }
            Kind::Verify => outcome.is_verified &= attempt(step, stage),
        }
    }
    outcome
}

fn is_confirmed(step: &Step, stage: &mut dyn Stage) -> bool {
    let question = step.confirm.clone().or_else(|| step.manual.clone());
    let command =
        || step.run.as_ref().map_or_else(String::new, |words| format!("run `ibid {}`?", words.join(" ")));
    stage.confirm(&question.unwrap_or_else(command))
}

fn attempt(step: &Step, stage: &mut dyn Stage) -> bool {
    let Some(arguments) = &step.run else {
        stage.note(step, StepOutcome::Yes, None);
        return true;
    };
    let mut ran = stage.run(arguments);
    for _ in 1..step.tries {
        if is_expected(step, &ran) {
            break;
        }
        stage.wait();
        ran = stage.run(arguments);
    }
    let is_expected = is_expected(step, &ran);
    stage.note(step, if is_expected { StepOutcome::Yes } else { StepOutcome::No }, Some(&ran));
    is_expected
}

fn is_expected(step: &Step, ran: &Ran) -> bool {
    let usual = if step.kind == Kind::Diagnose { None } else { Some(0) };
    let is_code = step.exit.or(usual).is_none_or(|code| code == ran.code);
    is_code && step.expect.iter().all(|pattern| ran.output.lines().any(|line| fits(pattern, line)))
}

/// Whether the pattern's pieces stand in the line in their order.
fn fits(pattern: &str, line: &str) -> bool {
    let mut rest = line;
    pattern.split('*').all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::parse;

    /// Says `answers` one after the other.
    struct Scripted {
        answers: Vec<(i32, &'static str)>,
        says_yes: bool,
        told: Vec<StepOutcome>,
    }

    impl Stage for Scripted {
        fn run(&mut self, _: &[String]) -> Ran {
            let (code, output) = self.answers.remove(0);
            Ran { code, output: output.to_owned() }
        }

        fn confirm(&mut self, _: &str) -> bool {
            self.says_yes
        }

        fn wait(&mut self) {}

        fn prose(&mut self, _: &str) {}

        fn note(&mut self, _: &Step, outcome: StepOutcome, _: Option<&Ran>) {
            self.told.push(outcome);
        }
    }

    const TEXT: &str = "```runbook\nkind: diagnose\nrun: a\nexpect: broken*disk\n```\n```runbook\nkind: action\nrun: b\n```\n\
                        ```runbook\nkind: verify\nrun: c\nexpect: fine\ntries: 2\n```\n";

    fn carried_out(answers: &[(i32, &'static str)], says_yes: bool) -> (Outcome, Vec<StepOutcome>) {
        let mut stage = Scripted { answers: answers.to_vec(), says_yes, told: Vec::new() };
        let outcome = run(&parse("t", TEXT).unwrap(), &mut stage);
        (outcome, stage.told)
    }

    #[test]
    fn an_action_follows_its_diagnosis_and_is_verified() {
        let answers = [(1, "a broken old disk"), (0, ""), (0, "bad"), (0, "fine")];
        let (outcome, told) = carried_out(&answers, true);
        assert_eq!(outcome, Outcome { found: 1, done: 1, failed: 0, is_verified: true });
        assert_eq!(told, [StepOutcome::Yes; 3]);
    }

    #[test]
    fn without_the_diagnosis_or_a_yes_nothing_is_changed() {
        let (outcome, told) = carried_out(&[(0, "all well"), (0, "fine")], true);
        assert_eq!((outcome.done, told[1], outcome.is_verified), (0, StepOutcome::Skipped, true));
        let (outcome, told) = carried_out(&[(0, "broken disk"), (0, "fine")], false);
        assert_eq!((outcome.done, told[1]), (0, StepOutcome::Skipped));
    }

    #[test]
    fn what_does_not_hold_is_not_verified() {
        let (outcome, _) = carried_out(&[(0, "broken disk"), (1, ""), (0, "bad"), (0, "bad")], true);
        assert_eq!(outcome, Outcome { found: 1, done: 0, failed: 1, is_verified: false });
    }
}

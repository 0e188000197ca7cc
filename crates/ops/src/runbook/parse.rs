//! From Markdown to steps.

use ibid_types::{Error, Result};

/// No runbook is longer.
const BYTES_MAX: usize = 256 * 1024;
const STEPS_MAX: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Looks whether this is the case; the actions up to the next one are left out where it is not.
    Diagnose,
    /// Changes something, after a confirmation.
    Action,
    /// Looks whether it helped.
    Verify,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: Kind,
    /// Arguments of `ibid`; none where a person has to do it.
    pub run: Option<Vec<String>>,
    /// What a person has to do.
    pub manual: Option<String>,
    /// Each must stand in the output; `*` stands for anything within a line.
    pub expect: Vec<String>,
    /// The exit code that is wanted; any where none is.
    pub exit: Option<i32>,
    /// Asked before an action.
    pub confirm: Option<String>,
    /// How often a verification is tried, a second apart.
    pub tries: u32,
}

/// Prose and steps in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Prose(String),
    Step(Step),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    pub name: String,
    /// The first heading.
    pub title: String,
    pub parts: Vec<Part>,
}

impl Runbook {
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.parts.iter().filter_map(|part| match part {
            Part::Step(step) => Some(step),
            Part::Prose(_) => None,
        })
    }
}

/// Reads a runbook. Error: `runbook_malformed`, with the line.
pub fn parse(name: &str, text: &str) -> Result<Runbook> {
    let wrong = |line: usize, what: &str| {
        Error::bad_request("runbook_malformed", format!("the runbook {name}, line {line}: {what}"))
    };
    if text.len() > BYTES_MAX {
        return Err(wrong(1, "it is longer than 256 KiB"));
    }
    let mut runbook = Runbook { name: name.to_owned(), title: name.to_owned(), parts: Vec::new() };
    let (mut prose, mut block) = (String::new(), None::<(usize, String)>);
    for (at, line) in text.lines().enumerate() {
        match &mut block {
            None if line.trim() == "```runbook" => {
                runbook.prose(&mut prose);
                block = Some((at + 1, String::new()));
            }
            None => {
                if let Some(title) = line.strip_prefix("# ") {
                    title.trim().clone_into(&mut runbook.title);
                }
                prose.push_str(line);
                prose.push('\n');
            }
            Some((start, inside)) if line.trim() == "```" => {
                let step = step(inside).map_err(|what| wrong(*start, &what))?;
                runbook.parts.push(Part::Step(step));
                block = None;
            }
            Some((_, inside)) => {
                inside.push_str(line);
                inside.push('\n');
            }
        }
    }
    if let Some((start, _)) = block {
        return Err(wrong(start, "the step has no end (```)"));
    }
    runbook.prose(&mut prose);
    if runbook.steps().count() > STEPS_MAX {
        return Err(wrong(1, "it has more than 100 steps"));
    }
    if !runbook.steps().any(|step| step.kind == Kind::Verify) {
        return Err(wrong(1, "it has no step that verifies"));
    }
    Ok(runbook)
}

impl Runbook {
    fn prose(&mut self, prose: &mut String) {
        if !prose.trim().is_empty() {
            self.parts.push(Part::Prose(prose.trim().to_owned()));
        }
        prose.clear();
    }
}

fn step(inside: &str) -> Result<Step, String> {
    let mut step = Step {
        kind: Kind::Diagnose,
        run: None,
        manual: None,
        expect: Vec::new(),
        exit: None,
        confirm: None,
        tries: 1,
    };
    let mut has_kind = false;
    for line in inside.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = line.split_once(':').ok_or_else(|| format!("'{line}' is not KEY: VALUE"))?;
        let value = value.trim();
        match key.trim() {
            "kind" => {
                has_kind = true;
                step.kind = kind(value)?;
            }
            "run" => step.run = Some(words(value)?),
            "manual" => step.manual = Some(value.to_owned()),
            "expect" => step.expect.push(value.to_owned()),
            "exit" => step.exit = Some(value.parse().map_err(|_| format!("'{value}' is no exit code"))?),
            "confirm" => step.confirm = Some(value.to_owned()),
            "tries" => step.tries = value.parse().map_err(|_| format!("'{value}' is no number"))?,
            other => {
                return Err(format!(
                    "'{other}' is not known; use kind, run, manual, expect, exit, confirm or tries"
                ));
            }
        }
    }
    if !has_kind {
        return Err("the step says no kind".to_owned());
    }
    if step.run.is_some() == step.manual.is_some() {
        return Err("a step has either run or manual".to_owned());
    }
    if !(1..=120).contains(&step.tries) {
        return Err("tries is 1 to 120".to_owned());
    }
    Ok(step)
}

fn kind(word: &str) -> Result<Kind, String> {
    match word {
        "diagnose" => Ok(Kind::Diagnose),
        "action" => Ok(Kind::Action),
        "verify" => Ok(Kind::Verify),
        _ => Err(format!("kind '{word}' is not known; use diagnose, action or verify")),
    }
}

/// Words of a command line; double quotes keep words together. A leading `ibid` is left out.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            other => {
                word.push(other);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    if begun {
        words.push(word);
    }
    if words.first().is_some_and(|first| first == "ibid") {
        words.remove(0);
    }
    if words.is_empty() { Err("run names no command".to_owned()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\nWhy.\n```runbook\nkind: diagnose\nrun: ibid ask \"a b\" --json\nexpect: x*y\nexit: 0\n```\nThen.\n\
                        ```runbook\nkind: verify\nrun: status\ntries: 3\n```\n";

    #[test]
    fn steps_and_prose_are_read() {
        let runbook = parse("name", TEXT).unwrap();
        assert_eq!((runbook.title.as_str(), runbook.parts.len()), ("Title", 4));
        let steps: Vec<&Step> = runbook.steps().collect();
        assert_eq!(steps[0].run.as_deref().unwrap(), ["ask", "a b", "--json"]);
        assert_eq!((steps[0].exit, steps[1].tries), (Some(0), 3));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |text: &str| parse("r", text).unwrap_err().message;
        assert!(told("```runbook\nkind: guess\nrun: x\n```").contains("line 1: kind 'guess'"));
        assert!(told("# T\n```runbook\nkind: verify\n").contains("line 2: the step has no end"));
        assert!(told("# T\n").contains("no step that verifies"));
        assert!(told("```runbook\nkind: verify\nrun: \"a\n```").contains("quote"));
    }
}

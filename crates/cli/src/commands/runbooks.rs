//! `ibid runbook`: carries runbooks out with child processes of this program.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use ibid_ops::runbook::{self, Kind, Ran, Stage, Step, StepOutcome};
use ibid_runtime::{Clock, Shutdown};
use ibid_types::{Error, Result};

use crate::args::{Common, RunbookRun, Runbooks};
use crate::context::configuration;
use crate::output::{Color, PARTLY_FAILED, counted, foreign, json, line, note, piece};

/// Lines of a command's output that are shown and written into an incident.
const LINES_MAX: usize = 12;

pub fn run(common: &Common, command: &Runbooks) -> Result<ExitCode> {
    let data_dir = configuration(common)?.0.data.dir;
    let folder = data_dir.join("runbooks");
    match command {
        Runbooks::List => list(common, &folder)?,
        Runbooks::Show { name } => piece(&runbook::text(name, &folder)?)?,
        Runbooks::Run(arguments) => return carry_out(common, arguments, &data_dir, &folder),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(common: &Common, folder: &Path) -> Result<()> {
    let all = runbook::list(folder);
    if common.json {
        let names: Vec<serde_json::Value> = all
            .iter()
            .map(|(name, read)| {
                let title =
                    read.as_ref().map_or_else(|error| error.message.clone(), |runbook| runbook.title.clone());
                let steps = read.as_ref().map_or(0, |runbook| runbook.steps().count());
                serde_json::json!({ "name": name, "title": title, "steps": steps })
            })
            .collect();
        return json(&names);
    }
    for (name, read) in &all {
        match read {
            Ok(runbook) => line(&format!(
                "{name:<22}  {} ({})",
                runbook.title,
                counted(runbook.steps().count() as u64, "step")
            ))?,
            Err(error) => line(&format!("{name:<22}  {}", Color::new(common.color).red(&error.message)))?,
        }
    }
    Ok(())
}

fn carry_out(common: &Common, arguments: &RunbookRun, data_dir: &Path, folder: &Path) -> Result<ExitCode> {
    let book = runbook::find(&arguments.name, folder)?;
    let program = std::env::current_exe().map_err(|error| {
        Error::internal("program_unknown", "cannot find this program's own file").caused_by(error)
    })?;
    let mut terminal = Terminal {
        common,
        program,
        data_dir: data_dir.to_owned(),
        fresh: fresh(data_dir),
        yes: arguments.yes,
        incident: arguments.incident,
        unwritten: Vec::new(),
        color: Color::new(common.color),
    };
    terminal.write(&format!("begins the runbook {}", book.name));
    let outcome = runbook::run(&book, &mut terminal);
    let verdict = if outcome.is_verified { "verified" } else { "not verified: the fault is still there" };
    terminal.write(&format!("ends the runbook {}: {verdict}", book.name));
    terminal.write_rest();
    if common.json {
        json(&serde_json::json!({ "runbook": book.name, "found": outcome.found, "done": outcome.done,
            "failed": outcome.failed, "verified": outcome.is_verified }))?;
    } else {
        let color = terminal.color;
        line(&if outcome.is_verified { color.green(verdict) } else { color.red(verdict) })?;
    }
    Ok(if outcome.is_verified { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_FAILED) })
}

/// A directory beside the data directory that is not there yet.
fn fresh(data_dir: &Path) -> PathBuf {
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(format!("-restored-{}", Clock::system().now().0));
    data_dir.with_file_name(name)
}

struct Terminal<'a> {
    common: &'a Common,
    program: PathBuf,
    data_dir: PathBuf,
    fresh: PathBuf,
    yes: bool,
    incident: Option<i64>,
    /// What could not be written into the incident yet, because the store was not there.
    unwritten: Vec<String>,
    color: Color,
}

impl Terminal<'_> {
    fn filled(&self, text: &str) -> String {
        let text = text.replace("{fresh}", &self.fresh.display().to_string());
        text.replace("{data}", &self.data_dir.display().to_string())
    }

    fn child(&self, arguments: &[String]) -> Ran {
        let arguments: Vec<String> = arguments.iter().map(|argument| self.filled(argument)).collect();
        let mut command = Command::new(&self.program);
        let names_directory = arguments.iter().any(|argument| argument == "--data-dir");
        if let Some(file) = &self.common.config {
            command.arg("--config").arg(file);
        }
        if !names_directory {
            command.arg("--data-dir").arg(&self.data_dir);
        }
        for setting in &self.common.settings {
            command.arg("--set").arg(setting);
        }
        // The address and key of another server come to the child through the environment, where others cannot see them.
        if let Some(server) = self.common.server.as_ref().filter(|_| !names_directory) {
            command.env("IBID_URL", server);
        }
        if let Some(key) = &self.common.key {
            command.env("IBID_KEY", key);
        }
        command.args(&arguments).stdin(Stdio::null());
        match command.output() {
            Ok(output) => {
                let both = [output.stdout, output.stderr].concat();
                Ran {
                    code: output.status.code().unwrap_or(-1),
                    output: String::from_utf8_lossy(&both).into_owned(),
                }
            }
            Err(error) => Ran { code: -1, output: format!("cannot run this program: {error}") },
        }
    }

    /// Writes into the incident, or keeps it for later.
    fn write(&mut self, text: &str) {
        if self.incident.is_some() {
            self.unwritten.push(text.to_owned());
            self.write_rest();
        }
    }

    fn write_rest(&mut self) {
        let Some(number) = self.incident else { return };
        while let Some(text) = self.unwritten.first() {
            let words =
                ["incidents", "note", &number.to_string(), text, "--kind", "runbook", "--by", "runbook"];
            if self.child(&words.map(ToOwned::to_owned)).code != 0 {
                return;
            }
            self.unwritten.remove(0);
        }
    }

    fn show(&self, text: &str) {
        if self.common.json { note(text) } else { drop(line(text)) }
    }
}

impl Stage for Terminal<'_> {
    fn run(&mut self, arguments: &[String]) -> Ran {
        self.child(arguments)
    }

    fn confirm(&mut self, question: &str) -> bool {
        let question = self.filled(question);
        if self.yes {
            return true;
        }
        if !std::io::stdin().is_terminal() {
            note(&format!("left out, because nobody can be asked (--yes confirms everything): {question}"));
            return false;
        }
        note(&format!("{} {question} [y/N]", self.color.yellow("?")));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("y")
    }

    fn wait(&mut self) {
        Shutdown::new().wait_timeout(Duration::from_secs(1));
    }

    fn prose(&mut self, text: &str) {
        self.show(&self.color.dim(&self.filled(text)));
    }

    fn note(&mut self, step: &Step, outcome: StepOutcome, ran: Option<&Ran>) {
        let kind = match step.kind {
            Kind::Diagnose => "diagnose",
            Kind::Action => "action",
            Kind::Verify => "verify",
        };
        let what = match (&step.run, &step.manual) {
            (Some(words), _) => format!("ibid {}", words.join(" ")),
            (None, manual) => manual.clone().unwrap_or_default(),
        };
        let verdict = match (step.kind, outcome) {
            (_, StepOutcome::Skipped) => "left out",
            (Kind::Diagnose, StepOutcome::Yes) => "applies",
            (Kind::Diagnose, StepOutcome::No) => "does not apply",
            (Kind::Action, StepOutcome::Yes) => "done",
            (Kind::Verify, StepOutcome::Yes) => "holds",
            (_, StepOutcome::No) => "FAILED",
        };
        let head = format!("{kind}: {}: {verdict}", self.filled(&what));
        let mark = match outcome {
            StepOutcome::Yes => self.color.green("✓"),
            StepOutcome::No if step.kind != Kind::Diagnose => self.color.red("✗"),
            StepOutcome::No | StepOutcome::Skipped => self.color.dim("-"),
        };
        self.show(&format!("{mark} {head}"));
        let output: Vec<&str> = ran.map_or("", |ran| ran.output.as_str()).lines().take(LINES_MAX).collect();
        for text in &output {
            self.show(&self.color.dim(&format!("    {}", foreign(text))));
        }
        self.write(&[vec![head.as_str()], output].concat().join("\n"));
    }
}

//! A scheduler that delivers results in random order, twice, late or never, crashes, answers wrongly, cancels and
//! resumes, and then compares what came of it with the oracle.
//!
//! Keeps true: every problem that it finds is told with the seed, and the seed alone brings it back.

use std::collections::{BTreeMap, BTreeSet};

use ibid_types::{Class, RunId, Timestamp, WorkspaceId};
use serde_json::{Value, json};

use super::generator::{Case, Library};
use super::oracle::{Ending, Expected, expect};
use super::script::{Random, Script, Trial};
use crate::definition::OnInterrupt;
use crate::machine::{
    Action, Activity, Applied, Command, Effect, Fault, FrameId, Outcome, RunState, Status, apply, sub_flows,
};

/// Commands after which a run counts as one that does not end.
const COMMANDS_MAX: usize = 50_000;

/// What one seed did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub commands: usize,
    pub crashes: usize,
    pub performed: usize,
    pub undone: usize,
    pub resumed: usize,
    pub ignored: usize,
    /// Whether the oracle had one answer to compare with.
    pub is_compared: bool,
    pub status: Option<Status>,
}

type Check<T = ()> = Result<T, String>;

/// Runs a case to its end, with everything that can happen on the way. An error says what was found.
pub fn simulate(case: &Case) -> Check<Report> {
    let mut simulation = Simulation::begin(case)?;
    while !simulation.is_over()? {
        simulation.step()?;
        if simulation.journal.len() > COMMANDS_MAX {
            return Err(format!("no end after {COMMANDS_MAX} commands"));
        }
    }
    simulation.compare()?;
    Ok(simulation.report)
}

struct Simulation<'a> {
    library: &'a Library,
    random: Random,
    script: Script,
    state: Option<RunState>,
    /// As JSON, as a store would keep it.
    journal: Vec<String>,
    now: Timestamp,
    /// Effects in the hands of workers.
    queue: BTreeMap<u32, Effect>,
    wants_continue: bool,
    /// What the world did, by idempotency key.
    world: BTreeMap<String, Value>,
    /// How often it did so, by path.
    successes: BTreeMap<String, u32>,
    /// Finished effects that can be undone, in the order in which the run heard of them.
    owed: Vec<String>,
    undone: Vec<String>,
    /// Results that were delivered, or abandoned: to be delivered again.
    stale: Vec<Command>,
    is_cancelled: bool,
    report: Report,
}

impl<'a> Simulation<'a> {
    fn begin(case: &'a Case) -> Check<Self> {
        let mut simulation = Self {
            library: &case.library,
            random: Random::new(case.seed ^ 0xC0FF_EE00),
            script: Script { seed: case.seed, ..Script::default() },
            state: None,
            journal: Vec::new(),
            now: Timestamp(1_000_000),
            queue: BTreeMap::new(),
            wants_continue: false,
            world: BTreeMap::new(),
            successes: BTreeMap::new(),
            owed: Vec::new(),
            undone: Vec::new(),
            stale: Vec::new(),
            is_cancelled: false,
            report: Report::default(),
        };
        let library = &case.library;
        let flow = library.newest("f0").map_err(told)?;
        let flows = sub_flows(library, &|name| library.newest(name), &flow).map_err(told)?;
        let (run, workspace) = (RunId::from_bytes([1; 16]), WorkspaceId::from_bytes([2; 16]));
        let at = simulation.now;
        simulation.apply(Command::Start { run, workspace, flow, flows, input: input(), at })?;
        Ok(simulation)
    }

    fn state(&self) -> Check<&RunState> {
        self.state.as_ref().ok_or_else(|| "the run has no state".to_owned())
    }

    /// A failed run is sometimes taken up again, with the world in a better mood.
    fn is_over(&mut self) -> Check<bool> {
        let state = self.state()?;
        let can_resume = state.status == Status::Failed && state.undone == 0;
        let failed = if can_resume { self.failed_paths()? } else { Vec::new() };
        if !self.state()?.status.is_over() {
            return Ok(false);
        }
        if failed.is_empty() || self.random.percent(50) {
            return Ok(true);
        }
        self.script.healed.extend(failed);
        self.report.resumed += 1;
        self.apply(Command::Resume { at: self.now })?;
        Ok(false)
    }

    fn failed_paths(&self) -> Check<Vec<String>> {
        let mut paths = Vec::new();
        for (id, frame) in &self.state()?.frames {
            for (node, activity) in &frame.active {
                let (name, has_way_on) = self.node(*id, *node)?;
                if matches!(activity, Activity::Gave { .. }) && !has_way_on {
                    paths.push(self.path(*id, *node, &name)?);
                }
            }
        }
        Ok(paths)
    }

    /// One thing that can happen next.
    fn step(&mut self) -> Check {
        self.now = self.now.plus_ms(i64::try_from(self.random.below(20)).unwrap_or_default());
        match self.random.below(100) {
            0..8 => self.crash(),
            8..12 => self.say_something_stale(),
            12..14 => self.say_something_wrong(),
            14 if self.random.percent(4) => self.cancel(),
            15..19 => self.apply(Command::Passed { at: self.now }).map(drop),
            19..22 => self.apply(Command::Continue { at: self.now }).map(drop),
            22..50 if self.wants_continue => self.apply(Command::Continue { at: self.now }).map(drop),
            _ => self.go_on(),
        }
    }

    fn go_on(&mut self) -> Check {
        let questions = self.questions()?;
        let choices = self.queue.len() + questions.len();
        if choices > 0 {
            let choice = usize::try_from(self.random.below(choices as u64)).unwrap_or_default();
            return match questions.get(choice) {
                Some((id, answer)) => self.answer(*id, *answer),
                None => self.perform(choice - questions.len()),
            };
        }
        if self.wants_continue {
            return self.apply(Command::Continue { at: self.now }).map(drop);
        }
        let wake_at = self.state()?.wake_at().ok_or("nothing will ever happen again")?;
        self.now = self.now.max(wake_at);
        let applied = self.apply(Command::Passed { at: self.now })?;
        if applied.is_ignored { Err("the time had come and nothing happened".to_owned()) } else { Ok(()) }
    }

    /// Open questions that somebody will answer, with the answer.
    fn questions(&self) -> Check<Vec<(u32, u64)>> {
        let mut questions = Vec::new();
        let state = self.state()?;
        let is_live = matches!(state.status, Status::Running | Status::Waiting);
        for (id, frame) in state.frames.iter().filter(|_| is_live) {
            for (node, activity) in &frame.active {
                let Activity::Asking(question) = activity else { continue };
                let path = self.path(*id, *node, &self.node(*id, *node)?.0)?;
                let answer = self.script.answer(&path).or(question.expires_at.is_none().then_some(0));
                questions.extend(answer.map(|answer| (question.id, answer)));
            }
        }
        Ok(questions)
    }

    fn answer(&mut self, interrupt: u32, answer: u64) -> Check {
        let wrong = json!(answer + 10);
        self.expect_refused(answered(interrupt, wrong, self.now), "flow_answer_invalid")?;
        self.apply(answered(interrupt, json!(answer), self.now))?;
        self.expect_refused(answered(interrupt, json!(answer), self.now), "flow_")
    }

    fn perform(&mut self, at: usize) -> Check {
        let effect = self.queue.values().nth(at).ok_or("no effect to perform")?.clone();
        // Whoever waits for a retry must not let a question expire that somebody will answer.
        let mut questions = self.questions()?;
        if self.now < effect.not_before && !questions.is_empty() {
            let (id, answer) = questions.swap_remove(0);
            return self.answer(id, answer);
        }
        self.now = self.now.max(effect.not_before);
        self.queue.remove(&effect.id);
        let command = match self.attempt(&effect)? {
            Trial::Succeeds(output) => Command::Performed {
                effect: effect.id,
                output,
                prompt_tokens: 3,
                completion_tokens: 2,
                money: 0.5,
                at: self.now,
            },
            trial => Command::Failed { effect: effect.id, fault: fault(&trial), at: self.now },
        };
        self.deliver(&effect, command)
    }

    fn deliver(&mut self, effect: &Effect, command: Command) -> Check {
        let node = self.node(effect.frame, effect.node).ok();
        let is_undo = self.state()?.undoing.as_ref().is_some_and(|undoing| undoing.effect.id == effect.id);
        let owes = !effect.compensates && node.is_some() && self.owes(effect)?;
        let applied = self.apply(command.clone())?;
        self.stale.push(command.clone());
        if !applied.is_ignored && matches!(command, Command::Performed { .. }) {
            self.report.performed += 1;
            if is_undo {
                self.undone.push(effect.input.to_string());
            } else if owes {
                let key = effect.idempotency_key(self.state()?.run);
                self.owed.push(json!({"of": self.world.get(&key)}).to_string());
            }
        }
        Ok(())
    }

    fn owes(&self, effect: &Effect) -> Check<bool> {
        let frame = self.state()?.frames.get(&effect.frame).ok_or("an effect without a frame")?;
        let flow =
            self.library.0.values().find(|flow| flow.hash == frame.flow).ok_or("a frame without a flow")?;
        Ok(flow.nodes.get(effect.node).is_some_and(|node| node.compensate.is_some()))
    }

    /// What the world does about an attempt; what it has done once under a key it does not do again.
    fn attempt(&mut self, effect: &Effect) -> Check<Trial> {
        let key = effect.idempotency_key(self.state()?.run);
        if let Some(done) = self.world.get(&key) {
            return Ok(Trial::Succeeds(done.clone()));
        }
        let path = self.path_of(effect)?;
        let trial = self.script.attempt(&path, effect.attempt - effect.pardoned, &effect.input);
        if let Trial::Succeeds(output) = &trial {
            self.world.insert(key, output.clone());
            *self.successes.entry(path).or_default() += 1;
        }
        Ok(trial)
    }

    /// The process ends: some effects had been done and nobody heard of it; the journal is all that is left.
    fn crash(&mut self) -> Check {
        self.report.crashes += 1;
        for effect in std::mem::take(&mut self.queue).into_values() {
            if self.random.percent(40) && effect.not_before <= self.now {
                self.attempt(&effect)?;
            }
        }
        let before = self.state.take();
        for line in &self.journal {
            let command = serde_json::from_str(line).map_err(|error| error.to_string())?;
            apply(self.library, &mut self.state, &command).map_err(told)?;
        }
        if self.state != before {
            return Err(format!("the journal gives another state: {:?} instead of {before:?}", self.state));
        }
        let stored = serde_json::to_string(&self.state).map_err(|error| error.to_string())?;
        self.state = serde_json::from_str(&stored).map_err(|error| error.to_string())?;
        if self.state != before {
            return Err(format!("a stored state is read as another: {stored}"));
        }
        let pending: Vec<Effect> = self.state()?.pending().cloned().collect();
        for effect in pending {
            self.interrupt(&effect)?;
        }
        Ok(())
    }

    fn interrupt(&mut self, effect: &Effect) -> Check {
        if self.state()?.pending().all(|pending| pending.id != effect.id) {
            return Ok(());
        }
        let path = self.path_of(effect)?;
        let may_have_begun = effect.not_before <= self.now && !effect.compensates;
        if may_have_begun && self.on_interrupt(effect)? != OnInterrupt::Retry {
            self.script.healed.remove(&path);
            self.script.interrupted.insert(path);
        }
        self.apply(Command::Interrupted { effect: effect.id, at: self.now }).map(drop)
    }

    fn on_interrupt(&self, effect: &Effect) -> Check<OnInterrupt> {
        let frame = self.state()?.frames.get(&effect.frame).ok_or("an effect without a frame")?;
        let flow =
            self.library.0.values().find(|flow| flow.hash == frame.flow).ok_or("a frame without a flow")?;
        Ok(flow.nodes.get(effect.node).map(|node| node.on_interrupt).unwrap_or_default())
    }

    fn say_something_stale(&mut self) -> Check {
        if self.stale.is_empty() {
            return Ok(());
        }
        let choice = usize::try_from(self.random.below(self.stale.len() as u64)).unwrap_or_default();
        let stale = self.stale[choice].clone();
        let (Command::Performed { effect, .. } | Command::Failed { effect, .. }) = &stale else {
            return Ok(());
        };
        if self.state()?.pending().any(|pending| pending.id == *effect) {
            return Ok(());
        }
        let applied = self.apply(stale)?;
        if applied.is_ignored { Ok(()) } else { Err("a stale result was taken".to_owned()) }
    }

    fn say_something_wrong(&mut self) -> Check {
        self.expect_refused(answered(999_999, json!(1), self.now), "flow_")?;
        self.expect_refused(Command::Resume { at: self.now }, "flow_run_not_failed")
    }

    fn cancel(&mut self) -> Check {
        let applied = self.apply(Command::Cancel { reason: "enough".to_owned(), at: self.now })?;
        self.is_cancelled |= !applied.is_ignored;
        Ok(())
    }

    fn expect_refused(&mut self, command: Command, code: &str) -> Check {
        let before = self.state.clone();
        match apply(self.library, &mut self.state, &command) {
            Err(error) if error.code.starts_with(code) && self.state == before => Ok(()),
            other => Err(format!("{command:?} should be refused with {code}: {other:?}")),
        }
    }

    fn apply(&mut self, command: Command) -> Check<Applied> {
        let before = if self.random.percent(10) { Some(self.state.clone()) } else { None };
        let applied = apply(self.library, &mut self.state, &command).map_err(told)?;
        self.report.commands += 1;
        if applied.is_ignored {
            self.report.ignored += 1;
            return match before {
                Some(before) if before != self.state => {
                    Err(format!("{command:?} was ignored and changed something"))
                }
                _ => Ok(applied),
            };
        }
        self.journal.push(serde_json::to_string(&command).map_err(|error| error.to_string())?);
        self.wants_continue = applied.actions.contains(&Action::Continue);
        for action in &applied.actions {
            match action {
                Action::Perform(effect) => _ = self.queue.insert(effect.id, effect.clone()),
                Action::Abandon(effect) => self.abandon(*effect)?,
                _ => {}
            }
        }
        self.check_queue()?;
        Ok(applied)
    }

    /// What could owe a compensation must be waited for, unless the frame that it is in was dropped.
    fn abandon(&mut self, effect: u32) -> Check {
        let Some(effect) = self.queue.remove(&effect) else { return Ok(()) };
        let is_dropped = !self.state()?.frames.contains_key(&effect.frame);
        match is_dropped || !self.owes(&effect)? {
            true => Ok(()),
            false => Err(format!("effect {} of '{}' was abandoned and may be done", effect.id, effect.name)),
        }
    }

    /// What workers hold is what the state says is pending, except right after a crash.
    fn check_queue(&self) -> Check {
        let pending: BTreeSet<u32> = self.state()?.pending().map(|effect| effect.id).collect();
        match self.queue.keys().find(|id| !pending.contains(id)) {
            Some(id) => Err(format!("effect {id} was handed out and nobody waits for it")),
            None => Ok(()),
        }
    }

    fn node(&self, frame: FrameId, node: usize) -> Check<(String, bool)> {
        let frame = self.state()?.frames.get(&frame).ok_or("no such frame")?;
        let flow =
            self.library.0.values().find(|flow| flow.hash == frame.flow).ok_or("a frame without a flow")?;
        let node = flow.nodes.get(node).ok_or("no such node")?;
        Ok((node.name.clone(), node.on_error.is_some()))
    }

    fn path_of(&self, effect: &Effect) -> Check<String> {
        if effect.compensates {
            return Ok(format!("undo {} {}", effect.name, effect.id));
        }
        self.path(effect.frame, effect.node, &effect.name)
    }

    fn path(&self, frame: FrameId, node: usize, name: &str) -> Check<String> {
        let found = self.state()?.frames.get(&frame).ok_or("no such frame")?;
        let visits = found.visits.get(&node).copied().unwrap_or_default();
        let Some(parent) = found.parent else { return Ok(format!("/{name}#{visits}")) };
        let above = self.path(parent.frame, parent.node, &self.node(parent.frame, parent.node)?.0)?;
        Ok(format!("{above}[{}]/{name}#{visits}", parent.item))
    }

    fn compare(&mut self) -> Check {
        let expected = expect(self.library, &self.script, "f0", &input());
        let state = self.state()?.clone();
        self.check_counts(&state, &expected)?;
        self.check_undone(&state)?;
        self.report.status = Some(state.status);
        self.report.undone = self.undone.len();
        if self.is_cancelled || expected.ending == Ending::Open {
            return Ok(());
        }
        self.report.is_compared = true;
        match (&state.outcome, &expected.ending) {
            (Some(Outcome::Output(output)), Ending::Output(expected)) if output == expected => Ok(()),
            (Some(Outcome::Fault(fault)), _) if fault.code == "flow_compensation_failed" => Ok(()),
            (Some(Outcome::Fault(fault)), Ending::Faults(codes)) if codes.contains(&fault.code) => Ok(()),
            (outcome, ending) => Err(format!("the machine says {outcome:?}, the oracle {ending:?}")),
        }
    }

    /// Each effect succeeded once, whatever was lost, retried or said twice; and in a finished run all of them did.
    fn check_counts(&self, state: &RunState, expected: &Expected) -> Check {
        let of_nodes = |(path, _): &(&String, &u32)| !path.starts_with("undo");
        let counted: BTreeMap<_, _> =
            self.successes.iter().filter(of_nodes).map(|(path, count)| (path.clone(), *count)).collect();
        let is_whole =
            state.status == Status::Finished && !expected.dropped && expected.ending != Ending::Open;
        let was_healed = |path: &String| self.script.healed.contains(path);
        if let Some((path, count)) = counted.iter().find(|(path, count)| **count > 1 && !was_healed(path)) {
            return Err(format!("effect {path} succeeded {count} times"));
        }
        let is_lost = |path: &&String| !self.script.interrupted.contains(*path);
        let keys =
            |of: &BTreeMap<String, u32>| of.keys().filter(is_lost).cloned().collect::<BTreeSet<String>>();
        if is_whole && keys(&counted) != keys(&expected.successes) {
            return Err(format!("effects {counted:?} succeeded, the oracle has {:?}", expected.successes));
        }
        Ok(())
    }

    /// Newest first, each once, and all of them if the run did not finish.
    fn check_undone(&self, state: &RunState) -> Check {
        let failed =
            matches!(&state.outcome, Some(Outcome::Fault(fault)) if fault.code == "flow_compensation_failed");
        let newest_first: Vec<String> = self.owed.iter().rev().cloned().collect();
        match state.status {
            Status::Finished if self.undone.is_empty() => Ok(()),
            Status::Failed | Status::Cancelled if failed || self.undone == newest_first => Ok(()),
            status => Err(format!("{status:?}, owed {:?}, undone {:?}", self.owed, self.undone)),
        }
    }
}

fn input() -> Value {
    json!({"x": 2})
}

fn answered(interrupt: u32, value: Value, at: Timestamp) -> Command {
    Command::Answer { interrupt, value, by: "somebody".to_owned(), at }
}

fn fault(trial: &Trial) -> Fault {
    let is_passing = *trial == Trial::FailsForNow;
    let (class, code) = if is_passing {
        (Class::Unavailable, "scripted_for_now")
    } else {
        (Class::BadRequest, "scripted_for_good")
    };
    Fault { class, code: code.to_owned(), message: "as the script says".to_owned(), is_passing }
}

fn told(error: ibid_types::Error) -> String {
    format!("{}: {}", error.code, error.chain())
}

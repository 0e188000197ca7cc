//! One attempt of one effect, on the thread of a worker.
//!
//! Keeps true: a kind that panics, hangs or gives too much fails its effect and nothing else.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ibid_types::{Class, Error, Result, Timestamp};
use serde_json::Value;

use super::queue::{Performed, Task};
use super::{Active, Runner};
use crate::codec::depth_of;
use crate::events::{Event, Step, StepState};
use crate::machine::{Command, Effect, Fault};
use crate::{Call, Emitted, NodeKind, Output};

/// Outputs and inputs are nested no deeper, so that a state can be read back by any JSON reader.
pub const DEPTH_MAX: usize = 64;
/// As JSON.
pub const VALUE_BYTES_MAX: usize = 16 << 20;

/// An effect that is being performed.
#[derive(Debug)]
pub struct Attempt {
    active: Arc<Active>,
    effect: u32,
    number: u32,
    deadline: Timestamp,
    /// Its result is not wanted any more.
    stop: AtomicBool,
    /// Another thread took the place of its thread.
    is_given_up: AtomicBool,
}

impl Runner {
    pub(super) fn perform(self: &Arc<Self>, active: &Arc<Active>, effect: Effect) -> Performed {
        let (id, number) = (effect.id, effect.attempt);
        let command = match self.registry.find(&effect.kind).cloned() {
            None => failed(id, unknown_kind(&effect), self.clock.now()),
            Some(kind) => {
                let attempt = self.begin_attempt(active, &effect, &*kind);
                let outcome = self.attempt(&*kind, active, &effect, &attempt);
                if !self.end_attempt(&attempt) {
                    return match attempt.is_given_up.load(Ordering::SeqCst) {
                        true => Performed::GivenUp,
                        false => Performed::Next(None),
                    };
                }
                let is_stopped = attempt.stop.load(Ordering::SeqCst);
                match outcome {
                    // It was told to stop: what it says of that is not the effect's own failure.
                    Err(_) if is_stopped => return Performed::Next(None),
                    outcome => self.ended(id, outcome),
                }
            }
        };
        Performed::Next(self.end_effect(active, number, command))
    }

    fn begin_attempt(&self, active: &Arc<Active>, effect: &Effect, kind: &dyn NodeKind) -> Arc<Attempt> {
        let timeout = timeout_of(effect, kind);
        let ms = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let attempt = Arc::new(Attempt {
            active: Arc::clone(active),
            effect: effect.id,
            number: effect.attempt,
            deadline: self.clock.now().plus_ms(ms),
            stop: AtomicBool::new(false),
            is_given_up: AtomicBool::new(false),
        });
        active.feed.begins(effect.id);
        self.attempts.lock().insert((active.run, effect.id), Arc::clone(&attempt));
        attempt
    }

    /// Whether the attempt's result still counts.
    fn end_attempt(&self, attempt: &Arc<Attempt>) -> bool {
        let mut attempts = self.attempts.lock();
        let key = (attempt.active.run, attempt.effect);
        let is_current = attempts.get(&key).is_some_and(|current| Arc::ptr_eq(current, attempt));
        if is_current {
            attempts.remove(&key);
        }
        is_current
    }

    fn attempt(
        &self,
        kind: &dyn NodeKind,
        active: &Active,
        effect: &Effect,
        attempt: &Attempt,
    ) -> Result<Output> {
        let key = effect.idempotency_key(active.run);
        let emit = |emitted: Emitted| self.emitted(active, effect, attempt, emitted);
        let call = Call {
            run: active.run,
            workspace: active.workspace,
            reader: active.reader,
            node: &effect.name,
            input: &effect.input,
            attempt: effect.attempt,
            idempotency_key: &key,
            timeout: timeout_of(effect, kind),
            emit: &emit,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| kind.perform(&call)));
        outcome.unwrap_or_else(|panic| Err(panicked(effect, panic.as_ref()))).and_then(bounded)
    }

    fn emitted(
        &self,
        active: &Active,
        effect: &Effect,
        attempt: &Attempt,
        emitted: Emitted,
    ) -> ControlFlow<()> {
        if attempt.stop.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        let step = |state, detail| {
            let (node, kind, attempt) = (effect.name.clone(), effect.kind.clone(), effect.attempt);
            Event::Step(Step { node, kind, state, attempt, detail })
        };
        match emitted {
            Emitted::Token(text) => active.feed.token(effect.id, &effect.name, text),
            Emitted::Progress(detail) => active.feed.passing(step(StepState::Started, detail)),
            Emitted::Anew => {
                active.feed.begins(effect.id);
                active.feed.passing(step(StepState::Restarted, String::new()));
            }
        }
        ControlFlow::Continue(())
    }

    fn ended(&self, effect: u32, outcome: Result<Output>) -> Command {
        let at = self.clock.now();
        match outcome {
            Ok(output) => Command::Performed {
                effect,
                output: output.value,
                prompt_tokens: output.prompt_tokens,
                completion_tokens: output.completion_tokens,
                money: if output.money.is_finite() { output.money.max(0.0) } else { 0.0 },
                at,
            },
            Err(error) => failed(effect, Fault::new(&error), at),
        }
    }

    /// Tells an effect that its result is not wanted.
    pub(super) fn abandon(&self, active: &Active, effect: u32) {
        if let Some(attempt) = self.attempts.lock().get(&(active.run, effect)) {
            attempt.stop.store(true, Ordering::SeqCst);
        }
    }

    /// Tells all effects to stop; they stay in the journal and are taken up by whoever comes next.
    pub(super) fn stop_attempts(&self) {
        self.attempts.lock().values().for_each(|attempt| attempt.stop.store(true, Ordering::SeqCst));
    }

    /// Gives up attempts whose time is over.
    pub(super) fn give_up_late(self: &Arc<Self>) {
        let now = self.clock.now();
        let mut late = Vec::new();
        self.attempts.lock().retain(|_, attempt| {
            if attempt.deadline > now {
                return true;
            }
            attempt.stop.store(true, Ordering::SeqCst);
            let is_given_up = self.queue.abandon(self.config.abandoned_max);
            attempt.is_given_up.store(is_given_up, Ordering::SeqCst);
            late.push(Arc::clone(attempt));
            false
        });
        for attempt in late {
            let what = "the effect took longer than its timeout; raise timeout_seconds of the node";
            let fault = Fault::new(&Error::timeout("flow_timeout", what));
            self.push(Task::Failed {
                active: Arc::clone(&attempt.active),
                attempt: attempt.number,
                command: failed(attempt.effect, fault, now),
            });
        }
    }

    pub(super) fn is_performing(&self) -> bool {
        !self.attempts.lock().is_empty()
    }
}

fn failed(effect: u32, fault: Fault, at: Timestamp) -> Command {
    Command::Failed { effect, fault, at }
}

fn timeout_of(effect: &Effect, kind: &dyn NodeKind) -> Duration {
    let own = effect.timeout_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    own.unwrap_or_else(|| kind.timeout())
}

/// An output that a checkpoint can hold.
fn bounded(output: Output) -> Result<Output> {
    fits(&output.value, "an output").map(|()| output)
}

/// Says whether a checkpoint can hold the value.
pub fn fits(value: &Value, what: &str) -> Result<()> {
    if depth_of(value) > DEPTH_MAX {
        let what = format!("{what} is nested deeper than {DEPTH_MAX}; make it flatter");
        return Err(Error::bad_request("flow_value_too_large", what));
    }
    if size_of(value) > VALUE_BYTES_MAX {
        let what = format!("{what} is larger than {VALUE_BYTES_MAX} bytes; keep it elsewhere and name it");
        return Err(Error::bad_request("flow_value_too_large", what));
    }
    Ok(())
}

/// About as many bytes as the value's JSON has. Called after the depth was found to be bounded.
fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size_of(item) + 1).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(name, field)| name.len() + 4 + size_of(field)).sum::<usize>()
        }
        _ => 8,
    }
}

fn unknown_kind(effect: &Effect) -> Fault {
    Fault {
        class: Class::Internal,
        code: "flow_kind_unknown".to_owned(),
        message: format!("this program has no kind of node named '{}'", effect.kind),
        is_passing: false,
    }
}

fn panicked(effect: &Effect, panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(node = effect.name, kind = effect.kind, panic = text, "a node of a flow panicked");
    let what = format!("node '{}' failed inside the program; report it with the log", effect.name);
    Error::internal("flow_node_panicked", what)
}

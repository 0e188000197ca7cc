//! What a watcher of a run is told.
//!
//! Keeps true: every event but tokens and progress follows from checkpoints alone, with the same id whenever it is
//! told, so a watcher that comes back after a restart goes on where it was.
//!
//! An id is `CHECKPOINT.SUB`. What follows from a checkpoint has subs from 0; tokens have the number of the newest
//! checkpoint at their time and subs from `TOKEN_SUB_FIRST`, so ids grow in the order of telling.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use ibid_types::Error;
use serde_json::Value;

use crate::Registry;
use crate::machine::{Activity, Command, Effect, Fault, FrameId, Interrupt, Outcome, RunState, Status};

/// Where tokens begin among the subs of a checkpoint: nothing has so many durable events.
pub const TOKEN_SUB_FIRST: u32 = 10_000;

/// The place of an event in all that a run tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    pub checkpoint: u32,
    pub sub: u32,
}

impl EventId {
    #[must_use]
    pub const fn new(checkpoint: u32, sub: u32) -> Self {
        Self { checkpoint, sub }
    }

    /// After all durable events of a checkpoint and before all tokens.
    #[must_use]
    pub const fn end_of(checkpoint: u32) -> Self {
        Self { checkpoint, sub: TOKEN_SUB_FIRST - 1 }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.checkpoint, self.sub)
    }
}

impl FromStr for EventId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || {
            let what = format!("'{text}' is not the id of an event; ids are like 12.57");
            Error::bad_request("id_malformed", what)
        };
        let (checkpoint, sub) = text.trim().split_once('.').ok_or_else(malformed)?;
        let number = |part: &str| part.parse().map_err(|_| malformed());
        Ok(Self::new(number(checkpoint)?, number(sub)?))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Step(Step),
    /// A piece of a node's text; `replace` says that it is all of it so far.
    Token {
        node: String,
        text: String,
        replace: bool,
    },
    Interrupt {
        node: String,
        interrupt: Interrupt,
    },
    /// What the kind of the node tells of its output, such as a citation.
    Told {
        node: String,
        name: String,
        value: Value,
    },
    Usage {
        node: String,
        prompt_tokens: u64,
        completion_tokens: u64,
        money: f64,
    },
    /// Why the run failed; `Done` follows.
    Error(Fault),
    /// The last of all.
    Done {
        status: Status,
        outcome: Option<Outcome>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub node: String,
    pub kind: String,
    pub state: StepState,
    /// From 1; 0 of what is not an effect.
    pub attempt: u32,
    /// For people.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Started,
    Finished,
    Failed,
    /// It was interrupted and begins again: forget its text, it comes anew.
    Restarted,
    /// For a person or a timer.
    Waiting,
}

impl StepState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Restarted => "restarted",
            Self::Waiting => "waiting",
        }
    }
}

/// An event with its id; `late` is only for those who did not see the tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    pub id: EventId,
    pub event: Event,
    pub late: bool,
}

/// What names nodes that are no effects: name and kind of a node of a frame's flow.
pub type Names<'a> = &'a dyn Fn(&RunState, FrameId, usize) -> (String, &'static str);

/// The durable events of a checkpoint. `before` is the state that the command found; without it only the end is told.
#[must_use]
pub fn derive(
    number: u32,
    before: Option<&RunState>,
    command: &Command,
    after: &RunState,
    ended: &[String],
    registry: &Registry,
    names: Names<'_>,
) -> Vec<Numbered> {
    let mut told = Told { number, events: Vec::new() };
    if let Some(before) = before {
        let own = of_command(before, command, after, registry, names, &mut told);
        for node in ended.iter().filter(|node| own.as_ref() != Some(node)) {
            told.node((node.clone(), ""), StepState::Finished, "");
        }
        of_nodes(Some(before), command, after, names, &mut told);
    } else if number == 0 {
        of_nodes(None, command, after, names, &mut told);
    }
    if after.status.is_over() && !before.is_some_and(|before| before.status.is_over()) {
        if let Some(Outcome::Fault(fault)) = &after.outcome {
            told.event(Event::Error(fault.clone()));
        }
        told.event(Event::Done { status: after.status, outcome: after.outcome.clone() });
    }
    told.events
}

struct Told {
    number: u32,
    events: Vec<Numbered>,
}

impl Told {
    fn event(&mut self, event: Event) {
        self.numbered(event, false);
    }

    fn numbered(&mut self, event: Event, late: bool) {
        let sub = u32::try_from(self.events.len()).unwrap_or(u32::MAX);
        // More than there are subs for are not told; no bounded output has so many.
        if sub < TOKEN_SUB_FIRST - 1 {
            self.events.push(Numbered { id: EventId::new(self.number, sub), event, late });
        }
    }

    fn step(&mut self, effect: &Effect, state: StepState, detail: &str) {
        let (node, kind) = (effect.name.clone(), effect.kind.clone());
        self.event(Event::Step(Step {
            node,
            kind,
            state,
            attempt: effect.attempt,
            detail: detail.to_owned(),
        }));
    }

    fn node(&mut self, (node, kind): (String, &str), state: StepState, detail: &str) {
        let (kind, detail) = (kind.to_owned(), detail.to_owned());
        self.event(Event::Step(Step { node, kind, state, attempt: 0, detail }));
    }
}

/// What the command itself says; gives the node that it is about.
fn of_command(
    before: &RunState,
    command: &Command,
    after: &RunState,
    registry: &Registry,
    names: Names<'_>,
    told: &mut Told,
) -> Option<String> {
    if let Command::Answer { interrupt, .. } = command {
        let is_asked = |activity: &Activity| waiting_id(activity) == Some(*interrupt);
        let (frame, node, _) = places(before).find(|(_, _, activity)| is_asked(activity))?;
        let name = names(before, frame, node);
        told.node(name.clone(), StepState::Finished, "");
        return Some(name.0);
    }
    let effect = before.find_effect(command.effect()?)?;
    match command {
        Command::Performed { .. } => of_output(effect, command, registry, told),
        Command::Failed { fault, .. } => told.step(effect, StepState::Failed, &fault.message),
        Command::Interrupted { .. } => match after.find_effect(effect.id) {
            Some(again) => told.step(again, StepState::Restarted, ""),
            None => told.step(effect, StepState::Failed, "it was interrupted"),
        },
        _ => {}
    }
    Some(effect.name.clone())
}

/// What an effect gave.
fn of_output(effect: &Effect, command: &Command, registry: &Registry, told: &mut Told) {
    let Command::Performed { output, prompt_tokens, completion_tokens, money, .. } = command else { return };
    let node = || effect.name.clone();
    let kind = registry.find(&effect.kind);
    if let Some(text) = kind.and_then(|kind| kind.text_of(output)) {
        told.numbered(Event::Token { node: node(), text, replace: true }, true);
    }
    for (name, value) in kind.map(|kind| kind.events_of(output)).unwrap_or_default() {
        told.event(Event::Told { node: node(), name, value });
    }
    if prompt_tokens + completion_tokens > 0 || *money > 0.0 {
        let (prompt_tokens, completion_tokens, money) = (*prompt_tokens, *completion_tokens, *money);
        told.event(Event::Usage { node: node(), prompt_tokens, completion_tokens, money });
    }
    told.step(effect, StepState::Finished, "");
}

/// What began to be worked on or waited for.
fn of_nodes(
    before: Option<&RunState>,
    command: &Command,
    after: &RunState,
    names: Names<'_>,
    told: &mut Told,
) {
    let known: BTreeMap<u32, u32> =
        before.into_iter().flat_map(RunState::pending).map(|effect| (effect.id, effect.attempt)).collect();
    let waited: Vec<u32> =
        before.into_iter().flat_map(places).filter_map(|(_, _, activity)| waiting_id(activity)).collect();
    for (frame, node, activity) in places(after) {
        match activity {
            Activity::Performing { effect } => {
                let is_restart =
                    matches!(command, Command::Interrupted { effect: id, .. } if *id == effect.id);
                if known.get(&effect.id) != Some(&effect.attempt) && !is_restart {
                    told.step(effect, StepState::Started, "");
                }
            }
            Activity::Asking(interrupt) if !waited.contains(&interrupt.id) => {
                let name = names(after, frame, node);
                told.node(name.clone(), StepState::Waiting, &interrupt.prompt);
                told.event(Event::Interrupt { node: name.0, interrupt: interrupt.clone() });
            }
            Activity::Sleeping { id, until } if !waited.contains(id) => {
                told.node(names(after, frame, node), StepState::Waiting, &format!("until {until}"));
            }
            _ => {}
        }
    }
}

fn places(state: &RunState) -> impl Iterator<Item = (FrameId, usize, &Activity)> {
    state
        .frames
        .iter()
        .flat_map(|(id, frame)| frame.active.iter().map(move |(node, activity)| (*id, *node, activity)))
}

const fn waiting_id(activity: &Activity) -> Option<u32> {
    match activity {
        Activity::Asking(interrupt) => Some(interrupt.id),
        Activity::Sleeping { id, .. } => Some(*id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = EventId::new(12, 57);
        assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        assert_eq!("12".parse::<EventId>().unwrap_err().code, "id_malformed");
        assert!("a.b".parse::<EventId>().is_err() && "1.-2".parse::<EventId>().is_err());
    }

    #[test]
    fn ids_grow_in_the_order_of_telling() {
        let order = [(1, 0), (1, 9), (1, TOKEN_SUB_FIRST), (1, TOKEN_SUB_FIRST + 1), (2, 0)];
        let ids: Vec<EventId> = order.into_iter().map(|(number, sub)| EventId::new(number, sub)).collect();
        assert!(ids.is_sorted());
        assert!(EventId::end_of(1) > ids[1] && EventId::end_of(1) < ids[2]);
    }
}

//! Worker threads and what waits for one: threads come when there is work and go when there is none.
//!
//! Keeps true: at most `workers_max` threads take tasks; after `stop` no task is taken; workspaces take turns, so that none with many
//! tasks keeps the others waiting.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::{Active, Runner};
use crate::machine::{Command, Effect};
use ibid_types::{RunId, WorkspaceId};

/// An idle thread ends after so long.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub enum Task {
    Perform(Arc<Active>, Effect),
    /// An effect's end that its own thread cannot tell any more.
    Failed {
        active: Arc<Active>,
        attempt: u32,
        command: Command,
    },
    /// A run that nobody works on, or whose time has come.
    TakeUp(RunId),
}

#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    ended: Condvar,
}

impl Task {
    /// None of a run that is to be looked up first; all of these have one line.
    fn workspace(&self) -> Option<WorkspaceId> {
        match self {
            Self::Perform(active, _) | Self::Failed { active, .. } => Some(active.workspace),
            Self::TakeUp(_) => None,
        }
    }
}

/// Lines of workspaces; the first of the first line is next, and that line then goes behind the others.
#[derive(Debug)]
struct Lines<T> {
    lines: VecDeque<(Option<WorkspaceId>, VecDeque<T>)>,
    count: usize,
}

impl<T> Default for Lines<T> {
    fn default() -> Self {
        Self { lines: VecDeque::new(), count: 0 }
    }
}

impl<T> Lines<T> {
    fn push(&mut self, workspace: Option<WorkspaceId>, task: T) {
        self.count += 1;
        match self.lines.iter_mut().find(|(of, _)| *of == workspace) {
            Some((_, line)) => line.push_back(task),
            None => self.lines.push_back((workspace, VecDeque::from([task]))),
        }
    }

    fn pop(&mut self) -> Option<T> {
        let (workspace, mut line) = self.lines.pop_front()?;
        let task = line.pop_front();
        if !line.is_empty() {
            self.lines.push_back((workspace, line));
        }
        self.count -= usize::from(task.is_some());
        task
    }
}

#[derive(Debug, Default)]
struct State {
    tasks: Lines<Task>,
    workers: usize,
    idle: usize,
    /// Threads in effects that were given up; they take no tasks when they come back.
    abandoned: usize,
    is_stopping: bool,
}

impl Queue {
    pub fn is_stopping(&self) -> bool {
        self.state.lock().is_stopping
    }

    pub fn len(&self) -> usize {
        self.state.lock().tasks.count
    }

    /// Whether a worker with work of its own should let another task go first.
    fn is_crowded(&self, workers_max: usize) -> bool {
        let state = self.state.lock();
        state.is_stopping || state.tasks.count > 0 && state.workers >= workers_max
    }

    /// The worker's next task; nothing when it should end.
    fn take(&self) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if state.is_stopping {
                break;
            }
            if let Some(task) = state.tasks.pop() {
                return Some(task);
            }
            state.idle += 1;
            let waited = self.ready.wait_for(&mut state, IDLE);
            state.idle -= 1;
            if waited.timed_out() && state.tasks.count == 0 {
                break;
            }
        }
        state.workers -= 1;
        self.ended.notify_all();
        None
    }

    /// Gives up a thread: another may take its place, if not too many were given up already.
    pub fn abandon(&self, abandoned_max: usize) -> bool {
        let mut state = self.state.lock();
        if state.abandoned >= abandoned_max {
            return false;
        }
        state.abandoned += 1;
        state.workers -= 1;
        true
    }

    /// Waits so long, or until the end; says whether it is the end.
    pub fn pause(&self, longest: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.is_stopping {
            self.ended.wait_for(&mut state, longest);
        }
        state.is_stopping
    }

    pub fn came_back(&self) {
        self.state.lock().abandoned -= 1;
    }

    /// Takes no more tasks, and waits at most so long for those that are being done. Says whether all ended.
    pub fn stop(&self, longest: Duration) -> bool {
        let mut state = self.state.lock();
        state.is_stopping = true;
        state.tasks = Lines::default();
        self.ready.notify_all();
        self.ended.wait_while_for(&mut state, |state| state.workers > 0, longest);
        state.workers == 0
    }
}

impl Runner {
    /// Has a worker do the task.
    pub(super) fn push(self: &Arc<Self>, task: Task) {
        let mut state = self.queue.state.lock();
        if state.is_stopping {
            return;
        }
        state.tasks.push(task.workspace(), task);
        if state.idle >= state.tasks.count {
            self.queue.ready.notify_one();
        } else if state.workers < self.config.workers_max {
            state.workers += 1;
            drop(state);
            self.hire();
        }
    }

    fn hire(self: &Arc<Self>) {
        let runner = Arc::clone(self);
        let thread = std::thread::Builder::new().name("flow-worker".to_owned());
        if let Err(error) = thread.spawn(move || runner.work()) {
            self.queue.state.lock().workers -= 1;
            tracing::error!(%error, "no thread could be started for a flow; its runs wait");
        }
    }

    fn work(self: Arc<Self>) {
        while let Some(task) = self.queue.take() {
            let mut next = match task {
                Task::Perform(active, effect) => Some((active, effect)),
                Task::Failed { active, attempt, command } => {
                    self.end_effect(&active, attempt, command).map(|effect| (active, effect))
                }
                Task::TakeUp(run) => {
                    self.take_up(run);
                    None
                }
            };
            while let Some((active, effect)) = next.take() {
                if self.queue.is_crowded(self.config.workers_max) {
                    self.push(Task::Perform(active, effect));
                    break;
                }
                match self.perform(&active, effect) {
                    Performed::Next(effect) => next = effect.map(|effect| (active, effect)),
                    Performed::GivenUp => return self.queue.came_back(),
                }
            }
        }
    }
}

/// What a worker does after an effect.
#[derive(Debug)]
pub enum Performed {
    /// The run's next effect, or another task.
    Next(Option<Effect>),
    /// The effect took too long and another thread took this one's place.
    GivenUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_take_turns() {
        let (many, few) = (Some(WorkspaceId::new()), Some(WorkspaceId::new()));
        let mut lines = Lines::default();
        (0..4).for_each(|task| lines.push(many, task));
        (10..12).for_each(|task| lines.push(few, task));
        assert_eq!((lines.pop(), lines.pop(), lines.count), (Some(0), Some(10), 4));
        lines.push(None, 20);
        let rest: Vec<u32> = std::iter::from_fn(|| lines.pop()).collect();
        assert_eq!((rest, lines.count), (vec![1, 11, 20, 2, 3], 0));
    }
}

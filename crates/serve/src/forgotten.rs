//! What forgetting does to answers: those that cite what is forgotten lose their words, and runs that looked at it are gone.
//!
//! Keeps true: nothing that a run was told of a forgotten memory is left in its checkpoints, nor in those of later turns, which were
//! told what was answered; questions, and answers that rest on other things, stay.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use ibid_memory::{Forgetting, Scope};
use ibid_store::{
    RunRow, RunsQuery, SeenBy, Statement, ThreadRow, ThreadsQuery, TurnEnd, TurnRow, run_delete,
    thread_summary, turn_finish,
};
use ibid_types::memory::Owner;
use ibid_types::{EpisodeId, Error, Result, RunId, Timestamp};

use crate::access::Caller;
use crate::identity::receipts;
use crate::{App, runs};

const PAGE: usize = 200;
const TURNS_MAX: usize = 10_000;
/// How long a run that looks at what is forgotten may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
const CODE: &str = "answer_forgotten";
const REASON: &str = "the answer rested on memories that were forgotten; ask again";

/// What a request to forget reaches.
#[derive(Debug)]
pub struct Beyond<'a>(pub &'a Caller);

impl Forgetting for Beyond<'_> {
    fn beyond(&self, scope: Scope, episodes: &BTreeSet<EpisodeId>) -> Result<(Vec<Statement>, usize)> {
        if episodes.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let ids: Vec<String> = episodes.iter().map(ToString::to_string).collect();
        let mut erasing =
            Erasing { app: self.0, scope, ids: &ids, told: HashSet::new(), statements: Vec::new() };
        let answers = erasing.threads()?;
        erasing.runs()?;
        Ok((erasing.statements, answers))
    }

    fn backups_gone_at(&self, scope: Scope) -> Option<Timestamp> {
        self.0.backups_gone_at(scope.now)
    }

    fn sign(&self, receipt: &str) -> Result<String> {
        receipts::sign(self.0, receipt)
    }
}

struct Erasing<'a> {
    app: &'a App,
    scope: Scope,
    ids: &'a [String],
    /// Runs of turns that were told an answer that goes.
    told: HashSet<RunId>,
    statements: Vec<Statement>,
}

impl Erasing<'_> {
    /// Whose conversations can hold it; all of the workspace where it is shared.
    fn seen_by(&self) -> Option<SeenBy> {
        match self.scope.owner {
            Owner::Holder(holder) => Some(SeenBy { owner: holder.to_string(), is_admin: false }),
            Owner::Machine | Owner::Shared => None,
        }
    }

    /// The answers of conversations; how many went.
    fn threads(&mut self) -> Result<usize> {
        let mut query = ThreadsQuery { seen_by: self.seen_by(), limit: PAGE, ..ThreadsQuery::default() };
        let (scope, mut answers) = (self.scope, 0);
        loop {
            let page = self.app.store.thread_list(self.scope.workspace, &query)?;
            for thread in page.items.iter().filter(|thread| is_of(scope.owner, thread.owner.as_deref())) {
                answers += self.thread(thread)?;
            }
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(answers);
            }
        }
    }

    fn thread(&mut self, thread: &ThreadRow) -> Result<usize> {
        let turns = self.app.store.turn_list(thread.id, 0, TURNS_MAX)?;
        let goes =
            |turn: &&TurnRow| turn.answer.as_ref().is_some_and(|answer| self.names(&answer.to_string()));
        let gone: Vec<&TurnRow> = turns.iter().filter(goes).collect();
        let Some(first) = gone.first() else { return Ok(0) };
        self.told.extend(turns.iter().filter(|turn| turn.number >= first.number).map(|turn| turn.run));
        for turn in &gone {
            let end = TurnEnd {
                run: turn.run,
                status: "failed",
                answer: None,
                failure: Some((CODE, REASON)),
                now: turn.finished_at.unwrap_or(self.scope.now),
            };
            self.statements.extend(turn_finish(&end, self.app.store.sealer())?);
        }
        self.statements.push(thread_summary(thread.id, "", self.app.store.sealer())?);
        Ok(gone.len())
    }

    fn runs(&mut self) -> Result<()> {
        let scope = self.scope;
        let mut query = RunsQuery {
            workspace: Some(self.scope.workspace),
            seen_by: self.seen_by(),
            limit: PAGE,
            ..RunsQuery::default()
        };
        loop {
            let page = self.app.store.run_list(&query)?;
            for run in page.items.iter().filter(|run| is_of(scope.owner, run.owner.as_deref())) {
                self.run(run)?;
            }
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(());
            }
        }
    }

    fn run(&mut self, run: &RunRow) -> Result<()> {
        if !self.told.contains(&run.id) && !self.looked(run.id)? {
            return Ok(());
        }
        if run.finished_at.is_none() {
            // One that ended in this very moment needs no cancelling.
            let _ = self.app.runner().cancel(run.id, "what it looked at was forgotten");
            runs::wait(self.app, run.id, ENDED_WITHIN)?;
        }
        self.statements.extend(run_delete(run.id));
        Ok(())
    }

    /// Whether a run's state names what is forgotten.
    fn looked(&self, run: RunId) -> Result<bool> {
        let Some(last) = self.app.engine.journal.last(run)? else { return Ok(false) };
        let state = serde_json::to_string(&last.state).map_err(|error| {
            Error::internal("checkpoint_damaged", "the state of a run cannot be read").caused_by(error)
        })?;
        Ok(self.names(&state))
    }

    fn names(&self, text: &str) -> bool {
        self.ids.iter().any(|id| text.contains(id.as_str()))
    }
}

/// What nobody is named for was begun at this machine; of others the query told.
fn is_of(owner: Owner, begun_by: Option<&str>) -> bool {
    owner != Owner::Machine || begun_by.is_none()
}

//! Whose memory a request is about, and the jobs behind it.
//!
//! Keeps true: whoever asks has their own memory and what the workspace shares; writing what is shared needs the right to change documents.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_api::memory as wire;
use ibid_config::Config;
use ibid_index::memory::Web;
use ibid_memory::{MemoryConfig, Retention, Scope, SecondReader, fact_now};
use ibid_model::{ChatModel, Route};
use ibid_runtime::Clock;
use ibid_store::{JobState, RepositoryId, Workspace};
use ibid_types::access::{Permission, Reader};
use ibid_types::memory::Owner;
use ibid_types::{EntityId, Error, FactId, JobId, Result, WorkspaceId};

use crate::access::{Caller, Who};
use crate::providers::Providers;
use crate::routes::memory::fact_unknown;
use crate::spend::{self, Payer};
use crate::wire::memory as told;

/// How long a request waits for its episodes to be read.
const READ_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The memory that a request is about.
#[derive(Debug)]
pub struct Mind<'a> {
    app: &'a Caller,
    pub workspace: Workspace,
    own: Owner,
}

impl<'a> Mind<'a> {
    /// Errors: those of `Caller::workspace`.
    pub fn of(app: &'a Caller, workspace: Option<&str>) -> Result<Self> {
        Ok(Self { app, workspace: app.workspace(workspace)?, own: owner_of(app)? })
    }

    /// Whose memories may be seen.
    pub fn owners(&self) -> Vec<Owner> {
        vec![self.own, Owner::Shared]
    }

    pub fn sees(&self, workspace: WorkspaceId, owner: Owner) -> bool {
        workspace == self.workspace.id && (owner == self.own || owner == Owner::Shared)
    }

    /// Error: `not_allowed` for what is shared, to whoever may not change documents.
    pub fn owner(&self, shared: bool) -> Result<Owner> {
        if !shared {
            return Ok(self.own);
        }
        self.check(Permission::Edit)?;
        Ok(Owner::Shared)
    }

    pub fn scope(&self, shared: bool) -> Result<Scope> {
        Ok(Scope { workspace: self.workspace.id, owner: self.owner(shared)?, now: self.app.clock.now() })
    }

    /// Error: `not_allowed`.
    pub fn check(&self, permission: Permission) -> Result<()> {
        self.app.check_in(self.workspace.id, Some(permission), &self.workspace.name)
    }

    /// An entity by its id or its name. Error: `entity_unknown`.
    pub fn entity(&self, named: &str) -> Result<EntityId> {
        let unknown = || {
            let what = format!(
                "there is no entity '{named}' among your memories; GET /v1/memory/entities lists them"
            );
            Error::not_found("entity_unknown", what)
        };
        let Ok(id) = named.parse::<EntityId>() else {
            return self.app.memory.entity_named(self.workspace.id, self.own, named)?.ok_or_else(unknown);
        };
        let found = self.app.store.entities_by_id(&[id])?;
        let is_seen = found.iter().any(|entity| self.sees(entity.workspace, entity.owner));
        if is_seen { Ok(id) } else { Err(unknown()) }
    }

    /// The same of what a repository holds, before what people told of it: what they told is tied to it.
    pub fn entity_or_code(&self, named: &str) -> Result<EntityId> {
        let code = self.app.codes.with(self.workspace.id, |shelf| {
            let placed = match named.parse::<EntityId>() {
                Ok(id) => shelf.thing_of(id),
                Err(_) => shelf.thing(named),
            };
            Ok(placed.map(|placed| placed.entity()))
        })?;
        code.map_or_else(|| self.entity(named), Ok)
    }

    /// The graph of what is remembered and of what repositories hold.
    pub fn whole_web(&self) -> Result<Arc<Web>> {
        let id = self.workspace.id;
        match self.app.codes.stamp(id)? {
            None => self.app.webs.of(id),
            Some(stamp) => self.app.webs.joined(id, stamp, |entities| {
                self.app.codes.with(id, |shelf| Ok(shelf.beside(id, entities)))
            }),
        }
    }

    /// A repository by its source, or by its name where no other has it. Error: `repository_not_known`.
    pub fn repository(&self, named: &str) -> Result<RepositoryId> {
        self.app.codes.with(self.workspace.id, |shelf| {
            let mut fitting = shelf.repositories().filter(|kept| kept.source == named);
            let mut called = shelf.repositories().filter(|kept| kept.name() == named);
            let found = fitting.next().or_else(|| called.next().filter(|_| called.next().is_none()));
            let found = found.ok_or_else(|| crate::routes::memory_code::code_unknown(named))?;
            Ok(RepositoryId::of(&found.source))
        })
    }

    /// A fact as it is now. Error: `fact_unknown`.
    pub fn fact(&self, id: FactId) -> Result<wire::Fact> {
        let found = fact_now(&self.app.store, id)?.filter(|fact| self.sees(fact.workspace, fact.owner));
        let found = found.ok_or_else(|| fact_unknown(id))?;
        told::facts(&self.app.store, &[found])?.pop().ok_or_else(|| fact_unknown(id))
    }

    /// Until a job is done. Errors: its failure, `memory_not_read`.
    pub fn wait_for(&self, job: Option<JobId>) -> Result<()> {
        let Some(id) = job else { return Ok(()) };
        let began = Instant::now();
        while began.elapsed() < READ_WITHIN {
            self.app.memory.work()?;
            match self.app.store.jobs().find(id)? {
                Some(job) if job.state == JobState::Failed => {
                    let reason = job.failure.map(|failure| failure.reason).unwrap_or_default();
                    return Err(Error::internal(
                        "memory_not_read",
                        format!("the episodes are kept, and could not be read: {reason}"),
                    ));
                }
                Some(job) if job.state != JobState::Done => {
                    if self.app.shutdown.wait_timeout(LOOK_EVERY) {
                        break;
                    }
                }
                _ => return Ok(()),
            }
        }
        let what =
            format!("the episodes are kept, and not read yet; follow job {id}, or ask for facts later");
        Err(Error::timeout("memory_not_read", what))
    }
}

/// Whose memory the caller's is. Error: `not_allowed` for nobody.
pub fn owner_of(app: &Caller) -> Result<Owner> {
    match (app.who(), app.who().holder()) {
        (Who::Machine, _) => Ok(Owner::Machine),
        (_, Some(holder)) => Ok(Owner::Holder(holder)),
        _ => Err(Error::unauthenticated("key_missing", "memory is somebody's; sign in, or send a key")),
    }
}

/// Who "I" is in what the caller says; nobody knows at the machine itself.
pub fn speaker_of(app: &Caller) -> Option<String> {
    match app.who() {
        Who::User { name, .. } | Who::Key { name, .. } => Some(name.clone()),
        Who::Machine | Who::Nobody => None,
    }
}

/// The chat model that reads episodes again, as the configuration has it. Error: `chat_model_unknown`.
pub fn reader(
    config: &Config,
    providers: &Providers,
    clock: &Clock,
) -> Result<Option<Arc<dyn SecondReader>>> {
    let route = match config.memory.reader.as_str() {
        "rules" => None,
        "auto" => providers.usual().filter(|route| providers.is_near(route)),
        name => Some(providers.find(name)?),
    };
    let reader = |route: &Arc<Route>| {
        let is_near = providers.is_near(route);
        Arc::new(Reading { route: Arc::clone(route), is_near, clock: clock.clone() }) as Arc<dyn SecondReader>
    };
    Ok(route.map(reader))
}

/// A chat model that reads episodes on their owners' accounts.
#[derive(Debug)]
struct Reading {
    route: Arc<Route>,
    is_near: bool,
    clock: Clock,
}

impl SecondReader for Reading {
    fn model(&self) -> &dyn ChatModel {
        self.route.as_ref()
    }

    fn is_near(&self) -> bool {
        self.is_near
    }

    fn on_account_of(
        &self,
        workspace: WorkspaceId,
        owner: Owner,
        work: &mut dyn FnMut() -> Result<String>,
    ) -> Result<String> {
        let reader = match owner {
            Owner::Holder(holder) => Reader::Holder(holder),
            Owner::Machine | Owner::Shared => Reader::Machine,
        };
        spend::on_account_of(Payer::of_question(workspace, reader, self.clock.now()), work).0
    }
}

/// As the configuration has it.
pub fn config(config: &Config) -> MemoryConfig {
    let memory = &config.memory;
    let kept_in_backups = if config.backup.enabled { config.backup.keep_days_max() } else { 0 };
    MemoryConfig {
        merge_cosine: memory.merge_cosine,
        episode_bytes_max: memory.episode_bytes_max,
        episodes_max: memory.episodes_max,
        importance_min: memory.importance_min,
        retention: Retention {
            chat_days: memory.keep_chat_days,
            user_days: memory.keep_user_days,
            logs_days: memory.keep_logs_days,
            // Receipts tell a restore what is not to come back, as long as a backup holds it.
            analytics_days: memory.keep_analytics_days.max(kept_in_backups),
        },
        fade_days: memory.fade_days,
    }
}

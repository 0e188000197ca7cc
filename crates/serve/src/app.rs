//! The composition root: every concrete adapter is made here, from the configuration, and nowhere else.

mod indexes;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ibid_backup::Backup;
use ibid_blob::Blobs;
use ibid_chat::{AnswerConfig, Answerer, Ports};
use ibid_config::Config;
use ibid_flow::Runner;
use ibid_index::memory::{Memories, Webs};
use ibid_index::{IndexConfig, Indexes};
use ibid_ingest::pipeline::{Pipeline, PipelineConfig};
use ibid_ingest::worker::{ParsePool, PoolConfig};
use ibid_memory::Memory;
use ibid_model::{BreakerState, ChatModel, Embedder, EmbedderSpec, Observer, Purse};
use ibid_ops::series::{Limits, Series};
use ibid_retrieve::Retriever;
use ibid_retrieve::memory::Recaller;
use ibid_runtime::{Clock, Shutdown};
use ibid_seal::secret::{Kind, random_secret, secrets_equal};
use ibid_store::{Store, Workspace};
use ibid_types::access::Reader;
use ibid_types::answer::{Answer, Event, Question};
use ibid_types::search::{Found, Request};
use ibid_types::{Error, Result, Secret, Timestamp, WorkspaceId};
use parking_lot::{Mutex, RwLock};

use crate::access::Pace;
use crate::audit::Refusals;
use crate::backups::{Ground, drill};
use crate::code::Codes;
use crate::embedder::Active;
use crate::engine::Engine;
use crate::flow_book::FlowBook;
use crate::identity::SignIns;
use crate::library::{Library, Tools};
use crate::live::Streams;
use crate::metrics::Metrics;
use crate::metrics::model::{CallMetrics, Everyone, MeteredEmbedder};
use crate::providers::Providers;
use crate::queue::{Queue, Queues};
use crate::recollection::Recollection;
use crate::spend::{self, Bought, Ledger, Payer};
use crate::tls::Tls;
use crate::turns::TurnKeeper;
use crate::watch::Watching;
use crate::{access, clean_up, embedder, kept, memory, policy, quality, search, upkeep, watch};

/// How long a change may take to reach the indexes before a caller is told so.
const INDEXED_WITHIN: Duration = Duration::from_secs(30);
const SETTLED_WITHIN: Duration = Duration::from_secs(2);

/// What the process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Works on jobs and follows the feed until it is told to stop.
    Working,
    /// Answers one command; the index catches up once, jobs wait.
    Command,
}

/// Everything that a request may need.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub started_at: Timestamp,
    pub shutdown: Shutdown,
    pub store: Store,
    pub blobs: Arc<dyn Blobs>,
    /// None where nothing is backed up.
    pub backup: Option<Arc<Backup>>,
    /// The embedder that the configuration names: new documents get its vectors.
    pub embedder: Arc<dyn Embedder>,
    /// The one whose vectors are searched until all have one of the new, where the configuration has changed.
    pub former_embedder: Option<Arc<dyn Embedder>>,
    /// Held for reading while bytes are stored and named, for writing while unnamed bytes are deleted.
    pub uploads: RwLock<()>,
    pub metrics: Metrics,
    /// What chat models cost.
    pub ledger: Arc<Ledger>,
    pub streams: Streams,
    pub engine: Engine,
    /// What is remembered of people.
    pub memory: Arc<Memory>,
    /// The same to be searched, and as a graph.
    pub memories: Arc<Memories>,
    pub webs: Webs,
    pub recaller: Recaller,
    /// What answers may be made of.
    pub recollection: Arc<Recollection>,
    /// What is known of repositories.
    pub codes: Codes,
    indexes: Arc<Indexes>,
    retriever: Arc<Retriever>,
    answerer: Answerer,
    /// Chat models, and the routes over them.
    pub providers: Providers,
    pipeline: Arc<Pipeline>,
    /// The metrics of the last 30 days, of a server that keeps them.
    series: Option<Series>,
    local_token: Secret,
    pub pace: Pace,
    /// Places for work, and who waits for them.
    pub queues: Queues,
    /// Of a server that has a certificate.
    pub tls: OnceLock<Arc<Tls>>,
    pub sign_ins: SignIns,
    /// Known once it listens.
    pub listens_at: OnceLock<SocketAddr>,
    /// Refusals that the audit log has.
    pub refusals: Refusals,
    /// What is watched by which rules, and who is told.
    pub watching: Watching,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("data", &self.config.data).finish_non_exhaustive()
    }
}

impl App {
    /// Opens the data directory and makes every adapter. Model weights are read at first use.
    pub fn open(config: Config, mode: Mode) -> Result<Arc<Self>> {
        let clock = Clock::system();
        let shutdown = Shutdown::new();
        let metrics = Metrics::new();
        let Ground { store, blobs, backup } = Ground::open(&config, &clock, &metrics)?;
        store.workspace_ensure(&config.data.workspace)?;
        let (embedder, former_embedder) = embedders(&config, &store)?;
        let embedder: Arc<dyn Embedder> = Arc::new(MeteredEmbedder::new(embedder, metrics.clone()));
        let searched = former_embedder.as_ref().unwrap_or(&embedder).spec();
        let indexes = Arc::new(Indexes::open(index_config(&config, searched), store.clone())?);
        let retriever = Retriever::new(
            Arc::clone(&indexes),
            store.clone(),
            Arc::clone(&embedder),
            None,
            ibid_retrieve::Config::default(),
        );
        let retriever = Arc::new(retriever.with_former(former_embedder.clone()));
        let ledger = Arc::new(Ledger::open(&config, &store, &clock)?);
        let counting = CallMetrics::new(policy::prices(&config.chat), metrics.clone());
        let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(counting), ledger.clone()];
        let observer: Arc<dyn Observer> = Arc::new(Everyone(observers));
        let purse: Arc<dyn Purse> = ledger.clone();
        let providers = Providers::open(&config, &observer, &purse)?;
        let spec = embedder.spec();
        let memories = Arc::new(Memories::new(store.clone(), &spec.id, spec.dimensions));
        let recaller = Recaller::new(Arc::clone(&embedder), ibid_retrieve::memory::Config::default());
        let recollection = Arc::new(Recollection::new(
            store.clone(),
            Arc::clone(&memories),
            recaller.clone(),
            Arc::clone(&embedder),
            providers.are_near(),
        ));
        let ports = Ports::new(
            Arc::new(search::Port {
                retriever: Arc::clone(&retriever),
                indexes: Arc::clone(&indexes),
                store: store.clone(),
                metrics: metrics.clone(),
                recollection: config.memory.in_answers.then(|| Arc::clone(&recollection)),
            }),
            Arc::clone(&embedder),
            providers.chat_models(),
            AnswerConfig::default(),
        );
        let tools = Tools::open(&config, &clock, Library::new(Arc::clone(&retriever), store.clone()))?;
        let ports = ports.with_policy(policy::of(&config)?).with_prices(providers.prices());
        let ports = ports.with_tools(Arc::clone(&tools.toolbox));
        let ports = match kept::keeping(&config, &store, &metrics) {
            Some(keeping) => ports.with_keeping(keeping),
            None => ports,
        };
        let ports = Arc::new(ports);
        let answerer = Answerer::over(Arc::clone(&ports));
        let pipeline = Arc::new(make_pipeline(&config, &store, &blobs, &embedder, &indexes)?);
        let (kinds, flows) = (ibid_chat::kinds(&ports), ibid_chat::flows(&config.chat.tools));
        let keeper =
            TurnKeeper { store: store.clone(), metrics: metrics.clone(), ledger: Arc::clone(&ledger) };
        let engine = Engine::open(&config, &store, &clock, tools, &kinds, &flows, keeper)?;
        let reader = memory::reader(&config, &providers, &clock)?;
        let memory =
            Memory::new(store.clone(), Arc::clone(&embedder), memory::config(&config)).with_reader(reader);
        let webs = Webs::new(store.clone());
        let codes = Codes::new(store.clone());
        let series = open_series(&config, mode);
        let watching = Watching::open(&config, &store)?;
        let queues = Queues::new(&config, &metrics);
        let app = Arc::new(Self {
            queues,
            started_at: clock.now(),
            series,
            clock,
            shutdown,
            store,
            blobs,
            backup,
            embedder,
            former_embedder,
            uploads: RwLock::default(),
            metrics,
            ledger,
            streams: Streams::new(config.flow.streams_max),
            engine,
            memory: Arc::new(memory),
            memories,
            webs,
            recaller,
            recollection,
            codes,
            indexes,
            retriever,
            answerer,
            providers,
            pipeline,
            local_token: random_secret(Kind::Machine)?,
            pace: Pace::new(&config.limits, Clock::system())?,
            tls: OnceLock::new(),
            sign_ins: SignIns::default(),
            listens_at: OnceLock::new(),
            refusals: Refusals::default(),
            watching,
            threads: Mutex::default(),
            config,
        });
        access::blocks::reload(&app)?;
        if let Err(error) = app.memory.forget_wholly() {
            tracing::warn!(code = error.code, "the log still holds what was forgotten: {}", error.chain());
        }
        match mode {
            Mode::Working => app.start(),
            Mode::Command => {
                app.indexes.catch_up()?;
            }
        }
        Ok(app)
    }

    /// Whether the embedder's provider answers now.
    pub fn probe_embedder(&self) -> Result<()> {
        embedder::probe(&self.config, self.embedder.as_ref())
    }

    fn start(self: &Arc<Self>) {
        self.runner();
        let follower = Arc::clone(self);
        let worker = Arc::clone(self);
        let mut threads = self.threads.lock();
        threads.push(ibid_runtime::background("index", &self.shutdown, move |shutdown| {
            follower.indexes.run(shutdown)
        }));
        threads.push(ibid_runtime::background("ingest", &self.shutdown, move |shutdown| {
            worker.pipeline.run(shutdown)
        }));
        let rememberer = Arc::clone(&self.memory);
        threads.push(ibid_runtime::background("memory", &self.shutdown, move |shutdown| {
            rememberer.run(shutdown);
        }));
        if self.memory.has_reader() {
            let reader = Arc::clone(&self.memory);
            threads.push(ibid_runtime::background("memory-reader", &self.shutdown, move |shutdown| {
                reader.run_second(shutdown);
            }));
        }
        let forgetter = Arc::clone(&self.memory);
        threads.push(ibid_runtime::background("forgetting", &self.shutdown, move |shutdown| {
            forgetter.run_forgetting(shutdown);
        }));
        let sampler = Arc::clone(self);
        threads.push(ibid_runtime::background("metrics", &self.shutdown, move |shutdown| {
            upkeep::sample(&sampler, shutdown);
        }));
        let ledger = Arc::clone(&self.ledger);
        threads.push(ibid_runtime::background("spend", &self.shutdown, move |shutdown| {
            spend::run(&ledger, shutdown);
        }));
        let cleaner = Arc::clone(self);
        threads.push(ibid_runtime::background("clean-up", &self.shutdown, move |shutdown| {
            clean_up::run(&cleaner, shutdown);
        }));
        if self.config.alerts.enabled {
            let watcher = Arc::clone(self);
            threads.push(ibid_runtime::background("alerts", &self.shutdown, move |shutdown| {
                watch::alerts(&watcher, shutdown);
            }));
            let looker = Arc::clone(self);
            threads.push(ibid_runtime::background("certificates", &self.shutdown, move |shutdown| {
                watch::certificates(&looker, shutdown);
            }));
            let checker = Arc::clone(self);
            threads.push(ibid_runtime::background("quality", &self.shutdown, move |shutdown| {
                quality::watch(&checker, shutdown);
            }));
            let courier = Arc::clone(self);
            threads.push(ibid_runtime::background("notify", &self.shutdown, move |shutdown| {
                watch::notify(&courier, shutdown);
            }));
        }
        for outlet in &self.watching.outlets {
            let (sender, outlet) = (Arc::clone(self), Arc::clone(outlet));
            let name = format!("audit-{}", outlet.name());
            threads.push(ibid_runtime::background(&name, &self.shutdown, move |shutdown| {
                watch::audit(&sender, &outlet, shutdown);
            }));
        }
        if let Some(backup) = &self.backup {
            let (shipper, bases, rehearser) = (Arc::clone(backup), Arc::clone(backup), Arc::clone(self));
            threads.push(ibid_runtime::background("backup", &self.shutdown, move |shutdown| {
                shipper.run(shutdown);
            }));
            threads.push(ibid_runtime::background("backup-bases", &self.shutdown, move |shutdown| {
                bases.run_bases(shutdown);
            }));
            threads.push(ibid_runtime::background("drills", &self.shutdown, move |shutdown| {
                drill::run_when_due(&rehearser, shutdown);
            }));
        }
        if self.former_embedder.is_some() {
            let changer = Arc::clone(self);
            threads.push(ibid_runtime::background("change-embedder", &self.shutdown, move |shutdown| {
                upkeep::change_embedder(&changer, shutdown);
            }));
        }
    }

    /// What the embedder is, if it could work. Error: `model_missing`.
    pub fn check_embedder(&self) -> Result<String> {
        let working = embedder::check(&self.config, self.embedder.as_ref())?;
        if self.former_embedder.is_none() {
            return Ok(working);
        }
        let left = self.store.chunks_missing_count(&self.embedder.spec().id)?;
        if left == 0 {
            return Ok(working);
        }
        Ok(format!("{working}; {left} passages still have the former embedder's vectors only"))
    }

    /// Ends the background work; what is half done stays queued.
    pub fn stop(&self) {
        self.shutdown.request();
        self.pipeline.wake();
        self.memory.wake();
        self.indexes.poke();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a background task ended in a panic");
            }
        }
        self.engine.stop();
        if let Err(error) = self.ledger.write() {
            let reason = error.chain();
            tracing::error!(
                code = error.code,
                reason,
                "what models cost since the last round is not written"
            );
        }
        // Last, because all that went before may have written.
        if let Some(backup) = &self.backup {
            backup.finish(Duration::from_secs(self.config.server.shutdown_seconds_max));
        }
    }

    /// The flows that can be started.
    pub fn flows(&self) -> &FlowBook {
        &self.engine.book
    }

    /// What runs flows; it works from the first call on.
    pub fn runner(&self) -> &Arc<Runner> {
        self.engine.runner(&self.shutdown)
    }

    /// The name of a workspace; empty for one that was deleted.
    pub fn workspace_name(&self, id: WorkspaceId) -> Result<String> {
        let all = self.store.workspace_list()?;
        Ok(all.into_iter().find(|workspace| workspace.id == id).map_or_else(String::new, |found| found.name))
    }

    /// The workspace of that name, or the default one.
    pub fn workspace_named(&self, name: Option<&str>) -> Result<Workspace> {
        let name = name.unwrap_or(&self.config.data.workspace);
        self.store.workspace_find(name)?.ok_or_else(|| {
            Error::not_found("workspace_unknown", format!("there is no workspace '{name}'; make it with POST /v1/workspaces or `ibid workspace create {name}`"))
        })
    }

    /// The same, if it is known without asking the database.
    pub fn workspace_known(&self, name: Option<&str>) -> Option<Workspace> {
        self.store.workspace_known(name.unwrap_or(&self.config.data.workspace))
    }

    pub fn search(&self, request: &Request) -> Result<Found> {
        search::search(&self.retriever, &self.metrics, request)
    }

    /// Passages that an answer cited, as they are now, for this server's own checks.
    pub fn passages(
        &self,
        workspace: WorkspaceId,
        chunks: &[ibid_types::ChunkId],
    ) -> Result<Vec<ibid_types::search::Hit>> {
        self.retriever.read(workspace, Reader::Machine, chunks)
    }

    /// The metrics of the last 30 days; a process that only answers one command has none.
    pub const fn series(&self) -> Option<&Series> {
        self.series.as_ref()
    }

    /// What ingest was done with since the start.
    pub fn ingest_figures(&self) -> ibid_ingest::pipeline::Figures {
        self.pipeline.figures()
    }

    /// The answer to a question that is of no run, and what was bought for it.
    pub fn ask(
        &self,
        question: &Question,
        on_event: &mut dyn FnMut(Event) -> std::ops::ControlFlow<()>,
    ) -> Result<(Answer, Bought)> {
        let started = Instant::now();
        let payer = Payer::of_question(question.workspace, question.reader, self.clock.now());
        let (answer, bought) = spend::on_account_of(payer, || self.answerer.ask(question, on_event));
        // A run writes what it bought with its end; a question has no other end than this.
        if bought.nano_usd > 0
            && let Err(error) = self.ledger.write()
        {
            tracing::error!(code = error.code, "what an answer cost is not written yet: {}", error.chain());
        }
        match &answer {
            Ok(answer) => self.metrics.answer(answer, started.elapsed()),
            Err(_) => self.metrics.answer_failed(started.elapsed()),
        }
        answer.map(|answer| (answer, bought))
    }

    /// The accuracy of answers as it was last measured; none where nothing was checked yet.
    pub fn watching_accuracy(&self) -> Option<f64> {
        quality::accuracy(self)
    }

    /// When the last backup that may hold what is deleted now is deleted; none where nothing is backed up.
    pub fn backups_gone_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.backup.as_ref()?;
        let days = self.config.backup.keep_days_max();
        Some(now.plus_ms(i64::from(days) * ibid_memory::DAY_MS))
    }

    /// How far a job is that runs in this process.
    pub fn progress_of(&self, job: ibid_types::JobId) -> Option<(&'static str, f32)> {
        self.pipeline.progress_of(job)
    }

    pub fn wake_pipeline(&self) {
        self.pipeline.wake();
    }

    /// Where a question of that mode waits for its turn: the words of documents need no chat model.
    pub fn queue_of(&self, mode: Option<&str>) -> &Arc<Queue> {
        let is_extractive = mode == Some("extractive") || self.providers.usual().is_none();
        if is_extractive { &self.queues.searches } else { &self.queues.answers }
    }

    pub fn has_chat_model(&self, name: &str) -> bool {
        self.providers.names().any(|known| known == name)
    }

    /// Of routes and models.
    pub fn chat_model_names(&self) -> Vec<String> {
        self.providers.names().map(str::to_owned).collect()
    }

    /// Chat models that have a breaker, with its state.
    pub fn breakers(&self) -> impl Iterator<Item = (&str, BreakerState)> {
        self.providers.chat().iter().filter_map(|known| Some((known.gated.name(), known.state().breaker?)))
    }

    /// The token of whoever can read the data directory; lives as long as the process.
    pub const fn local_token(&self) -> &Secret {
        &self.local_token
    }

    pub fn is_local_token(&self, presented: &str) -> bool {
        secrets_equal(presented, self.local_token.reveal())
    }

    pub fn checks(&self) -> Vec<ibid_api::system::Check> {
        let store = self.store.feed_head().map(|head| format!("change feed at {head}"));
        let index = self.index_lag().map(|lag| format!("{lag} entries behind"));
        let blobs = self.blobs.check().map(|()| "reachable".to_owned());
        let mut checks =
            vec![check("store", true, store), check("blobs", true, blobs), check("index", true, index)];
        checks.push(check("embedder", false, self.check_embedder()));
        if let Some(tls) = self.tls.get() {
            checks.push(check("certificate", false, tls.check()));
        }
        if let Some(model) = self.providers.usual() {
            checks.push(check("chat", false, model.probe().map(|()| format!("{} answers", model.name()))));
        }
        checks
    }
}

fn check(name: &str, required: bool, outcome: Result<String>) -> ibid_api::system::Check {
    let (status, detail) = match outcome {
        Ok(detail) => ("ok", detail),
        Err(error) if required => ("failed", error.chain()),
        Err(error) => ("degraded", error.chain()),
    };
    ibid_api::system::Check { name: name.to_owned(), status: status.to_owned(), detail, required }
}

/// The metrics of the last 30 days. A server works without them too.
fn open_series(config: &Config, mode: Mode) -> Option<Series> {
    if mode == Mode::Command {
        return None;
    }
    Series::open(&config.data.dir.join("series"), Limits::default())
        .inspect_err(|error| tracing::warn!(code = error.code, reason = error.chain(), "no metrics are kept"))
        .ok()
}

/// Where a data directory has its database.
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join("ibid.db")
}

/// An embedder, and the former one.
type Embedders = (Arc<dyn Embedder>, Option<Arc<dyn Embedder>>);

/// The configured embedder, and the former one where the library's vectors are still of another.
fn embedders(config: &Config, store: &Store) -> Result<Embedders> {
    let noted = store.setting_get(embedder::ACTIVE_SETTING)?;
    let Some(active) = noted.and_then(|noted| serde_json::from_str::<Active>(&noted).ok()) else {
        let made = embedder::make(config)?;
        store.setting_set(embedder::ACTIVE_SETTING, &Active::new(config, made.spec()).to_json())?;
        return Ok((made, None));
    };
    if active.is_configured(config) {
        return Ok((active.embedder(config), None));
    }
    let made = embedder::make(config)?;
    let former = (active.spec.id != made.spec().id).then(|| active.embedder(config));
    Ok((made, former))
}

fn index_config(config: &Config, spec: &EmbedderSpec) -> IndexConfig {
    IndexConfig::new(config.data.dir.join("index"), spec.id.clone(), spec.dimensions)
}

fn make_pipeline(
    config: &Config,
    store: &Store,
    blobs: &Arc<dyn Blobs>,
    embedder: &Arc<dyn Embedder>,
    indexes: &Arc<Indexes>,
) -> Result<Pipeline> {
    let ingest = &config.ingest;
    let pool = ParsePool::new(parse_pool(ingest)?);
    let poke = Arc::clone(indexes);
    Ok(Pipeline::new(
        PipelineConfig {
            parse_workers: cores_or(ingest.parse_workers),
            chunk_tokens_target: ingest.chunk_tokens_target,
            guard: policy::of_documents(config),
            ..PipelineConfig::default()
        },
        store.clone(),
        Arc::clone(blobs),
        pool,
        Arc::clone(embedder),
        Box::new(move || poke.poke()),
    ))
}

/// Parsers run in child processes of this very program.
fn parse_pool(ingest: &ibid_config::Ingest) -> Result<PoolConfig> {
    let program: PathBuf = std::env::current_exe().map_err(|error| {
        Error::internal("program_unknown", "cannot find this program's own file").caused_by(error)
    })?;
    let mut pool = PoolConfig::new(program, vec![PARSE_WORKER.to_owned()]);
    pool.workers = cores_or(ingest.parse_workers);
    pool.time_max = Duration::from_secs(ingest.parse_seconds_max);
    pool.memory_bytes_max = ingest.parse_memory_mb_max << 20;
    pool.limits.bytes_max = ingest.file_bytes_max;
    pool.limits.text_bytes_max = ingest.text_bytes_max;
    Ok(pool)
}

/// The hidden command under which the program parses files for itself.
pub const PARSE_WORKER: &str = "__parse-worker";

fn cores_or(count: usize) -> usize {
    if count > 0 { count } else { std::thread::available_parallelism().map_or(1, std::num::NonZero::get) }
}

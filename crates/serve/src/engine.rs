//! What flows need to run in this process: the kinds of their nodes, the flows themselves, tools, journal and runner.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ibid_config::Config;
use ibid_flow::machine::Definitions;
use ibid_flow::{
    CheckpointKey, Codec, Definition, FlowHash, Journal, NodeKind, Registry, Runner, RunnerConfig,
};
use ibid_runtime::{Clock, Shutdown};
use ibid_store::Store;
use ibid_types::Result;
use parking_lot::Mutex;

use crate::flow_book::{Entry, FlowBook};
use crate::library::Tools;
use crate::metered::Metered;
use crate::metrics::Metrics;
use crate::telemetry::RunTraces;
use crate::turns::TurnKeeper;

/// How long programs that serve tools may take to end.
const TOOLS_END_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Engine {
    pub book: Arc<FlowBook>,
    pub journal: Journal,
    pub traces: Arc<RunTraces>,
    runner: Arc<Runner>,
    tools: Tools,
    /// The version of each flow that the store has as the newest of its name.
    kept: Mutex<HashMap<String, FlowHash>>,
    background: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// `chat` holds the kinds of chat, `built_in` the flows that come with the program; `keeper` learns of each end.
    pub fn open(
        config: &Config,
        store: &Store,
        clock: &Clock,
        tools: Tools,
        chat: &[Arc<dyn NodeKind>],
        built_in: &[(&str, String)],
        keeper: TurnKeeper,
    ) -> Result<Self> {
        let own = ibid_flow::nodes::registry(Arc::clone(&tools.toolbox));
        let traces = Arc::new(RunTraces::default());
        let kinds = metered(own.kinds().chain(chat), &keeper.metrics, &traces);
        let built_in: Vec<_> = built_in.iter().map(|(name, source)| (*name, source.as_str())).collect();
        let book = Arc::new(FlowBook::open(&config.data.dir, kinds.clone(), &built_in)?);
        let journal = Journal::new(store.clone(), codec(config));
        let runner = RunnerConfig {
            workers_max: config.flow.workers_max,
            stop_longest: Duration::from_secs(config.server.shutdown_seconds_max),
            on_finish: Some(Arc::new(keeper)),
            ..RunnerConfig::default()
        };
        let runner = Runner::new(runner, journal.clone(), kinds, clock.clone());
        Ok(Self {
            book,
            journal,
            traces,
            runner,
            tools,
            kept: Mutex::default(),
            background: Mutex::default(),
        })
    }

    /// The runner, at work: it takes up what was left as soon as somebody wants something of it.
    pub fn runner(&self, shutdown: &Shutdown) -> &Arc<Runner> {
        let mut background = self.background.lock();
        if background.is_none() && !shutdown.is_requested() {
            let runner = Arc::clone(&self.runner);
            *background =
                Some(ibid_runtime::background("flows", shutdown, move |shutdown| runner.run(shutdown)));
        }
        &self.runner
    }

    /// Effects that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.runner.waiting()
    }

    /// The newest version of a flow, which the runner knows with all that it calls. Errors: `flow_unknown`, `flow_invalid`.
    pub fn current(&self, name: &str) -> Result<Arc<Definition>> {
        let entry = self.book.find(name)?;
        self.keep(&entry)?;
        self.runner.flows().definition(&entry.definition.hash)
    }

    /// A flow that no file holds. Errors: `flow_invalid`.
    pub fn given(&self, source: &str) -> Result<Arc<Definition>> {
        let definition = self.book.parse(source)?;
        self.keep_called(&definition)?;
        let given = self.runner.flows().save(source)?;
        self.kept.lock().remove(&given.name);
        // The name goes on meaning what the book says.
        match self.book.find(&given.name) {
            Ok(entry) => self.keep(&entry)?,
            Err(error) if error.code == "flow_unknown" => {}
            Err(error) => return Err(error),
        }
        Ok(given)
    }

    fn keep(&self, entry: &Entry) -> Result<()> {
        let definition = &entry.definition;
        self.keep_called(definition)?;
        if self.kept.lock().get(&definition.name) == Some(&definition.hash) {
            return Ok(());
        }
        self.runner.flows().save(&entry.source)?;
        self.kept.lock().insert(definition.name.clone(), definition.hash);
        Ok(())
    }

    /// The book has no flow that comes back to itself, so this ends.
    fn keep_called(&self, definition: &Definition) -> Result<()> {
        for name in definition.sub_flows() {
            self.keep(&*self.book.find(name)?)?;
        }
        Ok(())
    }

    /// Waits for the runner, which ends with the shutdown, and ends what was started outside this process.
    pub fn stop(&self) {
        if let Some(background) = self.background.lock().take()
            && background.join().is_err()
        {
            tracing::error!("the runner of flows ended in a panic");
        }
        self.tools.close(TOOLS_END_WITHIN);
    }
}

fn metered<'a>(
    kinds: impl Iterator<Item = &'a Arc<dyn NodeKind>>,
    metrics: &Metrics,
    traces: &Arc<RunTraces>,
) -> Registry {
    kinds.fold(Registry::default(), |all, kind| {
        all.with(Arc::new(Metered::new(Arc::clone(kind), metrics.clone(), Arc::clone(traces))))
    })
}

/// What packs and seals under the configured keys. The configuration has checked that they are keys.
pub fn codec(config: &Config) -> Codec {
    let key = |key: &ibid_config::FlowKey| Some(CheckpointKey { id: key.id, bytes: key.bytes()? });
    let keys: Vec<CheckpointKey> = config.flow.keys.iter().filter_map(key).collect();
    Codec::new(&keys)
}

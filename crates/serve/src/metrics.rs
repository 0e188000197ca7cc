//! What the server counts, as `/metrics` shows it.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::Method;
use ibid_flow::machine::Spent;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    mode: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EffectLabels {
    kind: String,
    outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

/// Values that are read when somebody looks.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub documents: u64,
    pub chunks: u64,
    pub jobs: ibid_api::job::JobCounts,
    pub index_lag: u64,
    /// By status.
    pub runs: Vec<(String, u64)>,
}

/// What flows are counted by.
#[derive(Clone, Debug)]
pub struct FlowMetrics {
    runs: Family<StateLabels, Counter>,
    steps: Counter,
    prompt_tokens: Counter,
    completion_tokens: Counter,
    money: Counter<f64, AtomicU64>,
    effects: Family<EffectLabels, Counter>,
    seconds: Family<KindLabels, Histogram>,
}

impl FlowMetrics {
    fn new() -> Self {
        let seconds: Family<KindLabels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0001, 4.0, 12)));
        Self {
            runs: Family::default(),
            steps: Counter::default(),
            prompt_tokens: Counter::default(),
            completion_tokens: Counter::default(),
            money: Counter::default(),
            effects: Family::default(),
            seconds,
        }
    }

    /// Counts a run that is over.
    pub fn ended(&self, status: &str, spent: &Spent) {
        self.runs.get_or_create(&StateLabels { state: status.to_owned() }).inc();
        self.steps.inc_by(spent.steps.into());
        self.prompt_tokens.inc_by(spent.prompt_tokens);
        self.completion_tokens.inc_by(spent.completion_tokens);
        self.money.inc_by(spent.money);
    }

    /// What runs that ended since the program started have spent.
    pub fn spent(&self) -> Spent {
        Spent {
            steps: u32::try_from(self.steps.get()).unwrap_or(u32::MAX),
            prompt_tokens: self.prompt_tokens.get(),
            completion_tokens: self.completion_tokens.get(),
            money: self.money.get(),
        }
    }

    /// Counts one attempt.
    pub fn performed(&self, kind: &str, is_ok: bool, took: Duration) {
        let outcome = if is_ok { "done" } else { "failed" };
        let labels = EffectLabels { kind: kind.to_owned(), outcome: outcome.to_owned() };
        self.effects.get_or_create(&labels).inc();
        self.seconds.get_or_create(&KindLabels { kind: kind.to_owned() }).observe(took.as_secs_f64());
    }
}

/// Counts a stream as open until it is dropped.
#[derive(Debug)]
pub struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The registry and what is counted as it happens.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    answers: Family<AnswerLabels, Counter>,
    searches: Counter,
    documents: Gauge,
    chunks: Gauge,
    jobs: Family<StateLabels, Gauge>,
    index_lag: Gauge,
    flow: FlowMetrics,
    runs: Family<StateLabels, Gauge>,
    streams: Gauge,
}

impl Metrics {
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("ibid"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.001, 2.0, 16))
            }),
            answers: Family::default(),
            searches: Counter::default(),
            documents: Gauge::default(),
            chunks: Gauge::default(),
            jobs: Family::default(),
            index_lag: Gauge::default(),
            flow: FlowMetrics::new(),
            runs: Family::default(),
            streams: Gauge::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "http_requests",
            "Requests answered, by method, route and status",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer's head, by route",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register(
            "chat_answers",
            "Answers made, by mode and outcome (answered, abstained, failed)",
            self.answers.clone(),
        );
        registry.register(
            "retrieve_searches",
            "Searches made, those of questions included",
            self.searches.clone(),
        );
        registry.register("store_documents", "Documents that can be searched", self.documents.clone());
        registry.register("store_chunks", "Chunks that can be searched", self.chunks.clone());
        registry.register("store_jobs", "Jobs, by state", self.jobs.clone());
        registry.register(
            "index_lag_entries",
            "Feed entries that the indexes have not applied",
            self.index_lag.clone(),
        );
        registry.register("http_streams", "Streams of events that are open", self.streams.clone());
        self.register_flow();
        self
    }

    fn register_flow(&mut self) {
        let registry = &mut self.registry;
        registry.register("flow_runs", "Runs that ended, by status", self.flow.runs.clone());
        registry.register("flow_steps", "Nodes executed by runs that ended", self.flow.steps.clone());
        registry.register(
            "flow_prompt_tokens",
            "Tokens that chat models read for runs that ended",
            self.flow.prompt_tokens.clone(),
        );
        registry.register(
            "flow_completion_tokens",
            "Tokens that chat models wrote for runs that ended",
            self.flow.completion_tokens.clone(),
        );
        registry.register(
            "flow_cost_usd",
            "What chat models cost for runs that ended, in US dollars by the configured prices",
            self.flow.money.clone(),
        );
        registry.register(
            "flow_effects",
            "Attempts at effects of flows (searches, model calls, tools), by kind of node and outcome (done, failed)",
            self.flow.effects.clone(),
        );
        registry.register_with_unit(
            "flow_effect_duration",
            "Time of an attempt at an effect, by kind of node",
            Unit::Seconds,
            self.flow.seconds.clone(),
        );
        registry.register("store_runs", "Runs of flows that are kept, by status", self.runs.clone());
    }

    /// What counts flows.
    pub fn flow(&self) -> FlowMetrics {
        self.flow.clone()
    }

    /// Counts a stream until the value is dropped.
    pub fn stream_open(&self) -> OpenStream {
        self.streams.inc();
        OpenStream(self.streams.clone())
    }

    pub fn request(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        let labels = RequestLabels {
            method: method.as_str().to_owned(),
            route: route.to_owned(),
            status: status.to_string(),
        };
        self.requests.get_or_create(&labels).inc();
        self.request_seconds.get_or_create(&RouteLabels { route: route.to_owned() }).observe(seconds);
    }

    pub fn search(&self) {
        self.searches.inc();
    }

    pub fn answer(&self, mode: &str, outcome: &str) {
        let labels = AnswerLabels { mode: mode.to_owned(), outcome: outcome.to_owned() };
        self.answers.get_or_create(&labels).inc();
    }

    /// The text that Prometheus reads (OpenMetrics).
    pub fn text(&self, observed: &Observed) -> String {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.documents.set(gauge(observed.documents));
        self.chunks.set(gauge(observed.chunks));
        self.index_lag.set(gauge(observed.index_lag));
        let jobs = observed.jobs;
        let states = [
            ("queued", jobs.queued),
            ("running", jobs.running),
            ("done", jobs.done),
            ("failed", jobs.failed),
        ];
        for (state, count) in states {
            self.jobs.get_or_create(&StateLabels { state: state.to_owned() }).set(gauge(count));
        }
        for (status, count) in &observed.runs {
            self.runs.get_or_create(&StateLabels { state: status.clone() }).set(gauge(*count));
        }
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("the metrics cannot be written");
        }
        text
    }
}

//! The typed tree, and what must hold between its values.

use std::net::SocketAddr;
use std::path::PathBuf;

use ibid_types::Secret;
use serde::Deserialize;

use crate::gateway::NAME_RULE;
use crate::{
    Alerts, Audit, Backup, Breaker, Budget, ChatRoute, Guard, Identity, Incidents, Memory, Notify, Quota,
    Slo, Tls, Tools,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What chat models may cost.
    pub budgets: Vec<Budget>,
    pub data: Data,
    pub server: Server,
    pub limits: Limits,
    pub identity: Identity,
    pub blob: Blob,
    pub models: Models,
    pub embedder: Embedder,
    pub chat: Chat,
    pub guard: Guard,
    pub ingest: Ingest,
    pub answer: Answer,
    pub flow: Flow,
    pub memory: Memory,
    pub tools: Tools,
    pub backup: Backup,
    pub slo: Slo,
    pub alerts: Alerts,
    pub notify: Notify,
    pub incidents: Incidents,
    pub audit: Audit,
    pub log: Log,
    pub telemetry: Telemetry,
    /// What differs from the defaults, as TOML, with secrets left out: what a backup keeps of it.
    #[serde(skip)]
    pub written: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub dir: PathBuf,
    pub workspace: String,
    pub disk_free_percent_min: u8,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub address: SocketAddr,
    pub request_bytes_max: usize,
    pub upload_bytes_max: usize,
    pub request_seconds_max: u64,
    pub requests_concurrent_max: usize,
    pub shutdown_seconds_max: u64,
    pub memory_mb_max: u64,
    pub connections_max: usize,
    /// Of this machine and of trusted proxies: as many as in all.
    pub connections_per_address_max: usize,
    pub header_seconds_max: u64,
    pub write_seconds_max: u64,
    pub header_bytes_max: usize,
    pub body_pause_seconds_max: u64,
    /// On the whole, once the first pause is over; 0: without bound.
    pub body_bytes_per_second_min: u64,
    pub streams_per_connection_max: u32,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// By which clients reach the server, besides `localhost`, addresses, and the names of `notify.public_url` and `tls.acme_domains`.
    pub names: Vec<String>,
    /// Whether others may connect without TLS.
    pub unencrypted: bool,
    pub tls: Tls,
}

/// How fast requests may come, and from where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Of one key or account; 0: without bound.
    pub requests_per_minute: u32,
    /// At once.
    pub burst: u32,
    /// Of all keys and accounts together for one workspace; 0: without bound.
    pub workspace_requests_per_minute: u32,
    /// Of one address from which nobody known comes; 0: without bound.
    pub strangers_per_minute: u32,
    /// Searches, embeddings and answers without a model that are worked on at the same time; 0: by the machine's cores.
    pub searches_concurrent_max: usize,
    /// Answers of chat models and flows that are waited for at the same time.
    pub answers_concurrent_max: usize,
    /// Requests that wait for a place among either of these; 0: none waits.
    pub waiting_max: usize,
    /// Of one workspace.
    pub workspace_waiting_max: usize,
    pub waiting_ms_max: u64,
    /// Networks that alone are answered; empty: all.
    pub allow: Vec<String>,
    pub block: Vec<String>,
    /// Requests of one address that are turned away within ten minutes; 0: without bound.
    pub refusals_max: u32,
    /// The first block of an address that had more.
    pub block_minutes: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    pub kind: String,
    pub s3_endpoint: String,
    pub s3_bucket: String,
    pub s3_region: String,
    pub s3_prefix: String,
    pub s3_access_key: Secret,
    pub s3_secret_key: Secret,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    pub dir: PathBuf,
    pub threads: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedder {
    pub provider: String,
    pub model: String,
    pub url: String,
    pub api_key: Secret,
    pub tokens_max: usize,
    /// Of a remote one.
    #[serde(default)]
    pub breaker: Breaker,
    #[serde(default)]
    pub quota: Quota,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    pub ollama_detect: bool,
    pub first_token_seconds_max: u64,
    pub further_token_seconds_max: u64,
    pub answer_seconds_max: u64,
    pub models: Vec<ChatModel>,
    pub routes: Vec<ChatRoute>,
    pub api_key: Secret,
    pub quality: String,
    /// Tools that the flow `chat` may call: names, or `SERVER.*`.
    pub tools: Vec<String>,
    pub consensus_percent_min: u32,
    pub summary_turns_min: usize,
    pub summary_tokens_max: usize,
    pub crisis: Crisis,
}

/// Whom a person in crisis is pointed to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crisis {
    pub phrases: Vec<String>,
    pub text_en: String,
    pub text_de: String,
    pub text_fr: String,
    pub text_es: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatModel {
    pub name: String,
    pub provider: String,
    pub url: String,
    pub model: String,
    #[serde(default)]
    pub api_key: Secret,
    #[serde(default = "context_tokens_usual")]
    pub context_tokens: usize,
    /// What the provider asks for; 0 for a model of one's own.
    #[serde(default)]
    pub usd_per_million_prompt_tokens: f64,
    #[serde(default)]
    pub usd_per_million_completion_tokens: f64,
    #[serde(default)]
    pub breaker: Breaker,
    #[serde(default)]
    pub quota: Quota,
}

impl ChatModel {
    /// Keys and values of its prices.
    const fn prices(&self) -> [(&'static str, f64); 2] {
        [
            ("usd_per_million_prompt_tokens", self.usd_per_million_prompt_tokens),
            ("usd_per_million_completion_tokens", self.usd_per_million_completion_tokens),
        ]
    }
}

/// What small models of today read; operators of larger ones say so.
const fn context_tokens_usual() -> usize {
    8192
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    pub parse_workers: usize,
    pub file_bytes_max: usize,
    pub text_bytes_max: usize,
    pub parse_seconds_max: u64,
    pub parse_memory_mb_max: u64,
    pub chunk_tokens_target: usize,
    pub attempts_max: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub context_tokens: usize,
    pub citations_max: usize,
    /// Answers of chat models kept to be given again; 0 keeps none.
    pub kept_max: usize,
    pub kept_hours_max: u32,
    /// Whether a question in other words may be the same.
    pub kept_reworded: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Effects performed at the same time.
    pub workers_max: usize,
    /// Streams of events open at the same time.
    pub streams_max: usize,
    /// Days that an ended run is kept; 0 keeps it for ever.
    pub keep_days: u32,
    /// Days after which an ended run keeps only its first and last checkpoint; 0 keeps all of them.
    pub thin_days: u32,
    pub keys: Vec<FlowKey>,
}

/// What encrypts checkpoints. The first of the list writes; all of them read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowKey {
    /// 1 to 255; stands in each checkpoint, so it must never name another key.
    pub id: u8,
    /// 32 bytes as 64 hexadecimal digits.
    pub key: Secret,
}

impl FlowKey {
    /// The key's bytes, where it is one.
    #[must_use]
    pub fn bytes(&self) -> Option<[u8; 32]> {
        let text = self.key.reveal().as_bytes();
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
        }
        Some(bytes)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: String,
}

/// Where traces go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub otlp_endpoint: String,
    /// Each `NAME: VALUE`.
    pub otlp_headers: Vec<Secret>,
    pub traces_percent: u8,
}

impl Config {
    /// What is wrong between the values, as `(key, what is wrong and what would be right)`.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut must = |holds: bool, key: &str, what: &str| {
            if !holds {
                problems.push((key.to_owned(), what.to_owned()));
            }
        };
        must(is_name(&self.data.workspace), "data.workspace", "use lower-case letters, digits and hyphens");
        must(self.server.request_bytes_max >= 1024, "server.request_bytes_max", "at least 1024");
        must(self.server.upload_bytes_max >= 1024, "server.upload_bytes_max", "at least 1024");
        must(self.server.request_seconds_max >= 1, "server.request_seconds_max", "at least 1");
        must(self.server.requests_concurrent_max >= 1, "server.requests_concurrent_max", "at least 1");
        self.server.connection_problems(&mut must);
        self.server.tls.problems(&mut must);
        self.identity.problems(&mut must);
        must(self.limits.answers_concurrent_max >= 1, "limits.answers_concurrent_max", "at least 1");
        must((1..=60_000).contains(&self.limits.waiting_ms_max), "limits.waiting_ms_max", "1 to 60000");
        must((1..=1440).contains(&self.limits.block_minutes), "limits.block_minutes", "1 to 1440");
        must(
            self.limits.requests_per_minute == 0 || self.limits.burst >= 1,
            "limits.burst",
            "at least 1 where limits.requests_per_minute bounds requests",
        );
        must(self.data.disk_free_percent_min <= 100, "data.disk_free_percent_min", "0 to 100");
        must(one_of(&self.blob.kind, &["folder", "s3"]), "blob.kind", "\"folder\" or \"s3\"");
        must(
            self.blob.kind != "s3" || !self.blob.s3_bucket.is_empty(),
            "blob.s3_bucket",
            "name a bucket when blob.kind is \"s3\"",
        );
        let providers = ["local", "openai", "ollama"];
        must(
            one_of(&self.embedder.provider, &providers),
            "embedder.provider",
            "\"local\", \"openai\" or \"ollama\"",
        );
        must(!self.embedder.model.is_empty(), "embedder.model", "name a model");
        must(
            self.embedder.provider != "openai" || is_url(&self.embedder.url),
            "embedder.url",
            "an http:// or https:// address is needed when embedder.provider is \"openai\"",
        );
        must((16..=32_768).contains(&self.embedder.tokens_max), "embedder.tokens_max", "16 to 32768");
        must((1..=64).contains(&self.ingest.attempts_max), "ingest.attempts_max", "1 to 64");
        must(self.ingest.parse_seconds_max >= 1, "ingest.parse_seconds_max", "at least 1");
        must(self.ingest.parse_memory_mb_max >= 64, "ingest.parse_memory_mb_max", "at least 64");
        must(
            (16..=4096).contains(&self.ingest.chunk_tokens_target),
            "ingest.chunk_tokens_target",
            "16 to 4096",
        );
        must((200..=32_000).contains(&self.answer.context_tokens), "answer.context_tokens", "200 to 32000");
        must((1..=20).contains(&self.answer.citations_max), "answer.citations_max", "1 to 20");
        must(self.answer.kept_max <= 1_000_000, "answer.kept_max", "0 to 1000000");
        must((1..=8760).contains(&self.answer.kept_hours_max), "answer.kept_hours_max", "1 to 8760");
        must((1..=1024).contains(&self.flow.workers_max), "flow.workers_max", "1 to 1024");
        must(self.flow.streams_max >= 1, "flow.streams_max", "at least 1");
        self.tools.problems(&mut must);
        self.backup.problems(&mut must);
        self.slo.problems(&mut must);
        self.alerts.problems(&self.notify.receivers, &mut must);
        self.notify.problems(&mut must);
        self.incidents.problems(&mut must);
        self.audit.problems(&mut must);
        self.memory.problems(&mut must);
        must(
            one_of(&self.log.format, &["auto", "text", "json"]),
            "log.format",
            "\"auto\", \"text\" or \"json\"",
        );
        let endpoint = &self.telemetry.otlp_endpoint;
        must(
            endpoint.is_empty() || is_url(endpoint),
            "telemetry.otlp_endpoint",
            "an http:// or https:// address",
        );
        for (index, header) in self.telemetry.otlp_headers.iter().enumerate() {
            let key = format!("telemetry.otlp_headers[{index}]");
            must(header.reveal().contains(": "), &key, "\"NAME: VALUE\"");
        }
        must(self.telemetry.traces_percent <= 100, "telemetry.traces_percent", "0 to 100");
        for (index, key) in self.flow.keys.iter().enumerate() {
            let at = |field: &str| format!("flow.keys[{index}].{field}");
            let earlier = &self.flow.keys[..index];
            must(
                key.id >= 1 && earlier.iter().all(|other| other.id != key.id),
                &at("id"),
                "1 to 255, each once",
            );
            must(
                key.bytes().is_some(),
                &at("key"),
                "64 hexadecimal digits, as `openssl rand -hex 32` prints them",
            );
        }
        must(
            one_of(&self.chat.quality, &["quick", "balanced", "thorough"]),
            "chat.quality",
            "\"quick\", \"balanced\" or \"thorough\"",
        );
        for (index, name) in self.chat.tools.iter().enumerate() {
            let key = format!("chat.tools[{index}]");
            must(is_tool(name), &key, "the name of a tool, or SERVER.* for all of a server");
        }
        must((1..=100).contains(&self.chat.consensus_percent_min), "chat.consensus_percent_min", "1 to 100");
        must((2..=20).contains(&self.chat.summary_turns_min), "chat.summary_turns_min", "2 to 20");
        must((50..=4000).contains(&self.chat.summary_tokens_max), "chat.summary_tokens_max", "50 to 4000");
        self.guard.problems(&mut must);
        self.outgoing_problems(&mut must);
        for (index, model) in self.chat.models.iter().enumerate() {
            let key = |field: &str| format!("chat.models[{index}].{field}");
            must(!model.name.is_empty(), &key("name"), "give it a name");
            must(
                !model.name.starts_with("ibid"),
                &key("name"),
                "names that begin with \"ibid\" are Ibid's own",
            );
            must(
                one_of(&model.provider, &["openai", "ollama"]),
                &key("provider"),
                "\"openai\" or \"ollama\"",
            );
            must(is_url(&model.url), &key("url"), "an http:// or https:// address");
            must(self.chat.has_name_once(&model.name), &key("name"), NAME_RULE);
            must(model.context_tokens >= 512, &key("context_tokens"), "at least 512");
            model.breaker.problems(&key("breaker"), &mut must);
            for (name, usd) in model.prices() {
                must(
                    (0.0..=PRICE_MAX).contains(&usd),
                    &key(name),
                    "US dollars for a million tokens, 0 to 100000",
                );
            }
        }
        self.chat.route_problems(&mut must);
        self.embedder.breaker.problems("embedder.breaker", &mut must);
        crate::budgets::problems(&self.budgets, &mut must);
        problems
    }
}

impl Server {
    fn connection_problems(&self, must: &mut dyn FnMut(bool, &str, &str)) {
        must((1..=65_536).contains(&self.connections_max), "server.connections_max", "1 to 65536");
        must(self.connections_per_address_max >= 1, "server.connections_per_address_max", "at least 1");
        must(
            (8192..=1_048_576).contains(&self.header_bytes_max),
            "server.header_bytes_max",
            "8192 to 1048576",
        );
        for (key, seconds) in [
            ("server.header_seconds_max", self.header_seconds_max),
            ("server.write_seconds_max", self.write_seconds_max),
            ("server.body_pause_seconds_max", self.body_pause_seconds_max),
        ] {
            must((1..=3600).contains(&seconds), key, "1 to 3600");
        }
        must(self.streams_per_connection_max >= 1, "server.streams_per_connection_max", "at least 1");
        let is_bare = |name: &String| !name.is_empty() && !name.contains(['/', ':', '*', ' ']);
        must(
            self.names.iter().all(is_bare),
            "server.names",
            "names alone, without scheme, port or stars, such as ibid.lan",
        );
    }
}

/// US dollars for a million tokens: beyond it somebody gave the price of something else.
const PRICE_MAX: f64 = 100_000.0;

/// Workspace names travel in paths and addresses.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

fn is_tool(text: &str) -> bool {
    let name = text.strip_suffix(".*").unwrap_or(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    !name.is_empty() && name.chars().all(allowed)
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn one_of(text: &str, allowed: &[&str]) -> bool {
    allowed.contains(&text)
}

#[cfg(test)]
mod tests {
    use crate::tried::read;

    #[test]
    fn a_model_costs_nothing_unless_its_prices_say_so() {
        let model = "{name='m', provider='openai', url='http://h', model='m'PRICE}";
        let of = |price: &str| read(&[&format!("chat.models=[{}]", model.replace("PRICE", price))]);
        assert_eq!(of("").unwrap().chat.models[0].usd_per_million_prompt_tokens, 0.0);
        let priced = of(", usd_per_million_completion_tokens=0.6").unwrap();
        assert_eq!(priced.chat.models[0].usd_per_million_completion_tokens, 0.6);
        let told = of(", usd_per_million_prompt_tokens=-1.0").unwrap_err();
        assert!(told.contains("chat.models[0].usd_per_million_prompt_tokens"), "{told}");
    }

    #[test]
    fn tools_of_chat_are_names() {
        assert_eq!(read(&[]).unwrap().chat.tools, ["calculator", "current_time"]);
        assert!(read(&["chat.tools=['wiki.*', 'files.read_file']"]).is_ok());
        assert!(read(&["chat.tools=['*']"]).unwrap_err().contains("chat.tools[0]"));
    }
}

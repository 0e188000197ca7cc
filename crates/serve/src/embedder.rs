//! Models as the configuration names them. Local weights are read at first use, so that a server starts at once
//! and a server that only stores documents stays small.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ibid_config::Config;
use ibid_model::{
    Embedder, EmbedderSpec, Gate, GatedEmbedder, Line, MiniLm, OllamaEmbedder, OpenAiEmbedder, Purpose,
    RemoteConfig,
};
use ibid_runtime::Clock;
use ibid_types::{Error, Result};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::providers::gate_config;

/// The setting of the store that holds [`Active`] as JSON.
pub const ACTIVE_SETTING: &str = "embedder.active";

/// The embedder whose vectors are searched: what is needed to make it again after the configuration names another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    pub provider: String,
    pub url: String,
    pub model: String,
    pub spec: EmbedderSpec,
}

impl Active {
    pub fn new(config: &Config, spec: &EmbedderSpec) -> Self {
        let named = &config.embedder;
        let (provider, url, model) = (named.provider.clone(), named.url.clone(), named.model.clone());
        Self { provider, url, model, spec: spec.clone() }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the configuration still names this one.
    pub fn is_configured(&self, config: &Config) -> bool {
        *self == Self::new(config, &self.spec)
    }

    /// The embedder that this was, connected at first use. Its key is the one of the configuration, which may by now
    /// be another provider's.
    pub fn embedder(&self, config: &Config) -> Arc<dyn Embedder> {
        let mut config = config.clone();
        config.embedder.provider.clone_from(&self.provider);
        config.embedder.url.clone_from(&self.url);
        config.embedder.model.clone_from(&self.model);
        config.embedder.tokens_max = self.spec.tokens_max;
        let line = Arc::<Line>::default();
        gated(&config, &line, Arc::new(Lazy::new(config.clone(), self.spec.clone(), Arc::clone(&line))))
    }
}

/// The embedder that the configuration names. A local one is read at first use; a provider is asked now, because it
/// alone knows how long its vectors are.
pub fn make(config: &Config) -> Result<Arc<dyn Embedder>> {
    let line = Arc::<Line>::default();
    if config.embedder.provider != "local" {
        return Ok(gated(config, &line, connect(config, &line)?));
    }
    let name = &config.embedder.model;
    let spec = ibid_model::manifest::embedder_spec(name).ok_or_else(|| {
        let what = format!(
            "embedder.model '{name}' is not a local model; `ibid models list` shows those that there are"
        );
        Error::bad_request("model_unknown", what)
    })?;
    Ok(Arc::new(Lazy::new(config.clone(), spec, line)))
}

/// A remote embedder behind its gate; a local one fails for no reason that would pass.
fn gated(config: &Config, line: &Arc<Line>, embedder: Arc<dyn Embedder>) -> Arc<dyn Embedder> {
    let named = &config.embedder;
    if named.provider == "local" {
        return embedder;
    }
    let gate = gate_config(&named.breaker, named.quota);
    let gate = Gate::new(&embedder.spec().id, gate, Arc::clone(line), Clock::system());
    Arc::new(GatedEmbedder::new(embedder, gate))
}

fn connect(config: &Config, line: &Arc<Line>) -> Result<Arc<dyn Embedder>> {
    let embedder = &config.embedder;
    let remote = RemoteConfig {
        url: embedder.url.clone(),
        model: embedder.model.clone(),
        api_key: embedder.api_key.clone(),
        tokens_max: embedder.tokens_max,
        line: Arc::clone(line),
    };
    Ok(match embedder.provider.as_str() {
        "openai" => Arc::new(OpenAiEmbedder::connect(remote)?),
        "ollama" => Arc::new(OllamaEmbedder::connect(remote)?),
        _ => Arc::new(load(&models_dir(config).join(&embedder.model), config.models.threads)?),
    })
}

/// The folder with model files.
pub fn models_dir(config: &Config) -> PathBuf {
    if config.models.dir.as_os_str().is_empty() {
        config.data.dir.join("models")
    } else {
        config.models.dir.clone()
    }
}

/// Whether the embedder could work, without making it work.
pub fn check(config: &Config, embedder: &dyn Embedder) -> Result<String> {
    if config.embedder.provider == "local" {
        ibid_model::manifest::check_present(&models_dir(config), &config.embedder.model)?;
    }
    Ok(format!("{}, {} dimensions", embedder.spec().id, embedder.spec().dimensions))
}

/// Whether a provider's embedder answers now, by one word; a local one is not made to work for it.
pub fn probe(config: &Config, embedder: &dyn Embedder) -> Result<()> {
    if config.embedder.provider != "local" {
        embedder.embed(&["ready"], Purpose::Question)?;
    }
    Ok(())
}

/// An embedder that is read or connected when the first text comes, so that a server starts at once, also while a
/// provider is down.
#[derive(Debug)]
struct Lazy {
    config: Config,
    spec: EmbedderSpec,
    line: Arc<Line>,
    loaded: Mutex<Option<Arc<dyn Embedder>>>,
}

impl Lazy {
    fn new(config: Config, spec: EmbedderSpec, line: Arc<Line>) -> Self {
        Self { config, spec, line, loaded: Mutex::default() }
    }

    fn model(&self) -> Result<Arc<dyn Embedder>> {
        let mut loaded = self.loaded.lock();
        if let Some(model) = loaded.as_ref() {
            return Ok(Arc::clone(model));
        }
        let model = connect(&self.config, &self.line)?;
        if model.spec().dimensions != self.spec.dimensions {
            let (new, old) = (model.spec().dimensions, self.spec.dimensions);
            let what = format!(
                "{} now gives vectors of {new} numbers and gave {old}; name it differently or bring the old one back",
                self.spec.id
            );
            return Err(Error::conflict("embedder_dimensions_changed", what));
        }
        *loaded = Some(Arc::clone(&model));
        Ok(model)
    }
}

fn load(dir: &Path, threads: usize) -> Result<MiniLm> {
    let model = MiniLm::load(dir, threads)?;
    tracing::info!(dir = %dir.display(), "the embedder is loaded");
    Ok(model)
}

impl Embedder for Lazy {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        self.model()?.embed(texts, purpose)
    }

    /// Without the model's own tokenizer, a byte count that is never too low for it.
    fn count_tokens(&self, text: &str) -> usize {
        self.model().map_or(text.len(), |model| model.count_tokens(text))
    }
}

//! Models as the configuration names them. Local weights are read at first use, so that a server starts at once
//! and a server that only stores documents stays small.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ibid_config::Config;
use ibid_model::{
    ChatModel, ChatTimeouts, Embedder, EmbedderSpec, MiniLm, OllamaChat, OllamaEmbedder, OpenAiChat,
    OpenAiEmbedder, Purpose, RemoteConfig,
};
use ibid_types::{Error, Result};
use parking_lot::Mutex;

/// The embedder that the configuration names.
pub fn make(config: &Config) -> Result<Arc<dyn Embedder>> {
    let embedder = &config.embedder;
    let remote = || RemoteConfig {
        url: embedder.url.clone(),
        model: embedder.model.clone(),
        api_key: embedder.api_key.clone(),
        tokens_max: embedder.tokens_max,
    };
    match embedder.provider.as_str() {
        "openai" => Ok(Arc::new(OpenAiEmbedder::connect(remote())?)),
        "ollama" => Ok(Arc::new(OllamaEmbedder::connect(remote())?)),
        _ => Ok(Arc::new(Lazy::new(config)?)),
    }
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

/// A local embedder whose weights are read when the first text comes.
#[derive(Debug)]
struct Lazy {
    spec: EmbedderSpec,
    dir: PathBuf,
    threads: usize,
    loaded: Mutex<Option<Arc<MiniLm>>>,
}

impl Lazy {
    fn new(config: &Config) -> Result<Self> {
        let name = &config.embedder.model;
        let spec = ibid_model::manifest::embedder_spec(name).ok_or_else(|| {
            Error::bad_request("model_unknown", format!("embedder.model '{name}' is not a local model; `ibid models list` shows those that there are"))
        })?;
        let dir = models_dir(config).join(name);
        Ok(Self { spec, dir, threads: config.models.threads, loaded: Mutex::default() })
    }

    fn model(&self) -> Result<Arc<MiniLm>> {
        let mut loaded = self.loaded.lock();
        if let Some(model) = loaded.as_ref() {
            return Ok(Arc::clone(model));
        }
        let model = Arc::new(load(&self.dir, self.threads)?);
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

/// The chat models that the configuration names, or an Ollama server's own where one answers and none is named.
pub fn chat_models(config: &Config) -> Result<Vec<Arc<dyn ChatModel>>> {
    let timeouts = ChatTimeouts {
        first_token: Duration::from_secs(config.chat.first_token_seconds_max),
        total: Duration::from_secs(config.chat.answer_seconds_max),
    };
    let mut models: Vec<Arc<dyn ChatModel>> = Vec::new();
    for named in &config.chat.models {
        models.push(chat_model(config, named, timeouts)?);
    }
    if models.is_empty() && config.chat.ollama_detect {
        models.extend(
            ibid_model::detect_ollama(timeouts)
                .into_iter()
                .map(|model| Arc::new(model) as Arc<dyn ChatModel>),
        );
    }
    Ok(models)
}

fn chat_model(
    config: &Config,
    named: &ibid_config::ChatModel,
    timeouts: ChatTimeouts,
) -> Result<Arc<dyn ChatModel>> {
    let api_key = if named.api_key.is_empty() { &config.chat.api_key } else { &named.api_key };
    let remote = RemoteConfig {
        url: named.url.clone(),
        model: named.model.clone(),
        api_key: api_key.clone(),
        tokens_max: named.context_tokens,
    };
    Ok(match named.provider.as_str() {
        "ollama" => Arc::new(OllamaChat::new(&named.name, remote, timeouts)?),
        _ => Arc::new(OpenAiChat::new(&named.name, remote, timeouts)?),
    })
}

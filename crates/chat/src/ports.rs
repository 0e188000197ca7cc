//! What every node of the chat flow works with, and which chat model a question is for.
//!
//! Keeps true: a text is embedded once however many nodes look at it, as long as it is remembered; what is remembered
//! is bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ibid_model::{ChatModel, Embedder, EmbedderSpec, Price, Purpose};
use ibid_tools::Toolbox;
use ibid_types::answer::{AnswerMode, Question};
use ibid_types::{Error, Result};

use crate::kept::Keeping;
use crate::policy::Policy;
use crate::{AnswerConfig, Search};

/// Numbers of all remembered vectors together: 8 MB.
const REMEMBERED_NUMBERS_MAX: usize = 2 << 20;

/// The boundaries that answers are made over.
pub struct Ports {
    pub(crate) search: Arc<dyn Search>,
    pub(crate) embedder: Remembering,
    pub(crate) models: Vec<Arc<dyn ChatModel>>,
    pub(crate) config: AnswerConfig,
    pub(crate) policy: Policy,
    /// What models cost, by name; one that is missing costs nothing.
    prices: HashMap<String, Price>,
    /// What a model may be offered; without it only the tools that rules know are chosen.
    pub(crate) tools: Option<Arc<Toolbox>>,
    /// Where answers are kept to be given again, if they are.
    pub(crate) keeping: Option<Keeping>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports")
            .field("models", &self.models)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A model for a question, or why there is none.
pub enum Choice<'a> {
    Model(&'a dyn ChatModel),
    /// Nobody asked for one, or there is none.
    None,
    /// One was asked for and is not there; in words.
    Missing(String),
}

impl Ports {
    /// `models` in order of preference; empty means that everything is made without one.
    #[must_use]
    pub fn new(
        search: Arc<dyn Search>,
        embedder: Arc<dyn Embedder>,
        models: Vec<Arc<dyn ChatModel>>,
        config: AnswerConfig,
    ) -> Self {
        let embedder = Remembering::new(embedder);
        let (policy, prices) = (Policy::default(), HashMap::new());
        Self { search, embedder, models, config, policy, prices, tools: None, keeping: None }
    }

    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Models by name, and what they cost.
    #[must_use]
    pub fn with_prices(mut self, prices: impl IntoIterator<Item = (String, Price)>) -> Self {
        self.prices = prices.into_iter().collect();
        self
    }

    #[must_use]
    pub fn with_tools(mut self, tools: Arc<Toolbox>) -> Self {
        self.tools = Some(tools);
        self
    }

    #[must_use]
    pub fn with_keeping(mut self, keeping: Keeping) -> Self {
        self.keeping = Some(keeping);
        self
    }

    /// What the model that a question is for costs.
    pub(crate) fn price(&self, question: &Question) -> Price {
        let name = match self.choice(question) {
            Choice::Model(model) => model.name(),
            Choice::None | Choice::Missing(_) => return Price::default(),
        };
        self.prices.get(name).copied().unwrap_or_default()
    }

    /// The model to ask; `None` for an extractive answer. Errors: `chat_model_unknown`, `chat_model_missing`.
    pub(crate) fn model(&self, question: &Question) -> Result<Option<&dyn ChatModel>> {
        if question.mode == AnswerMode::Extractive {
            return Ok(None);
        }
        let model = match &question.model {
            None => self.models.first(),
            Some(name) => Some(self.models.iter().find(|model| model.name() == name).ok_or_else(|| {
                Error::not_found(
                    "chat_model_unknown",
                    format!("no chat model `{name}` is configured: {}", self.names()),
                )
            })?),
        };
        if model.is_none() && question.mode == AnswerMode::Generative {
            let message = "no chat model is configured: configure one or ask for an extractive answer";
            return Err(Error::bad_request("chat_model_missing", message));
        }
        Ok(model.map(|model| &**model))
    }

    /// The same where a missing model must not cost the turn.
    pub(crate) fn choice(&self, question: &Question) -> Choice<'_> {
        match self.model(question) {
            Ok(Some(model)) => Choice::Model(model),
            Ok(None) => Choice::None,
            Err(error) => Choice::Missing(error.message),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.models.iter().map(|model| model.name()).collect();
        if names.is_empty() { "there is none".into() } else { format!("there are {}", names.join(", ")) }
    }
}

/// An embedder that remembers what it was asked last.
#[derive(Debug)]
pub struct Remembering {
    inner: Arc<dyn Embedder>,
    known: Mutex<Known>,
}

type Key = (bool, String);

#[derive(Debug, Default)]
struct Known {
    vectors: HashMap<Key, Vec<f32>>,
    oldest_first: VecDeque<Key>,
    numbers: usize,
}

impl Remembering {
    fn new(inner: Arc<dyn Embedder>) -> Self {
        Self { inner, known: Mutex::default() }
    }
}

impl Embedder for Remembering {
    fn spec(&self) -> &EmbedderSpec {
        self.inner.spec()
    }

    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let key = |text: &str| (purpose == Purpose::Question, text.to_owned());
        let mut vectors: Vec<Option<Vec<f32>>> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            texts.iter().map(|text| known.vectors.get(&key(text)).cloned()).collect()
        };
        let missing: Vec<usize> = (0..texts.len()).filter(|at| vectors[*at].is_none()).collect();
        let asked: Vec<&str> = missing.iter().map(|at| texts[*at]).collect();
        if !asked.is_empty() {
            let made = self.inner.embed(&asked, purpose)?;
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for (at, vector) in missing.into_iter().zip(made) {
                known.keep(key(texts[at]), &vector);
                vectors[at] = Some(vector);
            }
        }
        vectors.into_iter().collect::<Option<_>>().ok_or_else(|| {
            Error::internal("embedding_incomplete", "the embedder gave fewer vectors than texts")
        })
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }
}

impl Known {
    fn keep(&mut self, key: Key, vector: &[f32]) {
        if self.vectors.insert(key.clone(), vector.to_vec()).is_none() {
            self.numbers += vector.len();
            self.oldest_first.push_back(key);
        }
        while self.numbers > REMEMBERED_NUMBERS_MAX {
            let Some(oldest) = self.oldest_first.pop_front() else { return };
            self.numbers -= self.vectors.remove(&oldest).map_or(0, |vector| vector.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::HashEmbedder;

    #[test]
    fn a_text_is_embedded_once() {
        let inner = Arc::new(HashEmbedder::default());
        let embedder = Remembering::new(inner.clone());
        let first = embedder.embed(&["a", "b"], Purpose::Passage).unwrap();
        let again = embedder.embed(&["b", "c", "a"], Purpose::Passage).unwrap();
        assert_eq!((inner.texts_embedded(), &again[2], &again[0]), (3, &first[0], &first[1]));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut known = Known::default();
        for number in 0..5 {
            known.keep((false, number.to_string()), &vec![0.0; REMEMBERED_NUMBERS_MAX / 2]);
        }
        assert_eq!((known.vectors.len(), known.oldest_first.len()), (2, 2));
    }
}

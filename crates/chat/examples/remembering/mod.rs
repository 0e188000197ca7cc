//! The product's embedder, with each text embedded once: the evaluations ask for the same passages often.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use ibid_model::{Embedder, EmbedderSpec, MiniLm, Purpose};
use ibid_types::Result;

#[derive(Debug)]
pub struct Remembering {
    model: MiniLm,
    known: Mutex<HashMap<String, Vec<f32>>>,
}

impl Remembering {
    /// Loads the model from the folder of models that `ibid models pull` fills.
    pub fn load(models: &str) -> Self {
        let model = MiniLm::load(&Path::new(models).join("all-MiniLM-L6-v2"), 0).expect("the model loads");
        Self { model, known: Mutex::default() }
    }
}

impl Embedder for Remembering {
    fn spec(&self) -> &EmbedderSpec {
        self.model.spec()
    }

    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let mut known = self.known.lock().unwrap();
        let mut new: Vec<&str> = texts.iter().copied().filter(|text| !known.contains_key(*text)).collect();
        new.sort_unstable();
        new.dedup();
        let vectors = self.model.embed(&new, purpose)?;
        known.extend(new.into_iter().map(str::to_owned).zip(vectors));
        Ok(texts.iter().map(|text| known[*text].clone()).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.model.count_tokens(text)
    }
}

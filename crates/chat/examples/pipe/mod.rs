//! An embedder behind a pipe, so that the evaluations run with any model.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_types::Result;

/// Embeds each text once, by a command of the caller's: on its input a count, then each text with its length in
/// bytes before it; on its output the vectors, one after the other. All numbers are 32 bits, little end first.
#[derive(Debug)]
pub struct Remembering {
    spec: EmbedderSpec,
    known: Mutex<HashMap<String, Vec<f32>>>,
    child: Mutex<Child>,
}

impl Remembering {
    /// Starts the command.
    pub fn start(command: &str) -> Self {
        let mut words = command.split_whitespace();
        let child = Command::new(words.next().expect("IBID_EMBED is a command"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the embedding command starts");
        let spec = EmbedderSpec { id: "all-MiniLM-L6-v2".into(), dimensions: 384, tokens_max: 256 };
        Self { spec, known: Mutex::default(), child: Mutex::new(child) }
    }

    fn ask(&self, texts: &[&str]) -> std::io::Result<Vec<Vec<f32>>> {
        let mut child = self.child.lock().unwrap();
        let mut message = (texts.len() as u32).to_le_bytes().to_vec();
        for text in texts {
            message.extend((text.len() as u32).to_le_bytes());
            message.extend(text.as_bytes());
        }
        let input = child.stdin.as_mut().unwrap();
        input.write_all(&message)?;
        input.flush()?;
        let mut bytes = vec![0; texts.len() * self.spec.dimensions * 4];
        child.stdout.as_mut().unwrap().read_exact(&mut bytes)?;
        let numbers: Vec<f32> =
            bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        Ok(numbers.chunks(self.spec.dimensions).map(<[f32]>::to_vec).collect())
    }
}

impl Drop for Remembering {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        drop(child.stdin.take());
        let _ = child.wait();
    }
}

impl Embedder for Remembering {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let mut known = self.known.lock().unwrap();
        let new: Vec<&str> = texts.iter().copied().filter(|text| !known.contains_key(*text)).collect();
        if !new.is_empty() {
            let vectors = self.ask(&new).expect("the embedding command answers");
            known.extend(new.into_iter().map(str::to_owned).zip(vectors));
        }
        Ok(texts.iter().map(|text| known[*text].clone()).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len() / 3
    }
}

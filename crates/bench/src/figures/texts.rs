//! The texts that speeds are measured on: the scifact collection, or as many made from the manual and the samples.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ibid_model::{Embedder, Purpose};
use serde_json::{Value, json};

use super::{Outcome, Setup};

/// One vector a text.
type Vectors = Vec<Vec<f32>>;

/// Texts made where there is no collection: as many as scifact has.
const MADE: usize = 5_183;
const MADE_WORDS: usize = 200;
const QUESTION_WORDS: usize = 12;
const QUESTIONS: usize = 300;

/// Texts with titles, and questions to ask of them.
#[derive(Clone, Debug)]
pub struct Texts {
    pub name: String,
    pub titles: Vec<String>,
    pub texts: Vec<String>,
    pub questions: Vec<String>,
}

impl Texts {
    pub fn read(setup: &Setup) -> Outcome<Self> {
        let folder = setup.data.as_ref().map(|data| data.join("scifact"));
        match folder.filter(|folder| folder.is_dir()) {
            Some(folder) => read(&folder),
            None => make(),
        }
    }

    /// What the embedder reads of each.
    pub fn passages(&self) -> Vec<String> {
        self.titles.iter().zip(&self.texts).map(|(title, text)| format!("{title}\n{text}")).collect()
    }

    /// Vectors of the passages and of the questions, kept in the cache.
    pub fn vectors(&self, setup: &Setup) -> Outcome<(Vectors, Vectors)> {
        Ok((embedded(setup, &self.passages())?, embedded(setup, &self.questions)?))
    }

    /// Writes the first `count` as files, one each; the title is the heading.
    pub fn write_files(&self, folder: &Path, count: usize) -> Outcome<()> {
        fs::create_dir_all(folder)?;
        for (number, (title, text)) in self.titles.iter().zip(&self.texts).take(count).enumerate() {
            fs::write(folder.join(format!("{number:05}.md")), format!("# {title}\n\n{text}\n"))?;
        }
        Ok(())
    }
}

/// A line `{"text": ...}` for each.
pub fn write_lines(path: &Path, texts: &[String]) -> Outcome<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for text in texts {
        writeln!(file, "{}", json!({ "text": text }))?;
    }
    Ok(file.flush()?)
}

/// Little-endian f32, one vector after the other.
pub fn write_vectors(path: &Path, vectors: &[Vec<f32>]) -> Outcome<()> {
    let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
    Ok(fs::write(path, bytes)?)
}

fn read(folder: &Path) -> Outcome<Texts> {
    let (mut titles, mut texts) = (Vec::new(), Vec::new());
    for record in lines(&folder.join("corpus.jsonl"))? {
        titles.push(string(&record, "title"));
        texts.push(string(&record, "text"));
    }
    let questions = lines(&folder.join("queries.jsonl"))?.iter().map(|line| string(line, "text")).collect();
    Ok(Texts { name: "scifact".to_owned(), titles, texts, questions })
}

fn lines(path: &Path) -> Outcome<Vec<Value>> {
    Ok(fs::read_to_string(path)?.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Windows over the words of the manual and the samples, each begun elsewhere.
fn make() -> Outcome<Texts> {
    let words = words_of(&["docs", "samples"])?;
    let window = |start: usize, count: usize| {
        (0..count).map(|word| words[(start + word) % words.len()].as_str()).collect::<Vec<_>>().join(" ")
    };
    let start = |number: usize| number * 7_919;
    Ok(Texts {
        name: "windows over the manual".to_owned(),
        titles: (0..MADE).map(|number| window(start(number) + 3, 6)).collect(),
        texts: (0..MADE).map(|number| window(start(number), MADE_WORDS)).collect(),
        questions: (0..QUESTIONS).map(|number| window(start(number) + 40, QUESTION_WORDS)).collect(),
    })
}

fn words_of(folders: &[&str]) -> Outcome<Vec<String>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
    }
    paths.sort();
    let readable = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "md" || ending == "txt");
    let mut words = Vec::new();
    for path in paths.iter().filter(|path| readable(path)) {
        words.extend(fs::read_to_string(path)?.split_whitespace().map(ToOwned::to_owned));
    }
    if words.is_empty() {
        Err("docs and samples hold no text; run this in the repository".into())
    } else {
        Ok(words)
    }
}

/// The vectors of the texts, kept in the cache.
pub fn embedded(setup: &Setup, texts: &[String]) -> Outcome<Vec<Vec<f32>>> {
    let mut hash = blake3::Hasher::new();
    texts.iter().for_each(|text| {
        hash.update(text.as_bytes());
    });
    let path = setup.cache.join(format!("{}.f32", &hash.finalize().to_hex()[..16]));
    if let Ok(bytes) = fs::read(&path) {
        return Ok(unpacked(&bytes, bytes.len() / 4 / texts.len().max(1)));
    }
    let embedder = setup.embedder(0)?;
    let vectors = embedder.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>(), Purpose::Passage)?;
    write_vectors(&path, &vectors)?;
    Ok(vectors)
}

fn unpacked(bytes: &[u8], width: usize) -> Vec<Vec<f32>> {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    numbers.chunks(width.max(1)).map(<[f32]>::to_vec).collect()
}

//! all-MiniLM-L6-v2 in process: mean of the last hidden states, scaled to length 1, at most 256 tokens.
//!
//! Keeps true: a text's vector does not depend on the texts beside it; memory is bounded by the token budget of
//! a unit times the threads; a question runs at once on its caller's thread and never queues behind an ingest.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ibid_types::Result;

use crate::bert::weights::{Config, Tensors};
use crate::bert::{Encoder, Isa, Scratch, Sequence};
use crate::wordpiece::WordPiece;
use crate::{Embedder, EmbedderSpec, Purpose};

/// Longest input, marks included, as the model was trained and as its own configuration says.
const TOKENS_MAX: usize = 256;
/// Tokens of a unit of work: its activations (about 8 MB) stay in the last cache.
const UNIT_TOKENS_MAX: usize = 768;

/// The embedder. Cheap to share, safe to call from many threads at once.
#[derive(Debug)]
pub struct MiniLm {
    spec: EmbedderSpec,
    tokenizer: WordPiece,
    encoder: Encoder,
    threads: usize,
    scratches: Mutex<Vec<Scratch>>,
}

impl MiniLm {
    /// Loads `config.json`, `vocab.txt` and `model.safetensors` from `dir`. One call uses up to `threads` threads,
    /// 0 for as many as there are processors.
    ///
    /// # Errors
    /// `model_missing` if a file is not there, `model_corrupt` if it is not what it should be.
    pub fn load(dir: &Path, threads: usize) -> Result<Self> {
        Self::load_for(dir, threads, Isa::detect())
    }

    /// As [`Self::load`], with less than the processor can do: for tests and comparisons.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_for(dir: &Path, threads: usize, isa: Isa) -> Result<Self> {
        let config = Config::load(dir)?;
        let tokenizer = WordPiece::load(dir)?;
        let encoder = Encoder::load(config, &mut Tensors::open(dir)?, isa.min(Isa::detect()))?;
        let spec = EmbedderSpec {
            id: "all-MiniLM-L6-v2".to_owned(),
            dimensions: encoder.config().hidden_size,
            tokens_max: TOKENS_MAX,
        };
        let threads =
            if threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { threads };
        Ok(Self { spec, tokenizer, encoder, threads, scratches: Mutex::default() })
    }

    /// Tokens of the text as the model sees them, marks included.
    #[must_use]
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        self.tokenizer.framed(text, TOKENS_MAX)
    }

    /// The instructions that the forward pass uses.
    #[must_use]
    pub const fn isa(&self) -> Isa {
        self.encoder.isa()
    }

    fn run(&self, sequences: &[Vec<u32>], unit: &[usize]) -> Vec<Vec<f32>> {
        let inputs: Vec<Sequence<'_>> =
            unit.iter().map(|&index| Sequence { tokens: &sequences[index] }).collect();
        let mut scratch = self.lock().pop().unwrap_or_default();
        self.encoder.run(&inputs, &mut scratch);
        let width = self.spec.dimensions;
        let mut rows = scratch.hidden().chunks_exact(width);
        let vectors =
            inputs.iter().map(|input| mean(rows.by_ref().take(input.tokens.len()), width)).collect();
        self.lock().push(scratch);
        vectors
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Scratch>> {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Embedder for MiniLm {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let sequences = in_parallel(self.threads, texts.len().div_ceil(32), &|slice| {
            texts[slice * 32..].iter().take(32).map(|text| self.tokens(text)).collect::<Vec<_>>()
        });
        let sequences: Vec<Vec<u32>> = sequences.into_iter().flatten().collect();
        let units = units(&sequences, self.threads);
        let results = in_parallel(self.threads, units.len(), &|unit| self.run(&sequences, &units[unit]));
        let mut vectors = vec![Vec::new(); texts.len()];
        for (index, vector) in units.iter().flatten().zip(results.into_iter().flatten()) {
            vectors[*index] = vector;
        }
        Ok(vectors)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }
}

/// Indices of the sequences, longest first, in units of bounded size. A small call is cut so that every thread has a part.
fn units(sequences: &[Vec<u32>], threads: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(sequences[index].len()));
    let total: usize = sequences.iter().map(Vec::len).sum();
    let budget = total.div_ceil(threads.max(1)).clamp(1, UNIT_TOKENS_MAX);
    let mut units: Vec<Vec<usize>> = Vec::new();
    let mut left = 0;
    for index in order {
        let length = sequences[index].len();
        match units.last_mut() {
            Some(unit) if length <= left => {
                unit.push(index);
                left -= length;
            }
            _ => {
                units.push(vec![index]);
                left = budget.saturating_sub(length);
            }
        }
    }
    units
}

/// Runs `work(0..count)` on up to `threads` threads, the caller's included; results are in order.
fn in_parallel<T: Send>(threads: usize, count: usize, work: &(impl Fn(usize) -> T + Sync)) -> Vec<T> {
    if threads <= 1 || count <= 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.push((index, work(index)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(turn)).collect();
        let mut done = turn();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The mean of the rows, scaled to length 1.
fn mean<'a>(rows: impl Iterator<Item = &'a [f32]>, width: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f32; width];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    sum.iter_mut().for_each(|x| *x /= length);
    sum
}

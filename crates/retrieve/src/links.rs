//! The graph of a question: the passages found so far, those whose titles it or they name, and those that name theirs.
//!
//! A link is a name: a passage that mentions "Ada Lovelace" leads to the one of that title, and back. It weighs by how
//! rare the name is, and leads to each of those it could mean alike (`docs/adr/0009-links.md` has the measurements).
//!
//! Keeps true: what may not be read, does not pass the filter or is deleted is neither reached nor passed through.

use std::collections::HashMap;

use ibid_index::{Slots, Snapshot, phrases, title_keys};
use ibid_types::document::{Chunk, Document};
use ibid_types::{ChunkId, DocumentId, Result};

use crate::fusion::Fused;
use crate::refine::prominence;
use crate::walk::{Graph, Linked};

/// Passages at the top that the walk begins at.
const SEEDS: usize = 5;
/// The share of walks that begin at what the question names, if it names something.
const NAMED_SHARE: f32 = 0.5;
/// How sharply a walk prefers the very top; and, of what the question names, what resembles it.
const SEED_SHARPNESS: f32 = 3.0;
const NAMED_SHARPNESS: f32 = 0.5;
/// A title that more documents have means none of them.
const SAME_TITLE_MAX: usize = 10;
/// The weight of a link from a title to who mentions it; the other way is 1.
const BACK_WEIGHT: f32 = 0.5;

/// Reads passages with their documents.
pub type Load<'a> = dyn Fn(&[ChunkId]) -> Result<Vec<(Chunk, Document)>> + 'a;

/// What a graph is made of.
pub struct Source<'a> {
    pub snapshot: &'a Snapshot,
    pub within: &'a Slots,
    pub question: &'a str,
    /// The question's.
    pub vector: &'a [f32],
    /// Passages with their documents, as they are now and as far as they may be read now.
    pub load: &'a Load<'a>,
}

/// Where a walk from the best of `fused`, which is ordered, comes by.
pub fn links(source: &Source<'_>, fused: &[Fused]) -> Result<Vec<Linked>> {
    let Some(best) = fused.first() else { return Ok(Vec::new()) };
    let seeds = &fused[..SEEDS.min(fused.len())];
    let named = source.named(fused)?;
    let slots: Vec<u32> =
        seeds.iter().map(|seed| seed.slot).chain(named.iter().map(|named| named.slot)).collect();
    let read = source.read(slots)?;
    let named: Vec<Named> = named.into_iter().filter(|named| read.contains_key(&named.slot)).collect();
    let left = 1.0 - named.iter().map(|named| named.chance).sum::<f32>();
    let mut graph = Graph::default();
    for named in &named {
        graph.start_named(named.slot, named.chance, &read[&named.slot].1.title);
    }
    let weight = |seed: &Fused| prominence(fused, best.score, seed.score, SEED_SHARPNESS);
    let total: f32 = seeds.iter().map(weight).sum();
    for seed in seeds.iter().filter(|seed| read.contains_key(&seed.slot)) {
        graph.start(seed.slot, left * weight(seed) / total);
    }
    let mut read_slots: Vec<u32> = read.keys().copied().collect();
    read_slots.sort_unstable();
    for slot in read_slots {
        let (chunk, document) = &read[&slot];
        source.add_links(&mut graph, slot, chunk, document)?;
    }
    graph.link_back(|slot| read.contains_key(&slot));
    Ok(graph.walk())
}

/// A passage whose title is in the question.
struct Named {
    slot: u32,
    chance: f32,
}

impl Source<'_> {
    /// What the question names: the longest names in it that are titles, each as likely as the passage is near.
    fn named(&self, fused: &[Fused]) -> Result<Vec<Named>> {
        let mut found: Vec<(String, Vec<u32>)> = Vec::new();
        for key in phrases(self.question) {
            let called = self.called(&key)?;
            if !called.is_empty() {
                found.push((key, called));
            }
        }
        let names: Vec<String> = found.iter().map(|(key, _)| format!(" {key} ")).collect();
        let is_part = |key: &str| {
            names.iter().any(|name| name.len() > key.len() + 2 && name.contains(&format!(" {key} ")))
        };
        found.retain(|(key, _)| !is_part(key));
        Ok(self.chances(fused, &found))
    }

    fn chances(&self, fused: &[Fused], found: &[(String, Vec<u32>)]) -> Vec<Named> {
        let scores: HashMap<u32, f32> = fused.iter().map(|fused| (fused.slot, fused.score)).collect();
        let (best, worst) = (fused[0].score, fused[fused.len() - 1].score);
        let mut named = Vec::new();
        for (_, slots) in found {
            let even = NAMED_SHARE / (found.len() * slots.len()) as f32;
            named.extend(slots.iter().map(|&slot| {
                let score = scores.get(&slot).copied().unwrap_or(worst);
                let chance = even * prominence(fused, best, score, NAMED_SHARPNESS);
                Named { slot, chance }
            }));
        }
        named
    }

    fn read(&self, slots: Vec<u32>) -> Result<HashMap<u32, (Chunk, Document)>> {
        let of = |slot| self.snapshot.chunk(slot).map(|chunk| (chunk.chunk, slot));
        let slots: HashMap<ChunkId, u32> = slots.into_iter().filter_map(of).collect();
        let ids: Vec<ChunkId> = slots.keys().copied().collect();
        let loaded = (self.load)(&ids)?;
        Ok(loaded.into_iter().map(|(chunk, document)| (slots[&chunk.id], (chunk, document))).collect())
    }

    /// The links of a passage: to what is called as it says, and to who says what it is called.
    fn add_links(&self, graph: &mut Graph, slot: u32, chunk: &Chunk, document: &Document) -> Result<()> {
        let own = title_keys(&document.title);
        for text in [&document.title, &chunk.text] {
            for mention in
                self.snapshot.mentions(slot, text).iter().filter(|mention| !own.contains(&mention.key))
            {
                let called = self.others(self.called(&mention.key)?, document.id);
                self.add(graph, slot, &called, 1.0, &text[mention.span.clone()]);
            }
        }
        for key in own {
            let mut others = self.snapshot.naming(&key, self.within)?;
            others.extend(self.called(&key)?);
            others.sort_unstable();
            others.dedup();
            self.add(graph, slot, &self.others(others, document.id), BACK_WEIGHT, &document.title);
        }
        Ok(())
    }

    /// Adds links to all of them, which together weigh as much as the name is rare.
    fn add(&self, graph: &mut Graph, from: u32, to: &[u32], weight: f32, name: &str) {
        let (total, count) = (self.snapshot.total() as f32, to.len() as f32);
        let rarity = (1.0 + total / count).ln() / (1.0 + total).ln();
        for &to in to {
            graph.link(from, to, weight * rarity / count, name);
        }
    }

    /// Without the document's own.
    fn others(&self, mut slots: Vec<u32>, document: DocumentId) -> Vec<u32> {
        slots.retain(|slot| self.snapshot.chunk(*slot).is_some_and(|chunk| chunk.document != document));
        slots
    }

    /// For each document of the name the passage that is nearest to the question; none where there are too many.
    fn called(&self, key: &str) -> Result<Vec<u32>> {
        let slots = self.snapshot.called(key, self.within)?;
        let mut passages: HashMap<DocumentId, Vec<u32>> = HashMap::new();
        for slot in slots {
            if let Some(chunk) = self.snapshot.chunk(slot) {
                passages.entry(chunk.document).or_default().push(slot);
            }
        }
        if passages.len() > SAME_TITLE_MAX {
            return Ok(Vec::new());
        }
        let mut nearest: Vec<u32> = passages.values().filter_map(|slots| self.nearest(slots)).collect();
        nearest.sort_unstable();
        Ok(nearest)
    }

    fn nearest(&self, slots: &[u32]) -> Option<u32> {
        if let [only] = slots {
            return Some(*only);
        }
        let cosines = self.snapshot.dense_scores(self.vector, slots);
        let nearest = slots.iter().zip(cosines).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(a.0)));
        nearest.map(|(slot, _)| *slot)
    }
}

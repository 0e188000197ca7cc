//! Memory and documents in one list, as answers are made of it: what each loses to the other.

use std::sync::Arc;

use ibid_index::memory::{Memory, Vectors};
use ibid_retrieve::Retriever;
use ibid_retrieve::memory::{Config, Remembered, recall, retold, share_scale};

use super::dialogue::{Dialogue, Question, UNANSWERABLE, read};
use crate::figures::library::{Library, given};
use crate::figures::texts::{Texts, embedded};
use crate::figures::{Outcome, Row, Setup};

/// Of one list, which is what an answer is made of.
const LIMIT: usize = 10;

/// Something of the one list.
#[derive(Clone, Copy)]
enum Seen {
    Passage,
    Turn(usize),
}

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let folder = setup.data.as_ref().map(|data| data.join("locomo"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        return Ok(vec![Row::skipped("memory beside documents", "IBID_DATA does not have locomo")]);
    };
    let texts = Texts::read(setup)?;
    let (passages, questions) = texts.vectors(setup)?;
    let scratch = setup.scratch()?;
    let library = Library::open(scratch.path(), passages.first().map_or(0, Vec::len))?;
    library.add(&given(&texts, &passages))?;
    let retriever = library.retriever(Arc::new(setup.embedder(0)?));
    let (mut of_people, mut of_papers) = (Mean::default(), Mean::default());
    let mut alone = Mean::default();
    for dialogue in read(&folder)? {
        let side = Side::new(setup, &library, &retriever, &dialogue)?;
        let asked: Vec<&Question> =
            dialogue.questions.iter().filter(|question| question.category != UNANSWERABLE).collect();
        for (question, [plain, told]) in asked.iter().zip(side.vectors(setup, &asked)?) {
            let share = |seen: &[Seen]| {
                let is_seen = |id: &&String| {
                    seen.iter().any(|one| matches!(one, Seen::Turn(turn) if dialogue.turns[*turn].id == **id))
                };
                question.evidence.iter().filter(is_seen).count() as f64 / question.evidence.len() as f64
            };
            let vectors = Vectors { plain: Some(&plain), retold: Some(&told) };
            let (both, only) = side.asked(&question.text, vectors)?;
            of_people.add(share(&both));
            alone.add(share(&only));
        }
        for (question, vector) in texts.questions.iter().zip(&questions) {
            let (both, _) = side.asked(question, Vectors { plain: Some(vector), retold: None })?;
            of_papers.add(both.iter().filter(|seen| matches!(seen, Seen::Turn(_))).count() as f64);
        }
    }
    let (both, alone) = (of_people.value(), alone.value());
    let what =
        format!("LoCoMo beside {} of {}: evidence recall@{LIMIT} of one list", texts.texts.len(), texts.name);
    Ok(vec![
        Row::new(what, format!("{both:.3}")).beside(format!("memory alone {alone:.3}"), both / alone),
        Row::new(
            format!("the same: memories among the first {LIMIT} for a question to the documents"),
            format!("{:.2}", of_papers.value()),
        ),
    ])
}

#[derive(Default)]
struct Mean(f64, usize);

impl Mean {
    fn add(&mut self, value: f64) {
        self.0 += value;
        self.1 += 1;
    }

    fn value(&self) -> f64 {
        self.0 / self.1.max(1) as f64
    }
}

/// A dialogue's memory beside the library.
struct Side<'a> {
    library: &'a Library,
    retriever: &'a Retriever,
    dialogue: &'a Dialogue,
    memory: Memory,
}

impl<'a> Side<'a> {
    fn new(
        setup: &'a Setup,
        library: &'a Library,
        retriever: &'a Retriever,
        dialogue: &'a Dialogue,
    ) -> Outcome<Self> {
        let said: Vec<String> = dialogue.turns.iter().map(|turn| turn.text.clone()).collect();
        let memory = dialogue.memory(&embedded(setup, &said)?);
        Ok(Self { library, retriever, dialogue, memory })
    }

    /// Of each question, and of what the person whom it names would ask; of the question again where it names none.
    fn vectors(&self, setup: &Setup, asked: &[&Question]) -> Outcome<Vec<[Vec<f32>; 2]>> {
        let plain: Vec<String> = asked.iter().map(|question| question.text.clone()).collect();
        let told = |text: &String| retold(&self.memory, &self.dialogue.request(text, LIMIT));
        let told: Vec<String> = plain.iter().map(|text| told(text).unwrap_or_else(|| text.clone())).collect();
        let both = embedded(setup, &plain)?.into_iter().zip(embedded(setup, &told)?);
        Ok(both.map(|(plain, told)| [plain, told]).collect())
    }

    /// The one list, and what memory alone has.
    fn asked(&self, question: &str, vectors: Vectors<'_>) -> Outcome<(Vec<Seen>, Vec<Seen>)> {
        let mut found = self.library.search(self.retriever, question, vectors.plain.unwrap_or_default())?;
        let request = self.dialogue.request(question, LIMIT);
        let mut remembered = recall(&self.memory, &request, vectors, &Config::default()).hits;
        let turn = |one: &Remembered| u128::from_le_bytes(one.key.id) as usize;
        let only = remembered.iter().map(|one| Seen::Turn(turn(one))).collect();
        share_scale(&mut found.hits, &mut remembered);
        let mut both: Vec<(f32, Seen)> = found.hits.iter().map(|hit| (hit.score, Seen::Passage)).collect();
        both.extend(remembered.iter().map(|one| (one.score, Seen::Turn(turn(one)))));
        both.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok((both.into_iter().take(LIMIT).map(|(_, seen)| seen).collect(), only))
    }
}

//! LoCoMo's dialogues (Maharana et al., "Evaluating very long-term conversational memory of LLM agents", ACL 2024): turns
//! of two speakers over many sessions, and questions with the turns that answer them.

use std::path::Path;

use ibid_index::memory::{Change, Filter, Item, Key, Kind, Memory, Place};
use ibid_retrieve::memory::Request;
use ibid_types::{Day, Timestamp};
use serde_json::Value;

use crate::figures::Outcome;

/// Questions whose answer is nowhere in the dialogue.
pub const UNANSWERABLE: u64 = 5;
const OWNER: &str = "shared";
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One conversation.
#[derive(Debug)]
pub struct Dialogue {
    pub turns: Vec<Turn>,
    pub questions: Vec<Question>,
}

#[derive(Debug)]
pub struct Turn {
    pub id: String,
    pub speaker: String,
    /// With the words for the picture that was shown.
    pub text: String,
    pub at: Timestamp,
}

#[derive(Debug)]
pub struct Question {
    pub text: String,
    pub category: u64,
    /// Ids of turns.
    pub evidence: Vec<String>,
}

/// The dialogues of the first file there is in the folder.
pub fn read(folder: &Path) -> Outcome<Vec<Dialogue>> {
    let names = ["locomo_dev.json", "locomo_test.json", "locomo10.json"];
    let path = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let path = path.ok_or("the folder of LoCoMo holds no dialogues")?;
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    all.as_array().map_or(&[][..], Vec::as_slice).iter().map(dialogue).collect()
}

impl Dialogue {
    /// A memory of its turns. `vectors` are those of their texts, in order.
    pub fn memory(&self, vectors: &[Vec<f32>]) -> Memory {
        let memory = Memory::new(vectors.first().map_or(0, Vec::len));
        let changes = self.turns.iter().zip(vectors).enumerate();
        memory.apply(&changes.map(|(number, (turn, vector))| turn.put(number, vector)).collect::<Vec<_>>());
        memory
    }

    pub fn request(&self, question: &str, limit: usize) -> Request {
        let filter = Filter { owners: vec![OWNER.to_owned()], ..Filter::default() };
        Request { question: question.to_owned(), asker: None, filter, limit }
    }

    /// The turn that an item's key stands for.
    pub fn turn(&self, key: Key) -> Option<&Turn> {
        self.turns.get(usize::try_from(u128::from_le_bytes(key.id)).ok()?)
    }
}

impl Turn {
    /// `D7:12` is of session `D7`.
    pub fn session(&self) -> &str {
        session_of(&self.id)
    }

    fn put(&self, number: usize, vector: &[f32]) -> Change {
        let key = Key::new(Kind::Episode, (number as u128).to_le_bytes());
        Change::Put(Box::new(Item {
            language: Some("en".to_owned()),
            vector: Some(vector.to_vec()),
            at: Some(self.at),
            speaker: Some(self.speaker.clone()),
            place: Some(Place { series: [0; 16], ordinal: number as u32 }),
            ..Item::new(key, OWNER, &self.text)
        }))
    }
}

pub fn session_of(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}

fn dialogue(value: &Value) -> Outcome<Dialogue> {
    const SESSIONS_MAX: usize = 100;
    let mut turns = Vec::new();
    for session in 1..SESSIONS_MAX {
        let said = &value["conversation"][format!("session_{session}")];
        let when = &value["conversation"][format!("session_{session}_date_time")];
        for turn in said.as_array().map_or(&[][..], Vec::as_slice) {
            turns.push(self::turn(turn, day(when.as_str().unwrap_or_default())?));
        }
    }
    let questions = value["qa"].as_array().map_or(&[][..], Vec::as_slice);
    let questions = questions.iter().map(question).filter(|question| !question.evidence.is_empty()).collect();
    Ok(Dialogue { turns, questions })
}

fn turn(value: &Value, at: Timestamp) -> Turn {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let mut said = text("text").to_owned();
    for (before, key) in [(" [shares ", "blip_caption"), (" [", "query")] {
        if !text(key).is_empty() {
            said = format!("{said}{before}{}]", text(key));
        }
    }
    Turn { id: text("dia_id").to_owned(), speaker: text("speaker").to_owned(), text: said, at }
}

fn question(value: &Value) -> Question {
    let evidence = value["evidence"].as_array().map_or(&[][..], Vec::as_slice);
    Question {
        text: value["question"].as_str().unwrap_or_default().to_owned(),
        category: value["category"].as_u64().unwrap_or(0),
        evidence: evidence.iter().filter_map(|id| Some(id.as_str()?.to_owned())).collect(),
    }
}

/// The day of `1:56 pm on 8 May, 2023`.
fn day(text: &str) -> Outcome<Timestamp> {
    let date = text.split(" on ").nth(1).unwrap_or_default().replace(',', "");
    let parts: Vec<&str> = date.split(' ').collect();
    let [day, month, year] = parts.as_slice() else { return Err(format!("'{text}' is no date").into()) };
    let month = MONTHS.iter().position(|name| name == month).ok_or("no month")? + 1;
    let start: Day = Day::of(format!("{year}-{month:02}-{:0>2}", day).parse()?);
    Ok(start.start())
}

//! Recall as its callers see it: order, explanation, signals, and one list with documents.

use ibid_index::memory::{Change, Item, Kind, Place};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::search::{Hit, Part, Why};
use ibid_types::{ChunkId, DocumentId, Timestamp, VersionId};

use super::*;

const OWNER: &str = "user:ann";

fn turn(number: u8, speaker: &str, text: &str, vector: [f32; 2]) -> Change {
    Change::Put(Box::new(Item {
        speaker: Some(speaker.to_owned()),
        at: Some(Timestamp(i64::from(number))),
        place: Some(Place { series: [9; 16], ordinal: u32::from(number) }),
        vector: Some(vector.to_vec()),
        ..Item::new(Key::new(Kind::Episode, [number; 16]), OWNER, text)
    }))
}

fn memory() -> Memory {
    let memory = Memory::new(2);
    memory.apply(&[
        turn(1, "Ann", "Do you play an instrument?", [0.6, 0.8]),
        turn(2, "Bob", "I play the cello since school.", [0.8, 0.6]),
        turn(3, "Ann", "I painted a barn.", [0.0, 1.0]),
        turn(4, "Bob", "The weather is fine.", [-1.0, 0.0]),
    ]);
    memory
}

fn request(question: &str) -> Request {
    let filter = Filter { owners: vec![OWNER.to_owned()], ..Filter::default() };
    Request { question: question.to_owned(), asker: None, filter, limit: 10 }
}

fn asked(question: &str, vector: Option<&[f32]>) -> Recalled {
    recall(&memory(), &request(question), Vectors { plain: vector, retold: None }, &Config::default())
}

fn order(recalled: &Recalled) -> Vec<u8> {
    recalled.hits.iter().map(|hit| hit.key.id[0]).collect()
}

fn sum(parts: impl Iterator<Item = Part>) -> f32 {
    parts.map(|part| part.normalised * part.weight).sum()
}

#[test]
fn the_parts_of_a_hit_add_up_to_its_score() {
    for vector in [Some(&[1.0, 0.2][..]), None] {
        let recalled = asked("Which instrument does Bob play?", vector);
        assert!(!recalled.hits.is_empty());
        for hit in &recalled.hits {
            assert!((sum(hit.why.parts().copied()) - hit.score).abs() < 1e-6, "{hit:?}");
        }
        assert!(recalled.hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}

#[test]
fn who_is_named_counts() {
    let recalled = asked("Which instrument does Bob play?", Some(&[1.0, 0.2]));
    assert_eq!(order(&recalled)[0], 2);
    let person = |place: usize| recalled.hits[place].why.person.map(|part| part.weight);
    assert_eq!(person(0), Some(Config::default().person_weight));
    assert!(recalled.hits.iter().any(|hit| hit.why.person.is_none()));
}

#[test]
fn what_answers_is_found_beside_what_was_asked() {
    let recalled = asked("instrument", None);
    assert_eq!(order(&recalled), [1, 2, 3]);
    let answer = &recalled.hits[1];
    assert!(answer.why.terms.is_empty() && answer.why.terms_around == ["instrument"]);
}

#[test]
fn without_vectors_words_have_all_the_weight() {
    let best = &asked("cello", None).hits[0];
    assert_eq!((best.why.meaning, best.similarity), (None, None));
    assert!((best.why.parts().map(|part| part.weight).sum::<f32>() - 1.0).abs() < 1e-6, "{best:?}");
}

#[test]
fn another_owner_recalls_nothing() {
    let request = Request {
        filter: Filter { owners: vec!["user:eve".to_owned()], ..Filter::default() },
        ..request("cello")
    };
    let recalled = recall(&memory(), &request, Vectors::default(), &Config::default());
    assert_eq!((recalled.hits.len(), recalled.trace.eligible), (0, 0));
    assert!(recalled.trace.terms == ["cello"] && !recalled.signals.names_somebody);
}

#[test]
fn what_somebody_else_did_is_hardly_an_answer() {
    let true_one = answerable(&asked("What did Ann paint?", Some(&[0.0, 1.0])).signals);
    let false_one = answerable(&asked("What did Bob paint?", Some(&[0.0, 1.0])).signals);
    assert!(true_one > false_one + 0.1, "{true_one} {false_one}");
}

#[test]
fn a_question_is_retold_for_the_embedder() {
    assert_eq!(retold(&memory(), &request("What does Bob play?")).as_deref(), Some("What does I play?"));
    assert_eq!(retold(&memory(), &request("What is played?")), None);
}

fn passage(cosine: f32, best: f32) -> Hit {
    let dense = Part { rank: None, score: cosine, normalised: (cosine + 1.0) / (best + 1.0), weight: 0.75 };
    Hit {
        chunk: Chunk {
            id: ChunkId::from_bytes([0; 16]),
            document: DocumentId::from_bytes([0; 16]),
            version: VersionId::from_bytes([0; 16]),
            ordinal: 0,
            span: ChunkSpan::default(),
            text: String::new(),
        },
        title: String::new(),
        source: String::new(),
        date: Timestamp(0),
        language: None,
        tags: Vec::new(),
        score: dense.normalised * dense.weight,
        similarity: Some(cosine),
        why: Why { dense: Some(dense), ..Why::default() },
        episode: None,
    }
}

#[test]
fn one_list_goes_by_one_scale() {
    let mut recalled = asked("Which instrument?", Some(&[1.0, 0.2]));
    let before = recalled.hits.clone();
    let mut near = [passage(1.0, 1.0)];
    share_scale(&mut near, &mut recalled.hits);
    assert_eq!(near[0].score, 0.75);
    assert!(recalled.hits[0].score < before[0].score);
    for hit in &recalled.hits {
        assert!((sum(hit.why.parts().copied()) - hit.score).abs() < 1e-6, "{hit:?}");
    }
    let mut far = [passage(0.1, 0.1)];
    let kept = recalled.hits.clone();
    share_scale(&mut far, &mut recalled.hits);
    assert!(far[0].score < 0.75 && recalled.hits == kept);
}

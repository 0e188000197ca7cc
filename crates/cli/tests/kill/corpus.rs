//! The files that the kill test takes in: small ones of many formats, some that take time, and the sample corpus.

use ibid_testkit::{Dice, repository};

/// Files of each format that are small.
const SMALL_OF_EACH: u64 = 4;
/// Sentences of a file that takes time.
const LONG_SENTENCES: usize = 500;

const NOUNS: [&str; 12] = [
    "harbour", "kettle", "ledger", "lantern", "orchard", "bridge", "engine", "letter", "garden", "winter",
    "sailor", "market",
];
const VERBS: [&str; 8] = ["holds", "follows", "mends", "paints", "counts", "keeps", "moves", "sells"];

/// One file. `word` is in its text, not in its name, and in no other generated file.
#[derive(Clone, Debug)]
pub struct Document {
    pub name: String,
    pub bytes: Vec<u8>,
    pub word: String,
}

/// The corpus of a seed.
pub fn corpus(dice: &mut Dice) -> Vec<Document> {
    let mut documents = samples();
    for (kind, format) in ["md", "txt", "html", "csv", "json", "eml"].into_iter().enumerate() {
        for number in 0..SMALL_OF_EACH {
            let sentences = 2 + usize::try_from(dice.below(8)).unwrap();
            documents.push(document(dice, format, kind as u64 * SMALL_OF_EACH + number, sentences));
        }
    }
    for (number, format) in (100..).zip(["md", "txt", "html"]) {
        documents.push(document(dice, format, number, LONG_SENTENCES));
    }
    documents
}

/// The file with other content and another word.
pub fn changed(dice: &mut Dice, old: &Document, number: u64) -> Document {
    let format = old.name.rsplit('.').next().unwrap();
    Document { name: old.name.clone(), ..document(dice, format, 200 + number, 4) }
}

fn samples() -> Vec<Document> {
    let words = [
        ("contact.json", "telephone"),
        ("ferry-timetable.csv", "departure"),
        ("house-rules.md", "rags"),
        ("inventory.xlsx", "tile"),
        ("island-history.epub", "lighthouse"),
        ("loans.jsonl", "returned"),
        ("members-handbook.pdf", "deposit"),
        ("reservations.eml", "reservations"),
        ("sharpening.pptx", "bevel"),
        ("spring-meeting.docx", "chipper"),
        ("weather-log.txt", "wind"),
        ("winter-course.html", "chisels"),
    ];
    let read = |name: &str| std::fs::read(repository().join("samples").join(name)).unwrap();
    words.map(|(name, word)| Document { name: name.into(), bytes: read(name), word: word.into() }).into()
}

fn document(dice: &mut Dice, format: &str, number: u64, sentences: usize) -> Document {
    let word = word(number);
    let mut said: Vec<String> = (0..sentences).map(|_| sentence(dice)).collect();
    let place = usize::try_from(dice.below(sentences as u64)).unwrap();
    said[place] = format!("The {word} stands here.");
    let name = format!("{number:03}.{format}");
    Document { name, bytes: written(format, &said).into_bytes(), word }
}

/// A word for each number that no stemmer makes equal to another.
fn word(number: u64) -> String {
    let syllable = |digit: u64| {
        ["bak", "dov", "fum", "gik", "lop", "mur", "nev", "rok", "tav", "zim"][digit as usize % 10]
    };
    format!("qua{}{}{}", syllable(number / 100), syllable(number / 10), syllable(number))
}

fn sentence(dice: &mut Dice) -> String {
    let (one, other, verb) = (dice.pick(&NOUNS), dice.pick(&NOUNS), dice.pick(&VERBS));
    format!("The {one} of house {} {verb} the {other} number {}.", dice.below(1000), dice.below(10_000))
}

fn written(format: &str, sentences: &[String]) -> String {
    let paragraphs = || sentences.chunks(8).map(|chunk| chunk.join(" "));
    match format {
        "md" => paragraphs().map(|text| format!("## Part\n\n{text}\n\n")).collect(),
        "html" => {
            let body: String = paragraphs().map(|text| format!("<p>{text}</p>\n")).collect();
            format!("<!doctype html><html><head><title>A page</title></head><body>{body}</body></html>")
        }
        "csv" => {
            let rows = sentences.iter().enumerate().map(|(row, text)| format!("{row},{text}\n"));
            format!("row,remark\n{}", rows.collect::<String>())
        }
        "json" => serde_json::json!({ "remarks": sentences }).to_string(),
        "eml" => {
            let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: News\r\n\r\n";
            format!("{head}{}\r\n", sentences.join("\r\n"))
        }
        _ => paragraphs().collect::<Vec<_>>().join("\n\n"),
    }
}

//! The chunker's promises, on made-up documents.

use ibid_types::document::{ChunkKind, ChunkSpan};
use ibid_types::parsed::{Block, BlockKind, Page, Parsed};
use proptest::prelude::*;

use super::{ChunkConfig, chunk};
use crate::builder::Builder;
use crate::parse::Limits;

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn config(max: usize, target: usize) -> ChunkConfig {
    ChunkConfig { tokens_max: max, tokens_target: target, tokens_small: 5, path_tokens_free: 16 }
}

fn chunked(max: usize, target: usize, write: impl FnOnce(&mut Builder)) -> (Parsed, Vec<ChunkSpan>) {
    let mut out = Builder::new(&Limits::default());
    write(&mut out);
    let parsed = out.finish();
    let spans = chunk(&parsed, &config(max, target), &words);
    assert_tiles(&parsed.text, &spans);
    (parsed, spans)
}

fn assert_tiles(text: &str, spans: &[ChunkSpan]) {
    let joined: String = spans.iter().map(|span| &text[span.start..span.end]).collect();
    assert_eq!(joined, text);
    let mut chars = 0;
    for span in spans {
        assert_eq!(span.start_char, chars);
        chars += text[span.start..span.end].chars().count();
    }
}

fn sentence(count: usize) -> String {
    format!("Word{}.", " word".repeat(count - 1))
}

#[test]
fn a_heading_opens_a_chunk_and_names_it() {
    let (parsed, spans) = chunked(40, 30, |out| {
        out.heading(1, "Manual");
        out.paragraph(&sentence(20));
        out.heading(2, "Refunds");
        out.paragraph(&sentence(25));
    });
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[1].heading_path, ["Manual", "Refunds"]);
    assert!(parsed.text[spans[1].start..].starts_with("Refunds"));
}

#[test]
fn a_bare_heading_joins_what_it_stands_above() {
    let (_, spans) = chunked(40, 30, |out| {
        out.heading(1, "Manual");
        out.heading(2, "Refunds");
        out.paragraph(&sentence(35));
    });
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].heading_path, ["Manual", "Refunds"]);
}

#[test]
fn small_siblings_join_under_their_parent() {
    let (_, spans) = chunked(40, 30, |out| {
        out.heading(1, "Manual");
        out.paragraph(&sentence(25));
        for name in ["A", "B", "C"] {
            out.heading(2, name);
            out.paragraph(&sentence(3));
        }
    });
    let paths: Vec<_> = spans.iter().map(|span| span.heading_path.join(">")).collect();
    assert_eq!(paths, ["Manual", "Manual"]);
}

#[test]
fn a_long_section_is_cut_into_equal_parts_between_sentences() {
    let (parsed, spans) = chunked(40, 30, |out| out.paragraph(&vec![sentence(10); 10].join(" ")));
    assert_eq!(spans.iter().map(|span| span.tokens).collect::<Vec<_>>(), [30, 20, 30, 20]);
    assert!(spans.iter().all(|span| parsed.text[span.start..span.end].trim_end().ends_with('.')));
}

#[test]
fn rows_of_a_cut_table_keep_their_header() {
    let rows: Vec<Vec<String>> = (0..30).map(|n| vec![format!("name{n}"), format!("{n}")]).collect();
    let (_, spans) = chunked(40, 30, |out| out.table(&rows));
    assert!(spans.len() > 1 && spans.iter().all(|span| span.kind == ChunkKind::Table));
    assert_eq!(spans[0].heading_path, Vec::<String>::new());
    assert_eq!(spans[1].heading_path, ["Columns: name0 | 0"]);
}

#[test]
fn records_stay_whole_and_small_ones_share() {
    let (_, spans) = chunked(40, 30, |out| {
        for count in [2, 2, 2, 12, 12] {
            out.record(&sentence(count));
        }
    });
    assert_eq!(spans.iter().map(|span| span.tokens).collect::<Vec<_>>(), [6, 12, 12]);
    assert!(spans.iter().all(|span| span.kind == ChunkKind::Record));
}

#[test]
fn pages_are_known_within_a_chunk() {
    let (parsed, spans) = chunked(40, 30, |out| {
        out.page(1, None);
        out.paragraph("one");
        out.page(2, None);
        out.paragraph("two");
    });
    assert_eq!(spans[0].pages, [(1, 0), (2, parsed.text.find("two").unwrap())]);
    assert_eq!(spans[0].page_at(6), Some(2));
}

#[test]
fn one_endless_word_is_cut() {
    let (_, spans) = chunked(40, 30, |out| out.paragraph(&"x".repeat(5000)));
    assert!(spans.len() >= 5000 / 16 / 40);
    let parsed = Parsed { text: "é".repeat(500), ..Parsed::default() };
    let spans = chunk(&parsed, &config(40, 30), &str::len);
    assert_tiles(&parsed.text, &spans);
    assert!(spans.iter().all(|span| span.tokens <= 40));
}

#[test]
fn text_without_blocks_and_space_only() {
    assert!(chunk(&Parsed::default(), &config(40, 30), &words).is_empty());
    let parsed = Parsed { text: " \n ".into(), ..Parsed::default() };
    assert_tiles(&parsed.text, &chunk(&parsed, &config(40, 30), &words));
}

fn any_kind() -> impl Strategy<Value = BlockKind> {
    prop_oneof![
        (1u8..4).prop_map(|level| BlockKind::Heading { level }),
        Just(BlockKind::Paragraph),
        Just(BlockKind::ListItem),
        Just(BlockKind::Table { rows: 2 }),
        Just(BlockKind::Code { language: String::new() }),
        Just(BlockKind::Record),
    ]
}

proptest! {
    #[test]
    fn chunks_tile_any_text(
        pieces in prop::collection::vec(("[ \n.a-zé日。|]{0,60}", any_kind(), any::<bool>(), "[ \n=]{0,3}"), 0..20),
        max in 8usize..60,
    ) {
        let mut parsed = Parsed::default();
        for (number, (text, kind, has_block, gap)) in (1..).zip(pieces) {
            let start = parsed.text.len();
            parsed.text.push_str(&text);
            if has_block {
                parsed.blocks.push(Block { kind, start, end: parsed.text.len() });
            } else {
                parsed.pages.push(Page { number, start, label: (number % 2 == 0).then(|| "x".into()) });
            }
            parsed.text.push_str(&gap);
        }
        prop_assert!(parsed.check().is_ok());
        let spans = chunk(&parsed, &config(max, max / 2), &|text| text.chars().count());
        assert_tiles(&parsed.text, &spans);
        for span in &spans {
            prop_assert!(span.start < span.end && span.tokens as usize <= max.max(8));
            prop_assert!(span.pages.first().is_none_or(|(_, at)| *at == 0));
        }
    }
}

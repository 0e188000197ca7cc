//! Whatever bytes a flow file holds, reading it ends, does not panic, and tells places that the file has.
#![allow(clippy::unwrap_used)]

mod definition_support;

use definition_support::{EVERYTHING, is_known, kinds};
use ibid_flow::definition::{mermaid, read};
use proptest::prelude::*;

fn check(source: &str) {
    let reading = read(source, &kinds(), &is_known);
    let unix = source.replace("\r\n", "\n");
    let lines: Vec<_> = unix.split(['\n', '\r']).collect();
    for problem in &reading.problems {
        let line = lines.get(problem.line as usize - 1);
        let columns = line.map_or(0, |line| line.chars().count() + 1);
        assert!((1..=columns).contains(&(problem.column as usize)), "{problem} in {source:?}");
        assert!(!problem.message.is_empty());
    }
    match &reading.definition {
        Some(flow) => assert!(mermaid(flow).starts_with("flowchart")),
        None => assert!(!reading.problems.is_empty(), "{source:?}"),
    }
}

/// Pieces that wrong files are made of.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n  ".to_owned()),
        Just("\t".to_owned()),
        Just("{{ ".to_owned()),
        Just(" }}".to_owned()),
        Just("{% for x in".to_owned()),
        Just(": ".to_owned()),
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("- ".to_owned()),
        Just("? ".to_owned()),
        Just("!!str ".to_owned()),
        Just("|\n".to_owned()),
        Just("ö€😀".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("null".to_owned()),
        Just("[".to_owned()),
        Just("}".to_owned()),
        Just("'\"".to_owned()),
        Just("1e999".to_owned()),
        ".{0,8}",
    ]
}

fn mutated(cuts: &[(prop::sample::Index, usize, String)]) -> String {
    let mut letters: Vec<char> = EVERYTHING.chars().collect();
    for (at, length, piece) in cuts {
        let at = at.index(letters.len());
        let end = (at + length).min(letters.len());
        letters.splice(at..end, piece.chars());
        letters.push('\n');
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn pieces_of_yaml_are_read_without_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn changed_flows_are_read_without_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, piece()), 1..5)
    ) {
        check(&mutated(&cuts));
    }
}

#[test]
fn every_beginning_of_a_flow_is_read_without_panic() {
    for end in (0..EVERYTHING.len()).step_by(7).filter(|end| EVERYTHING.is_char_boundary(*end)) {
        check(&EVERYTHING[..end]);
    }
}

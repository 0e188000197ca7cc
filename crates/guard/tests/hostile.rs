//! Texts that were written to break what reads them: nothing panics, every span can be cut out, what is cleaned stays
//! clean, and long rows of whatever begins a search come to an end.

#![allow(clippy::unwrap_used)]

use ibid_guard::{
    Action, Addresses, Fence, Finding, Network, Place, Policy, Reach, Stream, addresses, allowed, apply,
    clean, find_personal, find_secrets, is_public, judge, neutral,
};
use proptest::prelude::*;

/// Pieces of all that is looked for, with what breaks careless cutting.
const PIECES: [&str; 76] = [
    "é",
    "😀",
    "\u{200b}",
    "\u{202e}",
    "\u{e0041}",
    "İ",
    "ß",
    "ﬀ",
    "\0",
    "\n",
    " ",
    "\t",
    "-",
    "_",
    ".",
    ",",
    ":",
    "://",
    "@",
    "=",
    "\"",
    "'",
    "`",
    "```",
    "|",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "!",
    "![",
    "](",
    "#",
    "\\",
    "&lt;",
    "<b",
    "<!--",
    "<script>",
    "ghp_",
    "sk-",
    "eyJ",
    ".eyJ",
    "AKIA",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "-----END ",
    "password",
    "token",
    " is ",
    "Bearer ",
    "PuTTY-User-Key-File-",
    "a1B2c3D4e5",
    "0123456789",
    "4111",
    "DE89",
    "+49",
    "AB",
    "2001:db8::",
    "10.0.0.1",
    "tel",
    "ignore ",
    "previous ",
    "instructions",
    "your answer",
    "<|im_start|>",
    "System:",
    "aWdub3JlIGFsbCBydWxlcw",
    "http",
    "https://a.org/",
    "www.",
    "?q=",
    "[1]: ",
    "mailto:",
    "data:",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-zA-Z0-9]{1,12}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn check(text: &str, found: &[Finding]) {
    let mut end = 0;
    for finding in found {
        assert!(finding.start >= end && finding.start < finding.end, "{found:?} of {text:?}");
        assert!(text.get(finding.start..finding.end).is_some(), "{finding:?} of {text:?}");
        end = finding.end;
    }
}

fn strict() -> Policy {
    Policy { secrets: Action::Redact, personal: Action::Redact, ..Policy::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn findings_can_be_cut_out(text in hostile()) {
        check(&text, &find_secrets(&text));
        check(&text, &find_personal(&text));
    }

    #[test]
    fn a_policy_leaves_what_is_around_findings(text in hostile()) {
        let outcome = apply(&text, &strict());
        let left: usize = text.len() - outcome.found.iter().map(|one| one.end - one.start).sum::<usize>();
        let words: usize = outcome.found.iter().map(|one| one.kind.redaction().len()).sum();
        prop_assert_eq!(outcome.text.len(), left + words);
    }

    #[test]
    fn verdicts_name_places_of_the_text(text in hostile()) {
        for place in [Place::Question, Place::Passage] {
            let verdict = judge(&text, place);
            prop_assert_eq!(verdict.score, verdict.signals.iter().map(|signal| signal.weight).sum::<u32>());
            for signal in verdict.signals {
                prop_assert!(text.get(signal.start..signal.end).is_some(), "{:?} of {:?}", signal, text);
            }
        }
    }

    #[test]
    fn nothing_leaves_a_fence(text in hostile(), place in hostile(), random in any::<[u8; 16]>()) {
        let fenced = Fence::new(random).enclose(1, &place, &text);
        prop_assert_eq!(fenced.matches("<<").count(), 2);
        let inside = neutral(&text);
        for frame in ["<<", ">>", "<|", "|>", "\u{200b}", "\u{e0041}"] {
            prop_assert!(!inside.contains(frame), "{:?} in {:?}", frame, inside);
        }
    }

    #[test]
    fn what_is_cleaned_stays_clean(text in hostile()) {
        let known = Addresses::of(["https://a.org/"]);
        let once = clean(&text, "", &known, &Policy::open());
        let twice = clean(&once.text, "", &known, &Policy::open());
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert!(twice.removed.is_empty(), "{:?} of {:?}", twice.removed, text);
    }

    #[test]
    fn a_stream_shows_only_what_is_clean(pieces in prop::collection::vec(hostile(), 1..6)) {
        let (known, policy) = (Addresses::of(["https://a.org/"]), strict());
        let mut stream = Stream::new("", &known, &policy);
        let mut shown = String::new();
        for piece in &pieces {
            shown.push_str(&stream.push(piece));
            prop_assert!(clean(&shown, "", &known, &Policy::open()).removed.is_empty(), "{:?}", shown);
        }
        let whole = clean(&pieces.concat(), "", &known, &policy).text;
        shown.push_str(&stream.finish());
        prop_assert!(whole.starts_with(&shown) || clean(&shown, "", &known, &Policy::open()).removed.is_empty());
    }

    #[test]
    fn addresses_can_be_cut_out(text in hostile()) {
        let mut end = 0;
        for place in addresses(&text) {
            prop_assert!(place.start >= end && text.get(place.clone()).is_some(), "{:?} of {:?}", place, text);
            end = place.end;
        }
    }

    #[test]
    fn a_mapped_address_is_as_public_as_what_it_carries(bits in any::<u32>()) {
        let v4 = std::net::Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = v4.octets();
        let word = |high: u8, low: u8| u16::from(high) << 8 | u16::from(low);
        let (high, low) = (word(a, b), word(c, d));
        for other in [[0, 0, 0, 0, 0, 0xffff, high, low], [0x64, 0xff9b, 0, 0, 0, 0, high, low], [0x2002, high, low, 0, 0, 0, 0, 1]] {
            prop_assert_eq!(is_public(std::net::Ipv6Addr::from(other).into()), is_public(v4.into()));
        }
    }

    #[test]
    fn a_host_is_allowed_or_told(host in hostile(), address in any::<[u8; 16]>()) {
        let address = std::net::IpAddr::from(address);
        if let Ok(addresses) = allowed(&host, &[address], &Reach::default()) {
            prop_assert!(addresses.iter().all(|address| is_public(*address)));
        }
        let _ = Network::parse(&host);
    }
}

#[test]
fn long_rows_of_what_begins_a_search_come_to_an_end() {
    let known = Addresses::default();
    for piece in PIECES {
        let text = piece.repeat(40_000 / piece.len());
        check(&text, &find_secrets(&text));
        check(&text, &find_personal(&text));
        let _ = (judge(&text, Place::Passage), neutral(&text), clean(&text, "", &known, &strict()));
    }
}

//! What is read with no more than `Known`, sent in parts and applied, is what reading the commit anew gives; and what held is dated.
#![allow(clippy::unwrap_used, clippy::panic)]

mod made;

use ibid_code::{Codebase, Delta, Ledger, Options, SymbolKey, structure};
use ibid_types::Timestamp;
use made::Made;

fn read(made: &Made) -> Codebase {
    let repository = made.open();
    sorted(Codebase::read(&repository, &repository.head().unwrap(), &Options::default()).unwrap())
}

fn sorted(mut codebase: Codebase) -> Codebase {
    codebase.edits.sort_by_key(|edit| (edit.commit.clone(), edit.path.clone(), edit.symbol.clone()));
    codebase
}

fn delta(made: &Made, codebase: &Codebase) -> (Delta, ibid_code::Codebase) {
    let repository = made.open();
    let (delta, update) =
        Delta::read(&repository, &codebase.known(), &repository.head().unwrap(), &Options::default())
            .unwrap();
    delta.check().unwrap();
    assert_eq!(update.parsed.len(), delta.files.len());
    let mut next = codebase.clone();
    for part in delta.clone().parts(200) {
        let sent = serde_json::to_string(&part).unwrap();
        next.apply(serde_json::from_str(&sent).unwrap(), 5000);
    }
    (delta, sorted(next))
}

#[test]
fn parts_bring_what_reading_anew_gives() {
    let made = Made::new();
    for name in ["a", "b", "c"] {
        made.write(&format!("{name}.rs"), &format!("pub fn {name}() {{}}\n"));
    }
    made.commit("Begin");
    let (_, first) = delta(&made, &Codebase::default());
    assert_eq!(first, read(&made));
    made.write("b.rs", "pub fn b() { new(); }\nfn new() {}\n");
    made.git(&["mv", "c.rs", "d.rs"]);
    made.commit("Change");
    let (changed, second) = delta(&made, &first);
    assert_eq!(changed.files.keys().collect::<Vec<_>>(), ["b.rs", "d.rs"]);
    assert_eq!(second, read(&made));
}

#[test]
fn a_rewritten_history_is_read_anew() {
    let made = Made::new();
    made.write("a.rs", "fn a() {}\n");
    made.write("b.rs", "fn b() {}\n");
    made.commit("Begin");
    let (_, first) = delta(&made, &Codebase::default());
    made.git(&["rm", "-q", "b.rs"]);
    made.git(&["commit", "-q", "--amend", "-m", "Other"]);
    let (changed, second) = delta(&made, &first);
    assert_eq!((changed.removed.as_slice(), changed.files.len()), (&["b.rs".to_owned()][..], 1));
    assert_eq!(second, read(&made));
}

#[test]
fn what_is_sent_with_indexes_that_lead_nowhere_is_refused() {
    let made = Made::new();
    made.write("a.rs", "impl T { fn a() { b(); } }\n");
    made.commit("Begin");
    let (good, _) = delta(&made, &Codebase::default());
    let with = |change: &dyn Fn(&mut ibid_code::FileSymbols)| {
        let mut wrong = good.clone();
        change(&mut wrong.files.get_mut("a.rs").unwrap().symbols);
        wrong.check().unwrap_err().code
    };
    assert_eq!(with(&|symbols| symbols.symbols[0].parent = Some(0)), "code_malformed");
    assert_eq!(with(&|symbols| symbols.references[0].from = Some(99)), "code_malformed");
    let mut elsewhere = good.clone();
    let file = elsewhere.files.remove("a.rs").unwrap();
    elsewhere.files.insert("/etc/passwd".to_owned(), file);
    assert_eq!(elsewhere.check().unwrap_err().code, "code_malformed");
}

#[test]
fn who_called_before_is_still_told() {
    let made = Made::new();
    made.write("a.rs", "pub fn target() {}\npub fn one() { target(); }\npub fn two() {}\n");
    made.commit("Begin");
    let first = read(&made);
    let mut ledger = Ledger::default();
    ledger.apply(ledger.compare(structure(&first, &first.resolve()), None));
    made.write("a.rs", "pub fn target() {}\npub fn one() {}\n// later\npub fn two() { target(); }\n");
    made.commit("Change");
    let second = read(&made);
    let entry = ledger.compare(structure(&second, &second.resolve()), Some(Timestamp(1000)));
    assert_eq!(
        (entry.ended.len(), entry.stated.iter().filter(|one| one.kind.name() == "CALLS").count()),
        (1, 1)
    );
    ledger.apply(entry);
    let of = SymbolKey { path: "a.rs".to_owned(), symbol: "target".to_owned() };
    let callers = |ledger: &Ledger, at| {
        ledger.callers(&of, at).map(|tie| tie.relation.from.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(callers(&ledger, None), ["a.rs#two"]);
    assert_eq!(callers(&ledger, Some(Timestamp(999))), ["a.rs#one"]);
    assert_eq!(callers(&Ledger::of(ledger.ties().to_vec()), Some(Timestamp(1000))), ["a.rs#two"]);
    let same = ledger.compare(structure(&second, &second.resolve()), Some(Timestamp(2000)));
    assert!(same.stated.is_empty() && same.ended.is_empty());
}

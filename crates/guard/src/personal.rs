//! Personal data in a text: mail addresses, telephone numbers, bank accounts, cards, national ids and, where asked for,
//! addresses of machines.
//!
//! Keeps true: whatever has check digits is proved by them; where these are weak (one in ten or eleven numbers passes),
//! a word that names the number must stand near. Time is linear in the text.

mod mail;
mod money;
mod national;
mod network;
mod phone;
mod run;

use crate::finding::{Finding, tidy};
use run::Run;

/// All personal data of a text. Addresses of machines are told too; policies let them pass unless they say otherwise.
#[must_use]
pub fn find(text: &str) -> Vec<Finding> {
    let mut found = mail::find(text);
    let machines = network::find(text);
    let mut next_machine = machines.iter().peekable();
    for run in run::runs(text) {
        while next_machine.next_if(|one| one.end <= run.start).is_some() {}
        let is_machine = next_machine.peek().is_some_and(|one| one.start < run.end);
        if !is_machine {
            found.extend(numbers(text, run));
        }
    }
    found.extend(machines);
    tidy(found)
}

/// What a run is: the whole, or without words in capitals around it, or else each of its parts for itself.
fn numbers(text: &str, run: Run) -> Vec<Finding> {
    let whole = number(text, run).or_else(|| run.without_words(text).and_then(|run| number(text, run)));
    match whole {
        Some(finding) => vec![finding],
        None => run.parts(text).into_iter().filter_map(|part| number(text, part)).collect(),
    }
}

fn number(text: &str, run: Run) -> Option<Finding> {
    money::iban(text, run)
        .or_else(|| national::find(text, run))
        .or_else(|| money::card(text, run))
        .or_else(|| phone::find(text, run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Kind;

    fn kinds(text: &str) -> Vec<Kind> {
        find(text).iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn each_kind_is_found_beside_the_others() {
        let text = "Ada, ada@example.org, +49 30 901820, DE89 3704 0044 0532 0130 00, 4111 1111 1111 1111, \
                    SSN 219-12-3456, from 192.0.2.7";
        assert_eq!(
            kinds(text),
            [Kind::Email, Kind::Phone, Kind::Iban, Kind::Card, Kind::NationalId, Kind::IpAddress]
        );
    }

    #[test]
    fn ordinary_numbers_are_none() {
        for text in [
            "In 2024, 1,234,567 people paid 12.50 EUR on 2024-01-31.",
            "ISBN 978-3-16-148410-0, DOI 10.1000/182, RFC 9110",
            "Order 4111111111111112 of 12/11/2026 10:15:30",
            "pp. 123-456, vol. 12 (3), 1994-1998",
            "π is 3.14159265358979323846264338327950288",
            "version 1.22.333, build 20261121",
            "GenBank AB123456 and NM_000546.6; PMID 12345678",
            "a 95 % CI of 0.12-0.34, n = 1234567890",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}

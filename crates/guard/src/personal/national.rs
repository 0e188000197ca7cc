//! Numbers by which states know people: each by its shape and check digits, the weak ones by a word beside them too.
//!
//! Keeps true: a shape that one number in ten or eleven passes by chance counts only where a word names it.

mod checks;

use checks as is;

use super::run::{Run, compact};
use crate::finding::{Finding, Kind};
use crate::text::{after, before, holds_word};

/// How far before and behind a number its name may stand.
const BEFORE_BYTES: usize = 48;
const AFTER_BYTES: usize = 24;

struct Id {
    what: &'static str,
    /// Letters and digits without separators.
    characters: usize,
    /// Of the number without separators.
    check: fn(&str) -> bool,
    /// As it is written with separators, `9` for a digit and `A` for a letter; where it is written so, no name is needed.
    dress: &'static [&'static str],
    /// Lower case. Where there are none, the check is strong enough for a number without full stops.
    names: &'static [&'static str],
}

const IDS: &[Id] = &[
    Id {
        what: "Social Security number (US)",
        characters: 9,
        check: is::us_ssn,
        dress: &["999-99-9999"],
        names: &["ssn", "social security", "social security number", "soc sec"],
    },
    Id {
        what: "National Insurance number (GB)",
        characters: 9,
        check: is::gb_nino,
        dress: &["AA 99 99 99 A"],
        names: &["nino", "ni number", "ni no", "national insurance", "insurance number"],
    },
    Id {
        what: "Steuer-ID (DE)",
        characters: 11,
        check: is::de_tax,
        dress: &[],
        names: &[
            "steuer",
            "steuer-id",
            "steuerid",
            "steuer-idnr",
            "idnr",
            "identifikationsnummer",
            "tin",
            "tax id",
        ],
    },
    Id {
        what: "NIR (FR)",
        characters: 15,
        check: is::fr_nir,
        dress: &[
            "9 99 99 99 999 999 99",
            "9 99 99 9A 999 999 99",
            "9 99 99 99999 999 99",
            "9 99 99 99 999 999/99",
        ],
        names: &["nir", "sécurité sociale", "numéro de sécurité", "insee", "securite sociale"],
    },
    Id {
        what: "BSN (NL)",
        characters: 9,
        check: is::nl_bsn,
        dress: &[],
        names: &["bsn", "burgerservicenummer", "sofinummer", "sofi", "citizen service number"],
    },
    Id {
        what: "DNI (ES)",
        characters: 9,
        check: is::es_dni,
        dress: &["99.999.999-A", "99.999.999A"],
        names: &[],
    },
    Id { what: "codice fiscale (IT)", characters: 16, check: is::it_fiscale, dress: &[], names: &[] },
    Id { what: "PESEL (PL)", characters: 11, check: is::pl_pesel, dress: &[], names: &["pesel", "nr pesel"] },
    Id {
        what: "AHV number (CH)",
        characters: 13,
        check: is::ch_ahv,
        dress: &["999.9999.9999.99"],
        names: &["ahv", "avs", "ahv-nr", "sozialversicherungsnummer"],
    },
    Id { what: "CPF (BR)", characters: 11, check: is::br_cpf, dress: &["999.999.999-99"], names: &["cpf"] },
    Id {
        what: "national number (BE)",
        characters: 11,
        check: is::be_national,
        dress: &["99.99.99-999.99"],
        names: &["rijksregisternummer", "registre national", "numéro national", "national number"],
    },
    Id {
        what: "personnummer (SE)",
        characters: 10,
        check: is::se_personal,
        dress: &[],
        names: &["personnummer", "personal number", "personnr"],
    },
    Id {
        what: "Social Insurance number (CA)",
        characters: 9,
        check: is::ca_sin,
        dress: &[],
        names: &["sin", "social insurance", "social insurance number"],
    },
];

pub fn find(text: &str, run: Run) -> Option<Finding> {
    let run_text = run.text(text);
    let compact = compact(run_text);
    let id = IDS.iter().find(|id| {
        compact.len() == id.characters
            && (id.check)(&compact)
            && (wears(run_text, id.dress)
                || id.names.is_empty() && !run_text.contains('.')
                || is_named(text, run, id.names))
    })?;
    Some(Finding::new(Kind::NationalId, id.what, run.start, run.end))
}

fn wears(run: &str, dress: &[&str]) -> bool {
    let shape: String = run.chars().map(shape_of).collect();
    dress.contains(&shape.as_str())
}

const fn shape_of(c: char) -> char {
    match c {
        '0'..='9' => '9',
        'A'..='Z' => 'A',
        other => other,
    }
}

fn is_named(text: &str, run: Run, names: &[&str]) -> bool {
    holds_word(before(text, run.start, BEFORE_BYTES), names)
        || holds_word(after(text, run.end, AFTER_BYTES), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> Option<&'static str> {
        super::super::find(text).into_iter().find(|one| one.kind == Kind::NationalId).map(|one| one.what)
    }

    #[test]
    fn ids_are_found_with_their_names_or_in_their_dress() {
        for (text, id) in [
            ("219-12-3456", "Social Security number (US)"),
            ("SSN: 219 12 3456", "Social Security number (US)"),
            ("AB 12 34 56 C", "National Insurance number (GB)"),
            ("NI number AB123456C", "National Insurance number (GB)"),
            ("Steuer-ID: 86 095 742 719", "Steuer-ID (DE)"),
            ("2 55 08 14 168 025 38", "NIR (FR)"),
            ("BSN 111222333", "BSN (NL)"),
            ("DNI 12345678Z", "DNI (ES)"),
            ("X1234567L", "DNI (ES)"),
            ("RSSMRA85T10A562S", "codice fiscale (IT)"),
            ("PESEL 44051401359", "PESEL (PL)"),
            ("756.9217.0769.85", "AHV number (CH)"),
            ("529.982.247-25", "CPF (BR)"),
            ("85.07.30-033.28", "national number (BE)"),
            ("personnummer 811218-9876", "personnummer (SE)"),
            ("SIN 046 454 286", "Social Insurance number (CA)"),
        ] {
            assert_eq!(what(text), Some(id), "{text}");
        }
    }

    #[test]
    fn weak_numbers_without_a_name_and_wrong_ones_are_none() {
        for text in [
            "111222333",
            "44051401359",
            "86095742719",
            "AB123456C",
            "219123456",
            "000-12-3456",
            "BSN 111222334",
            "PESEL 44051401358",
            "12345678A",
            "RSSMRA85T10A562T",
            "Steuer-ID 86095742718",
            "2 55 08 14 168 025 39",
            "163.976063254486",
            "10.821422Z",
        ] {
            assert_eq!(what(text), None, "{text}");
        }
    }
}

//! A name in the form in which names are compared.
//!
//! Keeps true: a key is in lower case, of letters and digits with single spaces between; the key of a key is itself.

/// Small letters without accents, no punctuation, article, title, possessive or legal form: "Dr. Anna Müller's" is
/// "anna muller". Words that would leave nothing are kept.
#[must_use]
pub fn name_key(name: &str) -> String {
    let folded = fold(name);
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.first().is_some_and(|word| BEFORE.contains(word)) {
        words.remove(0);
    }
    while words.len() > 1 && words.last().is_some_and(|word| AFTER.contains(word)) {
        words.pop();
    }
    words.join(" ")
}

/// Small letters without accents; what is no letter or digit is a space, apostrophes and inner full stops are left out.
fn fold(name: &str) -> String {
    let name = without_possessive(name.trim());
    let mut folded = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '\'' | '’' | '.' => {}
            _ if character.is_alphanumeric() => push_plain(&mut folded, character),
            _ => folded.push(' '),
        }
    }
    folded
}

fn without_possessive(name: &str) -> &str {
    name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(name)
}

fn push_plain(folded: &mut String, character: char) {
    for lower in character.to_lowercase() {
        match plain(lower) {
            Some(letters) => folded.push_str(letters),
            None if lower.is_alphanumeric() => folded.push(lower),
            None => {}
        }
    }
}

/// The letter of the alphabet under an accent.
fn plain(lower: char) -> Option<&'static str> {
    Some(match lower {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'þ' => "th",
        'ţ' | 'ť' | 'ț' | 'ŧ' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// Articles and titles. "A" may be an initial.
const BEFORE: &[&str] = &[
    "the",
    "der",
    "die",
    "das",
    "le",
    "la",
    "les",
    "el",
    "los",
    "las",
    "dr",
    "prof",
    "professor",
    "mr",
    "mrs",
    "ms",
    "miss",
    "sir",
    "herr",
    "frau",
    "mme",
    "mlle",
    "monsieur",
    "madame",
    "sr",
    "sra",
    "señor",
    "senor",
    "senora",
    "president",
    "captain",
];

/// Legal forms.
const AFTER: &[&str] = &[
    "inc",
    "ltd",
    "llc",
    "gmbh",
    "ag",
    "corp",
    "co",
    "plc",
    "se",
    "kg",
    "sa",
    "sarl",
    "sl",
    "bv",
    "oy",
    "ab",
    "ev",
    "jr",
    "limited",
    "corporation",
    "incorporated",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_form_only_have_one_key() {
        for (name, key) in [
            ("Dr. Anna Müller", "anna muller"),
            ("ANNA  MÜLLER's", "anna muller"),
            ("The Beatles", "beatles"),
            ("Acme GmbH & Co. KG", "acme"),
            ("Acme, Inc.", "acme"),
            ("Łódź", "lodz"),
            ("Jean-Luc Picard", "jean luc picard"),
            ("O'Brien", "obrien"),
            ("U.S.", "us"),
            ("The", "the"),
            ("", ""),
        ] {
            assert_eq!(name_key(name), key, "{name}");
        }
    }

    #[test]
    fn the_key_of_a_key_is_itself() {
        for name in ["Straße 12", "Mr. the Inc.", "a's", "İstanbul", "  ", "parse_config", "ﬁn Ǆ"] {
            assert_eq!(name_key(&name_key(name)), name_key(name));
        }
    }
}

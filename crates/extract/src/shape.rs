//! What a run of characters without spaces looks like: an address, a file, a name of code.
//!
//! Keeps true: each test reads the run once.

use crate::found::EntityKind;

/// The kind of a run that is no ordinary word.
pub(crate) fn special(run: &str) -> Option<EntityKind> {
    if run.len() < 3 || run.bytes().all(|byte| byte.is_ascii_alphabetic() && !byte.is_ascii_uppercase()) {
        return None;
    }
    if is_url(run) {
        Some(EntityKind::Url)
    } else if is_email(run) {
        Some(EntityKind::Email)
    } else if is_symbol(run) {
        Some(EntityKind::Symbol)
    } else if is_file(run) {
        Some(EntityKind::File)
    } else {
        None
    }
}

fn is_url(run: &str) -> bool {
    let rest = run.split_once("://").map(|(scheme, rest)| (scheme.bytes().all(is_word_byte), rest));
    rest.is_some_and(|(is_scheme, rest)| is_scheme && rest.contains(|c: char| c.is_alphanumeric()))
        || run.strip_prefix("www.").is_some_and(|rest| rest.contains('.'))
}

fn is_email(run: &str) -> bool {
    run.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && local.bytes().all(|byte| is_word_byte(byte) || b".+-_%".contains(&byte))
            && domain.contains('.')
            && domain.bytes().all(|byte| is_word_byte(byte) || b".-".contains(&byte))
            && !domain.starts_with('.')
    })
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// `parse_config`, `std::fs::read`, `open()`, `readFile`.
fn is_symbol(run: &str) -> bool {
    let name = run.strip_suffix("()").unwrap_or(run);
    let is_identifier =
        name.bytes().all(|byte| is_word_byte(byte) || b"_:.".contains(&byte)) && name.is_ascii();
    if !is_identifier || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return false;
    }
    name.len() < run.len()
        || name.contains("::")
        || name.trim_matches('_').contains('_') && !has_file_ending(name)
        || is_camel(name)
}

/// A small beginning and a capital within; "iPhone" and "eBay" are names of products.
fn is_camel(name: &str) -> bool {
    let small = name.bytes().take_while(u8::is_ascii_lowercase).count();
    small >= 2 && name.as_bytes().get(small).is_some_and(u8::is_ascii_uppercase)
}

fn is_file(run: &str) -> bool {
    let is_path = run.bytes().all(|byte| !byte.is_ascii_control() && !b"<>|\"*?".contains(&byte));
    if !is_path {
        return false;
    }
    let slashes = run.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let is_rooted = ["/", "./", "../", "~/"].iter().any(|root| run.starts_with(root)) || is_drive(run);
    has_file_ending(run) || (is_rooted && slashes >= 2 && run.len() > 4)
}

fn is_drive(run: &str) -> bool {
    run.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && run[1..].starts_with(":\\")
}

fn has_file_ending(run: &str) -> bool {
    let name = run.rsplit(['/', '\\']).next().unwrap_or(run);
    if matches!(name, "Makefile" | "Dockerfile" | "CMakeLists.txt") {
        return true;
    }
    name.rsplit_once('.').is_some_and(|(stem, ending)| {
        stem.contains(|c: char| c.is_alphanumeric()) && FILE_ENDINGS.binary_search(&ending).is_ok()
    })
}

/// Sorted.
const FILE_ENDINGS: [&str; 54] = [
    "bat", "c", "cc", "cfg", "conf", "cpp", "cs", "css", "csv", "docx", "env", "gif", "go", "gz", "h", "hpp",
    "html", "ini", "ipynb", "java", "jpeg", "jpg", "js", "json", "jsonl", "jsx", "kt", "lock", "log", "md",
    "mp3", "mp4", "pdf", "php", "png", "pptx", "proto", "py", "rb", "rs", "rst", "sh", "sql", "svelte",
    "svg", "swift", "toml", "ts", "tsx", "txt", "xlsx", "xml", "yaml", "yml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_files_and_symbols_are_told() {
        for (run, kind) in [
            ("https://example.org/a?b=c", EntityKind::Url),
            ("www.example.org", EntityKind::Url),
            ("anna.m@example.org", EntityKind::Email),
            ("src/main.rs", EntityKind::File),
            ("Makefile", EntityKind::File),
            ("~/notes/today", EntityKind::File),
            ("parse_config", EntityKind::Symbol),
            ("std::fs::read", EntityKind::Symbol),
            ("readFile", EntityKind::Symbol),
            ("open()", EntityKind::Symbol),
        ] {
            assert_eq!(special(run), Some(kind), "{run}");
        }
    }

    #[test]
    fn ordinary_words_are_not() {
        for run in ["and/or", "iPhone", "don't", "McDonald", "3.5", "U.S", "a@", "@anna", "10:30", "://", "_"]
        {
            assert_eq!(special(run), None, "{run}");
        }
    }

    #[test]
    fn endings_are_sorted() {
        assert!(FILE_ENDINGS.is_sorted());
    }
}

//! One file's bytes -> what stands in it.
//!
//! Keeps true: no input panics, and none costs more than `Limits` say. Bad bytes and broken syntax give what can be understood of them.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, Parser, Tree};

use crate::walk::Walk;
use crate::{FileSymbols, Language, Limits, Warning, grammar};

/// What stands in a file. The language is known by the path's end; nothing else is read from the path.
#[must_use]
pub fn symbols(path: &str, bytes: &[u8], limits: &Limits) -> FileSymbols {
    match Language::of_path(path) {
        Some(language) => of_language(language, bytes, limits),
        None => FileSymbols::default(),
    }
}

fn of_language(language: Language, bytes: &[u8], limits: &Limits) -> FileSymbols {
    let empty =
        |warning| FileSymbols { language: Some(language), warnings: vec![warning], ..FileSymbols::default() };
    if bytes.len() > limits.file_bytes_max as usize {
        return empty(Warning::FileTooLarge);
    }
    let Some(tree) = parse(language, bytes, limits) else {
        return empty(Warning::ParseTimeout);
    };
    let mut walk = Walk::new(language, bytes, limits);
    walk.over(&tree, grammar::of(language));
    walk.finish()
}

fn parse(language: Language, bytes: &[u8], limits: &Limits) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).ok()?;
    let end = Instant::now() + Duration::from_millis(limits.parse_ms_max);
    let mut within_time =
        |_: &_| if Instant::now() < end { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let options = ParseOptions::new().progress_callback(&mut within_time);
    parser.parse_with_options(&mut |offset, _| bytes.get(offset..).unwrap_or_default(), None, Some(options))
}

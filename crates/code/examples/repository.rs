//! Reads a repository and prints what it costs and gives: `cargo run --release -p ibid-code --example repository -- FOLDER [NAME...]`.
//! For each name its callers and its reasons are told.

#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use ibid_code::{Codebase, Options, Repository, relations};

fn main() -> ibid_types::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let repository = Repository::open(Path::new(&folder))?;
    let head = repository.head()?;
    let options = Options::default();

    let begin = Instant::now();
    let codebase = Codebase::read(&repository, &head, &options)?;
    report(&codebase, begin);
    incremental(&repository, &options)?;
    for name in arguments {
        tell(&codebase, &name);
    }
    Ok(())
}

fn report(codebase: &Codebase, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    let parsed = codebase.files.values().filter(|file| file.symbols.language.is_some());
    let (files, bytes) = parsed.fold((0_u64, 0), |(files, bytes), file| (files + 1, bytes + file.bytes));
    let count = |of: fn(&ibid_code::FileSymbols) -> usize| -> usize {
        codebase.files.values().map(|file| of(&file.symbols)).sum()
    };
    println!(
        "full: {seconds:.2} s, {} files, {files} parsed ({bytes} bytes), {:.0} files/s",
        codebase.files.len(),
        files as f64 / seconds
    );
    println!("skipped: {:?}", codebase.skipped.0);
    println!(
        "symbols {}, references {}, notes {}",
        count(|f| f.symbols.len()),
        count(|f| f.references.len()),
        count(|f| f.notes.len())
    );
    println!(
        "warnings {}, commits {}, edits {}",
        count(|f| f.warnings.len()),
        codebase.commits.len(),
        codebase.edits.len()
    );
    let begin = Instant::now();
    let resolution = codebase.resolve();
    println!(
        "resolve: {:.2} s, {:?}, {:.1} % resolved",
        begin.elapsed().as_secs_f64(),
        resolution.counts,
        100.0 * resolution.counts.resolved_share()
    );
    let begin = Instant::now();
    let all = relations(codebase, &resolution);
    let mut kinds = std::collections::BTreeMap::new();
    for relation in &all {
        *kinds.entry(relation.kind).or_insert(0) += 1;
    }
    println!("relations: {:.2} s, {} {kinds:?}", begin.elapsed().as_secs_f64(), all.len());
}

/// From the commit before the head to the head.
fn incremental(repository: &Repository, options: &Options) -> ibid_types::Result<()> {
    let Ok(before) = repository.resolve("HEAD~1") else { return Ok(()) };
    let mut codebase = Codebase::read(repository, &before, options)?;
    let head = repository.head()?;
    let begin = Instant::now();
    let update = codebase.update(repository, &head, options)?;
    println!(
        "incremental: {:.3} s, {} parsed, {} removed, {} commits",
        begin.elapsed().as_secs_f64(),
        update.parsed.len(),
        update.removed.len(),
        update.commits
    );
    Ok(())
}

fn tell(codebase: &Codebase, name: &str) {
    let resolution = codebase.resolve();
    for (key, symbol) in codebase.find_symbols(name) {
        println!("\n{key}: {}", symbol.signature);
        for caller in codebase.callers(&key, &resolution) {
            let by = caller.symbol.map_or(String::new(), |symbol| symbol.symbol);
            println!("  called in {}:{} by {by} ({:.2})", caller.path, caller.line, caller.confidence);
        }
        let Some(why) = codebase.why(&key) else { continue };
        for (path, note) in why.notes {
            println!("  note in {path}:{}: {}", note.line, note.text.replace('\n', " "));
        }
        for reason in why.commits.iter().take(5) {
            println!(
                "  commit {:.8} {} (first {}, mention {:?})",
                reason.commit.id.as_str(),
                reason.commit.subject(),
                reason.is_first,
                reason.mention
            );
        }
    }
}

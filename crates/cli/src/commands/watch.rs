//! `ibid ingest --watch`: takes in what changes under the paths until it is interrupted.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use ibid_types::{Error, Result};
use notify_debouncer_full::notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, new_debouncer};

use super::code;
use super::ingest::{report, sources_under, take};
use crate::args::Ingest;
use crate::context::Context;
use crate::files::{Item, gather};
use crate::output::note;

/// Editors write a file in several steps; this long without another is taken for its end.
const QUIET: Duration = Duration::from_millis(400);

pub fn run(context: &Context, arguments: &Ingest) -> Result<ExitCode> {
    let unwatchable = |error: notify_debouncer_full::notify::Error| {
        Error::unavailable("watch_failed", "cannot watch the paths; is the limit of watches reached?")
            .caused_by(error)
    };
    let (sender, receiver) = mpsc::channel::<DebounceEventResult>();
    let mut watcher = new_debouncer(QUIET, None, sender).map_err(unwatchable)?;
    for path in folders(arguments)? {
        watcher.watch(Path::new(&path), RecursiveMode::Recursive).map_err(unwatchable)?;
    }
    note("Watching. Stop with Ctrl-C.");
    for event in receiver {
        match event {
            Ok(_) => look_again(context, arguments),
            Err(errors) => errors.iter().for_each(|error| note(&format!("watch: {error}"))),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn folders(arguments: &Ingest) -> Result<Vec<String>> {
    let watched: Vec<String> =
        arguments.paths.iter().filter(|path| Path::new(path).exists()).cloned().collect();
    if watched.is_empty() {
        return Err(Error::bad_request("watch_nothing", "--watch needs a file or folder on this machine"));
    }
    Ok(watched)
}

/// Unchanged files are recognised by their content, so looking at all of them again is cheap and misses nothing.
fn look_again(context: &Context, arguments: &Ingest) {
    let gathered = if arguments.code { Ok(Vec::new()) } else { gather(arguments) };
    let outcome = gathered.and_then(|items| take(context, arguments, &items)).and_then(|summary| {
        let quiet = summary.ingested == 0 && summary.deleted == 0 && summary.failed.is_empty();
        if quiet { Ok(()) } else { report(context, &summary) }
    });
    let code = outcome.and_then(|()| code::take_all(context, arguments, &code::repositories(arguments)?));
    let told = code.and_then(|read| {
        let changed = read.iter().filter(|code| !code.is_unchanged);
        changed.into_iter().try_for_each(|code| code::report(context, code))
    });
    if let Err(error) = told {
        note(&format!("watch: {}", error.chain()));
    }
}

/// Deletes documents whose file under the paths is gone; says how many.
pub fn prune(context: &Context, arguments: &Ingest, items: &[Item]) -> Result<u64> {
    let there: BTreeSet<&str> = items.iter().map(Item::source).collect();
    let mut deleted = 0;
    for path in &arguments.paths {
        let Ok(folder) = Path::new(path).canonicalize() else { continue };
        let prefix = folder.to_string_lossy().into_owned();
        for (source, id) in sources_under(context, &prefix)? {
            if !there.contains(source.as_str()) && !Path::new(&source).exists() {
                context.client.delete(&context.path(&format!("/v1/documents/{id}")))?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

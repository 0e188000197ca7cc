//! What goes from what is known of repositories: secrets before they are kept, and words that are forgotten.
//!
//! Keeps true: a text that nothing goes from stays as it is; what goes leaves as many bytes, as it does in episodes.

use std::collections::BTreeMap;

use ibid_code::{Codebase, Commit, Delta, File};
use ibid_memory::{Forget, Scope};
use ibid_types::memory::{Entity, Episode, Owner};
use ibid_types::{EpisodeId, Result, Timestamp};

use crate::access::Caller;

const BLOT: u8 = b'_';

/// Passwords and keys are blotted out of all that people wrote, before any of it is kept.
pub fn secrets(delta: &mut Delta) {
    let without = |text: &str| {
        let found = ibid_guard::find_secrets(text);
        let mut bytes = text.as_bytes().to_vec();
        found.iter().for_each(|secret| bytes[secret.start..secret.end].fill(b'*'));
        (!found.is_empty()).then(|| String::from_utf8(bytes).unwrap_or_default())
    };
    let commits = delta.head.as_mut().map_or(&mut [][..], |head| head.commits.as_mut_slice());
    each_text(&mut delta.files, commits, &without);
}

/// What is shared and forgotten goes from messages and comments of repositories as well. Everything, and a repository, are rows of their own.
pub fn forgotten(app: &Caller, scope: Scope, what: Forget) -> Result<()> {
    if scope.owner != Owner::Shared {
        return Ok(());
    }
    match what {
        Forget::Entity(id) => {
            let found = app.store.entities_by_id(&[id])?.pop();
            let is_theirs =
                |entity: &Entity| (entity.workspace, entity.owner) == (scope.workspace, scope.owner);
            let known = found.filter(is_theirs).map(|entity| entity.known);
            let called: Vec<String> = known
                .into_iter()
                .flat_map(|known| std::iter::once(known.name).chain(known.aliases))
                .collect();
            app.codes.erase(scope.workspace, |codebase| names(codebase, &called))
        }
        Forget::Range(from, to) => app
            .codes
            .erase(scope.workspace, |codebase| commits(codebase, &|commit| is_in(commit, (from, to)))),
        Forget::Episode(id) => {
            let forgotten = commits_of(app, scope, &[id])?;
            app.codes.erase(scope.workspace, |codebase| {
                commits(codebase, &|commit| forgotten.iter().any(|(id, _)| id == commit.id.as_str()))
            })
        }
        Forget::Fact(id) => {
            let sources = app.store.sources_of(&[id])?;
            for source in sources {
                for (commit, text) in commits_of(app, scope, &[source.episode])? {
                    let Some(quote) = text.get(source.start..source.end) else { continue };
                    app.codes.erase(scope.workspace, |codebase| words(codebase, &commit, quote))?;
                }
            }
            Ok(())
        }
        Forget::Repository(_) | Forget::Everything => Ok(()),
    }
}

/// The commits that episodes tell of, with what they say.
fn commits_of(app: &Caller, scope: Scope, episodes: &[EpisodeId]) -> Result<Vec<(String, String)>> {
    let episodes = app.store.episodes_by_id(episodes)?.into_iter();
    let commit = |episode: Episode| {
        let is_theirs = (episode.workspace, episode.owner) == (scope.workspace, scope.owner);
        let (_, commit) = episode.said.source.as_deref()?.rsplit_once('@')?;
        is_theirs.then(|| (commit.to_owned(), episode.said.text))
    };
    Ok(episodes.filter_map(commit).collect())
}

/// Whom or what these names mean; whether anything went.
fn names(codebase: &mut Codebase, names: &[String]) -> bool {
    each_text(&mut codebase.files, &mut codebase.commits, &|text| ibid_memory::without_naming(text, names))
}

/// What commits say that are forgotten, and who wrote them; whether anything went.
fn commits(codebase: &mut Codebase, is_forgotten: &dyn Fn(&Commit) -> bool) -> bool {
    let mut has_changed = false;
    for commit in codebase.commits.iter_mut().filter(|commit| is_forgotten(commit)) {
        has_changed |= !commit.message.is_empty();
        commit.message.clear();
        commit.author = ibid_code::git::Person::default();
    }
    has_changed
}

/// Commits of a time.
fn is_in(commit: &Commit, (from, to): (Timestamp, Timestamp)) -> bool {
    from <= commit.at && commit.at < to
}

/// Words of one commit's message; whether anything went.
fn words(codebase: &mut Codebase, commit: &str, words: &str) -> bool {
    let blot = String::from_utf8(vec![BLOT; words.len()]).unwrap_or_default();
    let mut has_changed = false;
    for known in codebase.commits.iter_mut().filter(|known| known.id.as_str() == commit) {
        has_changed |= known.message.contains(words);
        known.message = known.message.replace(words, &blot);
    }
    has_changed
}

fn each_text(
    files: &mut BTreeMap<String, File>,
    commits: &mut [Commit],
    change: &dyn Fn(&str) -> Option<String>,
) -> bool {
    let mut has_changed = false;
    let mut look = |text: &mut String| {
        if let Some(left) = change(text) {
            *text = left;
            has_changed = true;
        }
    };
    for commit in commits {
        look(&mut commit.message);
        look(&mut commit.author.name);
        look(&mut commit.author.email);
    }
    for file in files.values_mut() {
        file.symbols.doc.iter_mut().for_each(&mut look);
        file.symbols.notes.iter_mut().for_each(|note| look(&mut note.text));
        for symbol in &mut file.symbols.symbols {
            symbol.doc.iter_mut().for_each(&mut look);
            look(&mut symbol.signature);
        }
    }
    has_changed
}

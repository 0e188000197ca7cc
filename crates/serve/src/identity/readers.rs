//! Access lists of documents, as people write and see them.

use ibid_api::document::DocumentReader;
use ibid_types::access::{Holder, Readable};
use ibid_types::{Error, Result, WorkspaceId};

use super::sign_in::canonical;
use crate::access::Caller;
use crate::audit;

/// Longer lists are what groups are for.
const READERS_MAX: usize = 100;

/// The holders that a list names. Errors: `readers_too_many`, `holder_unknown`, `holder_malformed`, `readers_without_you`.
pub fn readers_named(caller: &Caller, workspace: WorkspaceId, named: &[String]) -> Result<Vec<Holder>> {
    if named.len() > READERS_MAX {
        let what = format!("an access list has at most {READERS_MAX} entries; make a group");
        return Err(Error::bad_request("readers_too_many", what));
    }
    let mut readers = named.iter().map(|one| holder_named(caller, one)).collect::<Result<Vec<_>>>()?;
    readers.sort_unstable();
    readers.dedup();
    if caller.readable(workspace)?.holds(&readers) {
        return Ok(readers);
    }
    let what = "this list would shut you out yourself; put your account, or a group of yours, into it";
    Err(Error::bad_request("readers_without_you", what))
}

fn holder_named(caller: &Caller, text: &str) -> Result<Holder> {
    let text = text.trim();
    let unknown = || Error::not_found("holder_unknown", format!("there is no {text}"));
    let holder: Holder = match text.split_once(':') {
        Some(("user", name)) if name.parse::<ibid_types::UserId>().is_err() => {
            Holder::User(caller.store.user_named(&canonical(name))?.ok_or_else(unknown)?.id)
        }
        Some(("group", name)) if name.parse::<ibid_types::GroupId>().is_err() => {
            let group = caller.store.group_list()?.into_iter().find(|group| group.name == name);
            Holder::Group(group.ok_or_else(unknown)?.id)
        }
        Some(("key", name)) if name.parse::<ibid_types::KeyId>().is_err() => {
            let key = caller.store.key_list()?.into_iter().find(|key| key.name == name);
            Holder::Key(key.ok_or_else(unknown)?.id)
        }
        _ => text.parse()?,
    };
    if name_of(caller, holder)?.is_empty() { Err(unknown()) } else { Ok(holder) }
}

/// A list with names, for people.
pub fn readers_shown(caller: &Caller, readers: &[Holder]) -> Result<Vec<DocumentReader>> {
    let shown =
        |holder: &Holder| Ok(DocumentReader { holder: holder.to_string(), name: name_of(caller, *holder)? });
    readers.iter().map(shown).collect()
}

/// A list as the audit log has it.
pub fn readers_told(readers: &[Holder]) -> String {
    let told: Vec<String> = readers.iter().map(Holder::to_string).collect();
    if told.is_empty() { "readers: everybody".to_owned() } else { format!("readers: {}", told.join(" ")) }
}

fn name_of(caller: &Caller, holder: Holder) -> Result<String> {
    let store = &caller.store;
    let name = match holder {
        Holder::User(id) => store.user_find(id)?.map(|user| user.name),
        Holder::Group(id) => {
            store.group_list()?.into_iter().find(|group| group.id == id).map(|group| group.name)
        }
        Holder::Key(id) => store.key_by_id(id)?.map(|key| key.name),
    };
    Ok(name.unwrap_or_default())
}

/// Before a file takes the place of documents of its sources: that the caller may read those that are there. Error:
/// `source_taken`.
pub fn check_sources<'a>(
    caller: &Caller,
    workspace: WorkspaceId,
    sources: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let readable = caller.readable(workspace)?;
    if readable == Readable::All {
        return Ok(());
    }
    for source in sources {
        let known = caller.store.document_by_source(workspace, source)?;
        if let Some((document, _)) = known.filter(|(document, _)| !readable.holds(&document.readers)) {
            let refused = format!("to replace document {} (source_taken)", document.id);
            audit::note(caller, caller.who(), "refused", &refused);
            let what = format!("'{source}' is the source of a document that you may not read; name another");
            return Err(Error::conflict("source_taken", what));
        }
    }
    Ok(())
}

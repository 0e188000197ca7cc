//! Continuous backup of the store, its originals and the small files beside it: the log is shipped as it is written, a base is
//! made now and then, and any commit since the first base can be restored exactly.
//!
//! Keeps true: what is restored is, page for page, the database after the commit that was asked for; every bit of a backup
//! is checked before it is used; a gap is told, never passed over. `docs/backup.md` describes the format.

mod backup;
mod base;
mod catalog;
mod courier;
mod destination;
mod envelope;
mod files;
mod layout;
mod line;
mod local;
mod log;
mod make_base;
mod names;
mod originals;
mod pages;
mod pieces;
mod prune;
mod restore;
mod segment;
mod spool;
mod status;
mod verify;

pub use backup::{Backup, Settings, Source, Target, backup_keys};
pub use catalog::{Catalog, Moment, Stretch};
pub use destination::{Destination, FolderDestination, Listed, S3Destination, S3Settings};
pub use files::{FileChange, SmallFiles};
pub use local::Local;
pub use make_base::BaseMade;
pub use originals::Originals;
pub use prune::{Pruned, prune};
pub use restore::{Progress, Restored, Sources, fetch_original, plan, restore, restore_rows};
pub use segment::Link;
pub use status::{DestinationStatus, Failure, Status};
pub use verify::{Damage, Verified, verify};

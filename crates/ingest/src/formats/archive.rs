//! Zip containers (OOXML, EPUB, OpenDocument) under limits. Nothing is written to disk, so entry names that climb
//! out of a folder are only names.
//!
//! Keeps true: no more entries, bytes or expansion than `Limits` allows, over the life of one `Archive`.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use ibid_types::{Error, Result};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::parse::Limits;

/// A container that is open for reading, with what is left of its allowance.
#[derive(Debug)]
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    bytes_left: usize,
    ratio_max: usize,
}

impl<'a> Archive<'a> {
    /// Errors: `document_damaged`, `document_too_large`.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        if zip.len() > limits.archive_entries_max {
            return Err(too_large(format!("{} files are in the container", zip.len())));
        }
        Ok(Self { zip, bytes_left: limits.archive_bytes_max, ratio_max: limits.archive_ratio_max })
    }

    /// The unpacked bytes of an entry. `None` if there is no such entry.
    ///
    /// Errors: `document_damaged`, `document_too_large`, `document_encrypted`.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let entry = match self.zip.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(damaged(error)),
        };
        let packed = usize::try_from(entry.compressed_size()).unwrap_or(usize::MAX);
        let allowed = packed.saturating_mul(self.ratio_max).saturating_add(1024 * 1024).min(self.bytes_left);
        let mut bytes = Vec::new();
        let read =
            entry.take(allowed as u64 + 1).read_to_end(&mut bytes).map_err(|error| damaged(error.into()))?;
        if read > allowed {
            return Err(too_large(format!("'{name}' unpacks to more than {allowed} bytes")));
        }
        self.bytes_left -= read;
        Ok(Some(bytes))
    }

    /// As `read`, decoded as XML text says or as UTF-8.
    pub fn read_text(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.read(name)?.map(|bytes| super::text::decode(&bytes)))
    }

    /// Names that cannot be decoded are left out.
    pub fn names(&self) -> Vec<String> {
        readable_names(&self.zip)
    }
}

/// The names of all entries. Errors: `document_damaged`.
pub fn entry_names(bytes: &[u8]) -> Result<Vec<String>> {
    let zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    Ok(readable_names(&zip))
}

fn readable_names(zip: &ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    zip.file_names().filter_map(|name| name.ok().map(Cow::into_owned)).collect()
}

fn damaged(error: ZipError) -> Error {
    if let ZipError::UnsupportedArchive(reason) = &error
        && *reason == ZipError::PASSWORD_REQUIRED
    {
        let what = "the container is protected by a password; remove the protection and send it again";
        return Error::bad_request("document_encrypted", what);
    }
    let what =
        "the container (zip) cannot be unpacked; it may be cut short or damaged, so save or send it again";
    Error::bad_request("document_damaged", what).caused_by(error)
}

fn too_large(what: String) -> Error {
    let message = format!("{what}, more than the limits allow; split the document or raise the limits");
    Error::bad_request("document_too_large", message)
}

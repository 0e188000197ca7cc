//! OLE compound files (MS-CFB), checked before a reader that trusts them: a chain of sectors that leads back into
//! itself would fill memory without end.

use ibid_types::{Error, Result};

/// Values from here on end a chain or mark a sector as free.
const SPECIAL: u32 = 0xFFFF_FFFA;
const HEADER_BYTES: usize = 512;

/// Errors: `document_damaged` if a chain of sectors has no end or leaves the file.
pub fn check(bytes: &[u8]) -> Result<()> {
    let sound = sector_bytes(bytes).and_then(|sector| {
        let table = table(bytes, sector)?;
        let small = chain(bytes, sector, &table, number_at(bytes, 60)?)?;
        (is_sound(&table) && is_sound(&small)).then_some(())
    });
    sound.ok_or_else(|| {
        let what =
            "the file (OLE) is cut short or damaged; open it in its own program, save and send it again";
        Error::bad_request("document_damaged", what)
    })
}

fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn sector_bytes(bytes: &[u8]) -> Option<usize> {
    match number_at(bytes, 30)? & 0xFFFF {
        9 => Some(512),
        12 => Some(4096),
        _ => None,
    }
}

/// The numbers in a sector; fewer in one that the end of the file cuts.
fn sector_numbers(bytes: &[u8], sector: usize, id: u32) -> Option<Vec<u32>> {
    let start = usize::try_from(id).ok()?.checked_add(1)?.checked_mul(sector)?;
    let end = start.checked_add(sector)?.min(bytes.len());
    Some((start..end.saturating_sub(3)).step_by(4).filter_map(|at| number_at(bytes, at)).collect())
}

/// The allocation table: for each sector the next of its chain.
fn table(bytes: &[u8], sector: usize) -> Option<Vec<u32>> {
    let mut places: Vec<u32> = (76..HEADER_BYTES).step_by(4).map_while(|at| number_at(bytes, at)).collect();
    let mut next = number_at(bytes, 68)?;
    let mut left = bytes.len() / sector;
    while next < SPECIAL {
        left = left.checked_sub(1)?;
        places.extend(sector_numbers(bytes, sector, next)?);
        next = places.pop()?;
    }
    let places: Vec<u32> = places.into_iter().filter(|place| *place < SPECIAL).collect();
    if places.len() > bytes.len() / sector {
        return None;
    }
    let parts: Option<Vec<Vec<u32>>> =
        places.into_iter().map(|place| sector_numbers(bytes, sector, place)).collect();
    Some(parts?.concat())
}

/// The numbers in the sectors of a chain.
fn chain(bytes: &[u8], sector: usize, table: &[u32], first: u32) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    let mut next = first;
    let mut left = table.len();
    while next < SPECIAL {
        left = left.checked_sub(1)?;
        numbers.extend(sector_numbers(bytes, sector, next)?);
        next = *table.get(usize::try_from(next).ok()?)?;
    }
    Some(numbers)
}

/// Whether every chain ends within the table.
fn is_sound(table: &[u32]) -> bool {
    let mut seen_by = vec![usize::MAX; table.len()];
    (0..table.len()).all(|start| {
        let mut at = start;
        while seen_by.get(at) == Some(&usize::MAX) {
            seen_by[at] = start;
            if table[at] >= SPECIAL {
                return true;
            }
            at = table[at] as usize;
        }
        seen_by.get(at).is_some_and(|by| *by != start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_must_end_within_the_table() {
        const END: u32 = 0xFFFF_FFFE;
        for (table, sound) in [
            (&[1, 2, END][..], true),
            (&[2, 2, END], true),
            (&[1, 0], false),
            (&[0], false),
            (&[7], false),
            (&[], true),
        ] {
            assert_eq!(is_sound(table), sound, "{table:?}");
        }
    }

    #[test]
    fn what_is_no_compound_file_is_damaged() {
        assert_eq!(check(b"\xD0\xCF\x11\xE0").unwrap_err().code, "document_damaged");
    }
}

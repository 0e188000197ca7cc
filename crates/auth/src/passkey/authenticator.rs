//! What an authenticator says (WebAuthn Level 2, section 6.1): whose site, which flags, a counter, and a new key.
//!
//! Keeps true: every byte belongs to a part; nothing follows the last one.

use super::cbor::{Members, read_one};
use super::cose::CoseKey;

/// Section 6.1: 32 bytes of hash, one of flags, four of counter.
const HEAD_BYTES: usize = 37;
const AAGUID_BYTES: usize = 16;
/// Section 7.1 of Level 3: longer ids are refused.
pub const CREDENTIAL_ID_BYTES_MAX: usize = 1023;

// The flags of section 6.1; the backup ones are of Level 3, section 6.1.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// The parts of authenticator data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorData {
    pub site_hash: [u8; 32],
    flags: u8,
    pub counter: u32,
    /// There at a registration only.
    pub credential: Option<NewCredential>,
}

/// Attested credential data (section 6.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// The model of the authenticator; zeros where it does not tell.
    pub aaguid: [u8; AAGUID_BYTES],
    pub id: Vec<u8>,
    /// The key as it came.
    pub public_key: Vec<u8>,
    pub key: CoseKey,
}

impl AuthenticatorData {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (site_hash, head) = head.split_first_chunk::<32>()?;
        let (flags, counter) = head.split_first()?;
        let credential = match flags & HAS_CREDENTIAL {
            0 => None,
            _ => Some(read_credential(&mut rest)?),
        };
        if flags & HAS_EXTENSIONS != 0 {
            Members::of(read_one(&mut rest)?)?;
        }
        let counter = u32::from_be_bytes(counter.try_into().ok()?);
        rest.is_empty().then_some(Self { site_hash: *site_hash, flags: *flags, counter, credential })
    }

    pub const fn is_user_present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    pub const fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// Whether the key may leave the device it was made on, as synchronised passkeys do.
    pub const fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub const fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

fn read_credential(rest: &mut &[u8]) -> Option<NewCredential> {
    let (aaguid, after) = rest.split_first_chunk::<AAGUID_BYTES>()?;
    let (length, after) = after.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > CREDENTIAL_ID_BYTES_MAX {
        return None;
    }
    let (id, after) = after.split_at_checked(length)?;
    let (key, key_length) = CoseKey::read_first(after)?;
    let (public_key, after) = after.split_at_checked(key_length)?;
    *rest = after;
    Some(NewCredential { aaguid: *aaguid, id: id.to_vec(), public_key: public_key.to_vec(), key })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(flags: u8, rest: &[u8]) -> Vec<u8> {
        [&[9; 32][..], &[flags], &[0, 0, 1, 2], rest].concat()
    }

    #[test]
    fn the_head_is_read() {
        let read = AuthenticatorData::read(&data(0x1d, &[])).unwrap();
        assert_eq!((read.site_hash, read.counter, read.credential.is_none()), ([9; 32], 258, true));
        assert!(
            read.is_user_present()
                && read.is_user_verified()
                && read.is_backup_eligible()
                && read.is_backed_up()
        );
    }

    #[test]
    fn every_cut_is_refused() {
        let whole = data(1, &[]);
        assert!((0..whole.len()).all(|length| AuthenticatorData::read(&whole[..length]).is_none()));
    }

    #[test]
    fn what_no_flag_announces_is_refused() {
        assert!(AuthenticatorData::read(&data(0x01, &[0xa0])).is_none());
        assert!(AuthenticatorData::read(&data(0x81, &[0xa0])).is_some());
        assert!(AuthenticatorData::read(&data(0x81, &[0xa0, 0xa0])).is_none());
        assert!(AuthenticatorData::read(&data(0x81, &[])).is_none());
        assert!(AuthenticatorData::read(&data(0x81, &[0x01])).is_none());
        assert!(AuthenticatorData::read(&data(0x41, &[0; 18])).is_none());
    }

    #[test]
    fn ids_that_are_longer_than_the_data_are_refused() {
        let head = [&[0; 16][..], &[0xff, 0xff], &[1; 100]].concat();
        assert!(AuthenticatorData::read(&data(0x41, &head)).is_none());
        let head = [&[0; 16][..], &[0x00, 0x20], &[1; 31]].concat();
        assert!(AuthenticatorData::read(&data(0x41, &head)).is_none());
    }

    /// A credential with an id of that length, and a key after it.
    fn with_id(length: u16) -> bool {
        let key = [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20][..], &[7; 32]].concat();
        let id = vec![1; usize::from(length)];
        let credential = [&[0; 16][..], &length.to_be_bytes(), &id, &key].concat();
        AuthenticatorData::read(&data(0x41, &credential)).is_some()
    }

    #[test]
    fn an_id_has_from_1_to_1023_bytes() {
        assert_eq!([0, 1, 1023, 1024].map(with_id), [false, true, true, false]);
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(flags: u8, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = AuthenticatorData::read(&data(flags, &rest));
        }
    }
}

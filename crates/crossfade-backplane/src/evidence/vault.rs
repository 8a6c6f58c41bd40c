//! The keys of what is kept at rest, and how a record is sealed: AES-256-GCM-SIV under a key that is derived from the
//! configured one, a random nonce for each, bound to its place in its file. It knows no file.

use std::{fmt, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::EvidenceError;
use crate::Key;

/// Bytes of a key's id.
pub(super) const KEY_ID: usize = 8;

/// The keys that evidence is sealed under. None at all means that nothing is sealed.
#[derive(Clone, Debug, Default)]
pub struct EvidenceKeys {
    /// What is written from now on.
    pub current: Option<Key>,
    /// What older segments may be under: read, never written.
    pub previous: Option<Key>,
}

/// The keys, ready for use.
pub(super) struct Vault {
    current: Form,
    previous: Option<Form>,
}

/// How one segment's records are written.
#[derive(Clone)]
pub(super) enum Form {
    /// As they are, with a checksum: for what holds no content.
    Plain,
    /// Sealed under a key.
    Sealed(Arc<Sealing>),
}

/// One key.
pub(super) struct Sealing {
    id: [u8; KEY_ID],
    key: LessSafeKey,
}

// === impl Vault ===

/// Nothing of the keys.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// From the configured keys.
    pub(super) fn new(keys: &EvidenceKeys) -> Result<Self, EvidenceError> {
        let form = |key: &Key| Sealing::new(key).map(|sealing| Form::Sealed(Arc::new(sealing)));
        let current = keys.current.as_ref().map(form).transpose()?;
        Ok(Self {
            current: current.unwrap_or(Form::Plain),
            previous: keys.previous.as_ref().map(form).transpose()?,
        })
    }

    /// What is written from now on.
    pub(super) const fn current(&self) -> &Form {
        &self.current
    }

    /// The form that shows this id, if its key is at hand.
    pub(super) fn by_id(&self, id: Option<[u8; KEY_ID]>) -> Option<Form> {
        if id.is_none() {
            return Some(Form::Plain);
        }
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|form| form.id() == id)
            .cloned()
    }

    /// Whether anything can be opened that is sealed.
    pub(super) const fn has_keys(&self) -> bool {
        matches!(self.current, Form::Sealed(_)) || self.previous.is_some()
    }
}

// === impl Form ===

impl Form {
    /// The id of its key; `None` where nothing is sealed.
    pub(super) fn id(&self) -> Option<[u8; KEY_ID]> {
        match self {
            Self::Plain => None,
            Self::Sealed(sealing) => Some(sealing.id),
        }
    }

    /// A piece as it is written; `None` beyond what the algorithm takes (64 GiB).
    pub(super) fn seal(&self, place: &[u8], mut piece: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Plain => {
                let code = checksum(place, &piece);
                piece.extend_from_slice(&code);
                Some(piece)
            }
            Self::Sealed(sealing) => {
                let nonce: [u8; NONCE_LEN] = rand::random();
                sealing
                    .key
                    .seal_in_place_append_tag(
                        Nonce::assume_unique_for_key(nonce),
                        Aad::from(place),
                        &mut piece,
                    )
                    .ok()?;
                piece.extend_from_slice(&nonce);
                Some(piece)
            }
        }
    }

    /// What was sealed at this place; `None` if it is anything else.
    pub(super) fn open(&self, place: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Plain => {
                let (piece, code) = sealed.split_last_chunk::<4>()?;
                if checksum(place, piece) != *code {
                    return None;
                }
                let length = piece.len();
                sealed.truncate(length);
                Some(sealed)
            }
            Self::Sealed(sealing) => {
                let (_, nonce) = sealed.split_last_chunk::<NONCE_LEN>()?;
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let length = sealed.len() - NONCE_LEN;
                sealed.truncate(length);
                let opened = sealing
                    .key
                    .open_in_place(nonce, Aad::from(place), &mut sealed)
                    .ok()?
                    .len();
                sealed.truncate(opened);
                Some(sealed)
            }
        }
    }
}

// === impl Sealing ===

impl Sealing {
    fn new(key: &Key) -> Result<Self, EvidenceError> {
        let derived = blake3::derive_key("crossfade 2026 evidence seal", key.expose());
        let id = blake3::derive_key("crossfade 2026 evidence key id", key.expose());
        let key = UnboundKey::new(&AES_256_GCM_SIV, &derived).map_err(|_| EvidenceError::Key)?;
        let (id, _) = id.split_first_chunk().ok_or(EvidenceError::Key)?;
        Ok(Self {
            id: *id,
            key: LessSafeKey::new(key),
        })
    }
}

fn checksum(place: &[u8], piece: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(place);
    hasher.update(piece);
    hasher.finalize().to_le_bytes()
}

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Secret;

/// What the server keeps of a secret.
#[derive(Clone, Copy)]
pub(crate) struct Digest([u8; 32]);

impl Secret {
    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }
}

impl Digest {
    /// The key of a table. The time of a lookup may reveal bits of a digest, but none of its secret.
    pub(crate) fn key(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// Compares in constant time.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

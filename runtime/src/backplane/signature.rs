//! Signatures of parcels: a program without the key cannot make one. It can publish one again that it has received.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The length of a signature in bytes: HMAC-SHA-256, truncated (RFC 2104 §5).
pub(super) const SIGNATURE_LENGTH: usize = 16;

/// Signs parcels with the key of a cluster.
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        // A key that is shorter than a block is padded with zeros (RFC 2104 §2).
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    /// Returns the parcel with its signature before it.
    pub(super) fn sign(&self, parcel: &[u8]) -> Bytes {
        let tag = self.0.clone().chain_update(parcel).finalize().into_bytes();
        let mut signed = Vec::with_capacity(SIGNATURE_LENGTH + parcel.len());
        signed.extend_from_slice(&tag[..SIGNATURE_LENGTH]);
        signed.extend_from_slice(parcel);
        signed.into()
    }

    /// Removes the signature. Returns `None` if it is not right.
    pub(super) fn verify(&self, signed: &Bytes) -> Option<Bytes> {
        let (tag, parcel) = signed.split_at_checked(SIGNATURE_LENGTH)?;
        self.0.clone().chain_update(parcel).verify_truncated_left(tag).ok()?;
        Some(signed.slice(SIGNATURE_LENGTH..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_parcel_is_accepted_and_any_change_is_refused() {
        let signer = Signer::new(&[7; 32]);
        let parcel = signer.sign(b"parcel");
        assert_eq!(signer.verify(&parcel).as_deref(), Some(&b"parcel"[..]));
        for index in 0..parcel.len() {
            let mut changed = parcel.to_vec();
            changed[index] ^= 1;
            assert_eq!(signer.verify(&changed.into()), None, "{index}");
            assert_eq!(signer.verify(&parcel.slice(..index)), None, "{index}");
        }
        assert_eq!(Signer::new(&[8; 32]).verify(&parcel), None);
    }
}

//! Random numbers of a node. The model seeds them, so that a case runs the same each time.

#[cfg(test)]
thread_local! {
    static SEED: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// 64 random bits; `None` if the system has none.
pub(super) fn random() -> Option<u64> {
    #[cfg(test)]
    if let Some(seed) = SEED.get() {
        let next = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        SEED.set(Some(next));
        return Some(next ^ next >> 29);
    }
    getrandom::u64().ok()
}

/// A number from 0 up to 1.
#[allow(clippy::cast_precision_loss, reason = "53 bits are enough")]
pub(super) fn fraction() -> f64 {
    (random().unwrap_or(u64::MAX / 2) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Makes the random numbers of this thread follow from `seed`.
#[cfg(test)]
pub(super) fn seed(seed: u64) {
    SEED.set(Some(seed));
}

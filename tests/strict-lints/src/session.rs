//! Uses the contracts.

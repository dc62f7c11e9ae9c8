//! What the fuzz targets do with their bytes: `fuzz_targets/` gives them libFuzzer's, `tests/` the
//! seeds and what is made of them.

#[cfg(not(fuzzing))]
compile_error!("`cargo fuzz` sets `--cfg fuzzing`; elsewhere set RUSTFLAGS='--cfg fuzzing'");

mod contract;
pub mod frame;
pub mod handshake;
pub mod macros;
pub mod resume;

//! The code of the fuzz targets. `fuzz_targets/` runs it with libFuzzer, `tests/` with the seeds
//! and mutations of them.

#[cfg(not(fuzzing))]
compile_error!("`cargo fuzz` sets `--cfg fuzzing`; elsewhere set RUSTFLAGS='--cfg fuzzing'");

mod contract;
pub mod frame;
pub mod handshake;
pub mod macros;
pub mod parcel;
pub mod proxy;
pub mod resume;

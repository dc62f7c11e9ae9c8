//! Queries, presence, delivery and waits between nodes that a broker in memory links, on a paused clock.

pub(super) mod fixture;
mod policies;
mod presence;
mod probes;
mod queries;
mod starts;
mod supervisor;
mod waits;

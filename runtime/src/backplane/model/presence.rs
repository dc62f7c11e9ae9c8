//! Queries and presence.

mod asks;
mod outcomes;
mod simulation;
mod steps;

pub(super) use simulation::run;
pub(super) use steps::case;

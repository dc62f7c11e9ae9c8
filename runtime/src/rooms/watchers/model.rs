//! A model of the interleavings of a watcher with the threads that change a member.
//!
//! `loom` runs each test once for every interleaving. Hub, member and watchers are the real ones. A change
//! that is lost, or that wakes no watcher, is a deadlock, which loom reports. A state that is too old at the end is
//! one, too.

//! nginx and `HAProxy` in front of a server, with the configurations of `docs/deploy.md`, over TLS.

#![cfg(target_os = "linux")]

mod addresses;
mod chat;
mod config;
mod health;
mod idle;
mod proxy;
mod reload;
mod tls;

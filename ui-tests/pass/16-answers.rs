//! Types of answers. The future of a call borrows nothing.

#![deny(warnings)]

use std::collections::HashMap;

use parlor::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Stats {
    pub online: u64,
}

pub mod error {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    pub struct NotFound;
}

#[procedure]
pub trait Api {
    #[incoming]
    async fn nothing(&mut self) -> ();

    #[incoming]
    async fn stats(&mut self) -> Stats;

    #[incoming]
    async fn find(&mut self, name: String) -> Result<Option<Stats>, error::NotFound>;

    #[incoming]
    async fn all(&mut self) -> std::result::Result<HashMap<String, Stats>, (u8, String)>;

    #[incoming]
    async fn pair(&mut self) -> (u8, [Stats; 2]);
}

fn find(api: ApiClient, name: String) -> impl Future<Output = bool> + Send + 'static {
    let call = api.find(&name);
    drop((api, name));
    async move { call.await.is_ok() }
}

fn main() {
    let _ = find;
}

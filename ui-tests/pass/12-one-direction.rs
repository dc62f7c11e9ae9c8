//! A procedure may have incoming events only, or outgoing events only.

#![deny(warnings)]

use parlor::prelude::*;

#[procedure]
pub trait Ticker {
    #[outgoing]
    fn tick(count: u64);
}

#[procedure]
pub trait Log {
    #[incoming]
    async fn line(&mut self, text: String);
}

struct Session;

impl Ticker for Session {}

impl Log for Session {
    async fn line(&mut self, text: String) {
        println!("{text}");
    }
}

fn main() {
    let ticker = TickerServer::new(|_: TickerSocket| async move { Ok(Session) });
    let log = LogServer::new(|_: LogSocket| async move { Ok(Session) });
    let io = ticker.io();
    drop(parlor::Router::new().procedure("/ticker", ticker).procedure("/log", log));
    io.broadcast().tick(1);
}

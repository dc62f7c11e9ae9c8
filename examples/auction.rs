//! Calls with typed errors, and state shared by all sessions.
//!
//! ```sh
//! cargo run --example auction
//! ```

use std::error::Error;
use std::sync::{Arc, Mutex};

use parlor::client::CallError;
use parlor::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[procedure]
trait Auction {
    /// Bids `amount`. Returns the number of bids so far.
    #[incoming]
    async fn bid(&mut self, #[validate(range(min = 1))] amount: u64) -> Result<usize, BidError>;

    /// Another bidder has bid more.
    #[outgoing]
    fn outbid(amount: u64);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum BidError {
    TooLow { highest: u64 },
}

struct Bidder {
    socket: AuctionSocket,
    bids: Arc<Mutex<Vec<u64>>>,
}

impl Auction for Bidder {
    async fn bid(&mut self, amount: u64) -> Result<usize, BidError> {
        let mut bids = self.bids.lock().expect("no panic while the lock is held");
        let highest = bids.last().copied().unwrap_or(0);
        if amount <= highest {
            return Err(BidError::TooLow { highest });
        }
        bids.push(amount);
        self.socket.to("bidders").outbid(amount);
        Ok(bids.len())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let bids = Arc::<Mutex<Vec<u64>>>::default();
    let auction = AuctionServer::new(move |socket: AuctionSocket| {
        let bids = Arc::clone(&bids);
        async move {
            socket.join("bidders")?;
            Ok(Bidder { socket, bids })
        }
    });
    let router = Router::new().procedure("/auction", auction);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/auction", listener.local_addr()?);
    tokio::spawn(async move { router.serve(listener).await });

    let (ada, mut events) = AuctionClient::connect(&url).await?;
    let (bob, _) = AuctionClient::connect(&url).await?;
    println!("ada's bid is number {}", ada.bid(10).await?);
    match bob.bid(5).await {
        Err(CallError::Refused(BidError::TooLow { highest })) => {
            println!("bob's 5 is too low: the highest bid is {highest}");
        }
        other => println!("bob's 5: {other:?}"),
    }
    println!("bob's 0: {}", bob.bid(0).await.expect_err("a rule is broken"));
    println!("bob's bid is number {}", bob.bid(20).await?);
    while let Some(event) = events.next().await {
        match event {
            AuctionEvent::Outbid { amount } => {
                println!("ada is outbid with {amount}");
                ada.close();
            }
            AuctionEvent::Connection(change) => println!("ada: {change}"),
        }
    }
    Ok(())
}

//! The server of the quiz. It has no code of the client.
//!
//! ```sh
//! cargo run -p server
//! ```

use std::cmp::Ordering;
use std::env;
use std::error::Error;

use contract::{Quiz, QuizServer, QuizSocket, WrongAnswer};
use parlor::Router;
use tokio::net::TcpListener;

const QUESTIONS: u32 = 3;

/// One value per client: a player, and how many questions it has answered.
struct Player {
    socket: QuizSocket,
    points: u32,
}

impl Player {
    fn question(&self) -> (u32, u32) {
        (self.points + 1, 2 * self.points + 1)
    }

    fn ask(&self) {
        let (a, b) = self.question();
        self.socket.emit().question(a, b);
    }
}

impl Quiz for Player {
    async fn answer(&mut self, sum: u32) -> Result<u32, WrongAnswer> {
        let (a, b) = self.question();
        match sum.cmp(&(a + b)) {
            Ordering::Less => return Err(WrongAnswer::TooLow),
            Ordering::Greater => return Err(WrongAnswer::TooHigh),
            Ordering::Equal => self.points += 1,
        }
        if self.points < QUESTIONS {
            self.ask();
        } else {
            self.socket.emit().finished();
        }
        Ok(self.points)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let quiz = QuizServer::new(|socket: QuizSocket| async move {
        let player = Player { socket, points: 0 };
        player.ask();
        Ok(player)
    });
    let listener = TcpListener::bind(addr).await?;
    println!("listening at ws://{}/quiz", listener.local_addr()?);
    Router::new().procedure("/quiz", quiz).serve(listener).with_signals().await?;
    Ok(())
}

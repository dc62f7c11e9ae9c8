//! A player of the quiz that answers by itself. It has no code of the server.
//!
//! ```sh
//! cargo run -p bot
//! ```

use std::env;
use std::error::Error;

use contract::{QuizClient, QuizEvent};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:3000/quiz".to_owned());
    let (quiz, mut events) = QuizClient::connect(&url).await?;
    while let Some(event) = events.next().await {
        match event {
            QuizEvent::Question { a, b } => {
                let points = quiz.answer(a + b).await?;
                println!("{a} + {b} = {} (points: {points})", a + b);
            }
            QuizEvent::Finished => quiz.close(),
            QuizEvent::Connection(change) => println!("{change}"),
        }
    }
    Ok(())
}

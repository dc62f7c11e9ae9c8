use std::error::Error;
use std::pin::pin;

use tokio::io::{AsyncBufReadExt, BufReader, stdin};

use crate::contract::{ChatClient, ChatEvent};
use crate::server::is_name;

/// Joins `room`, prints its messages, and sends each line that is typed.
pub async fn join(url: &str, room: String, name: &str) -> Result<(), Box<dyn Error>> {
    if !is_name(name) {
        return Err("a name has up to 32 letters and digits".into());
    }
    let joined_room = room.clone();
    let (chat, mut events) = ChatClient::builder(format!("{url}?name={name}"))
        .on_session(move |chat: ChatClient| {
            let room = joined_room.clone();
            async move {
                match chat.join_room(&room).await {
                    Ok(here) => println!("* in {room}: {}", here.join(", ")),
                    Err(error) => println!("* cannot join {room}: {error}"),
                }
            }
        })
        .connect()
        .await?;
    let mut lines = BufReader::new(stdin()).lines();
    let mut quit = pin!(parlor_examples::ctrl_c());
    let mut typing = true;
    loop {
        tokio::select! {
            line = lines.next_line(), if typing => match line? {
                Some(line) if line.is_empty() => {}
                Some(line) => {
                    if let Err(error) = chat.send_message(&room, &line) {
                        println!("* not sent: {error}");
                    }
                }
                None => {
                    typing = false;
                    chat.close();
                }
            },
            event = events.next() => match event {
                Some(event) => print(event),
                None => return Ok(()),
            },
            // Close the client explicitly. Without a close frame, the server keeps the session for
            // a while, and the user stays in the room.
            () = &mut quit => {
                chat.close();
                while events.next().await.is_some() {}
                std::process::exit(0);
            }
        }
    }
}

fn print(event: ChatEvent) {
    match event {
        ChatEvent::NewMessage { user_id, text, .. } => println!("{user_id}: {text}"),
        ChatEvent::UserJoined { user_id, .. } => println!("* {user_id} came"),
        ChatEvent::UserLeft { user_id, .. } => println!("* {user_id} left"),
        ChatEvent::Connection(change) => println!("* {change}"),
    }
}

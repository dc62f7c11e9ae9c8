//! A server whose clients are users, for the tests of the TypeScript client in browsers: a page at `/`, its script
//! at `/app.js`, and the procedure. It prints each note, with who wrote it.
//!
//! ```sh
//! accounts --addr 127.0.0.1:0 app.js    # serves and prints its URL
//! accounts typescript DIR               # writes the client
//! ```

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::HeaderName;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::response::Html;
use axum::routing::get;
use data_encoding::BASE64URL_NOPAD;
use parlor::prelude::*;
use serde::Deserialize;
use tokio::net::TcpListener;

#[procedure(typescript)]
trait Account {
    /// Returns the user of the connection's token, or `guest`, and the room of its URL.
    #[incoming]
    async fn who_am_i(&mut self) -> (String, String);

    /// Prints the text, and who wrote it.
    #[incoming]
    async fn note(&mut self, text: String);

    /// Fails, with the name in the error.
    #[incoming]
    async fn rename(&mut self, name: String) -> Result<(), NameTaken>;

    /// Refuses the token of this connection from now on, and closes the connection with 4501.
    #[incoming]
    async fn expire(&mut self);

    /// A note, to all clients.
    #[outgoing]
    fn noted(user: String, room: String, text: String);
}

#[payload(typescript)]
struct NameTaken {
    name: String,
}

/// The reason of the rejection and of the close.
const EXPIRED: &str = "the token has expired";

#[derive(Clone)]
struct User {
    name: String,
    token: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    room: String,
}

type Expired = Arc<Mutex<HashSet<String>>>;

struct Visitor {
    socket: AccountSocket,
    user: Option<User>,
    room: String,
    expired: Expired,
}

impl Visitor {
    fn name(&self) -> &str {
        self.user.as_ref().map_or("guest", |user| &user.name)
    }
}

impl Account for Visitor {
    async fn who_am_i(&mut self) -> (String, String) {
        (self.name().to_owned(), self.room.clone())
    }

    async fn note(&mut self, text: String) {
        println!("{} in {:?}: {text}", self.name(), self.room);
        self.socket.io().broadcast().noted(self.name(), &self.room, &text);
    }

    async fn rename(&mut self, name: String) -> Result<(), NameTaken> {
        Err(NameTaken { name })
    }

    async fn expire(&mut self) {
        if let Some(user) = &self.user {
            lock(&self.expired).insert(user.token.clone());
        }
        self.socket.close_with(4501, EXPIRED);
    }
}

fn lock(expired: &Expired) -> MutexGuard<'_, HashSet<String>> {
    expired.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `sub` of a JWT, whose signature is not checked.
fn subject(token: &str) -> Option<String> {
    let claims = BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?;
    Some(serde_json::from_slice::<Claims>(&claims).ok()?.sub)
}

fn router() -> Router {
    let expired = Expired::default();
    let expired_tokens = expired.clone();
    let account = AccountServer::new(move |socket: AccountSocket| {
        let expired = expired.clone();
        async move {
            let Query { room } = socket.request().query_as()?;
            let user = socket.request().get::<User>().cloned();
            Ok(Visitor { socket, user, room, expired })
        }
    })
    .identity(|request| request.get::<User>().map(|user| user.name.clone()))
    .middleware(move |mut request: Request| {
        let expired = expired_tokens.clone();
        async move {
            if let Some(token) = request.bearer_token() {
                if lock(&expired).contains(&*token) {
                    return Err(Reject::unauthorized(EXPIRED));
                }
                let name = subject(&token).ok_or(Reject::unauthorized("not a token"))?;

                request.extensions_mut().insert(User { name, token });
            }
            Ok(request)
        }
    });
    Router::new().procedure("/api/account", account)
}

/// A browser must not send the next request over a connection that a test has cut.
const CONNECTION_CLOSE: (HeaderName, &str) = (CONNECTION, "close");

const PAGE: &str =
    "<!doctype html><meta charset=utf-8><title>Accounts</title><link rel=icon href=data:,>
    <div id=root></div><script type=module src=/app.js></script>";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["typescript", folder] => {
            router().typescript().write(folder)?;
        }
        ["--addr", addr, script] => {
            let script = std::fs::read(script)?;
            let app = axum::Router::new()
                .route("/", get(async || ([CONNECTION_CLOSE], Html(PAGE))))
                .route(
                    "/app.js",
                    get(async move || {
                        ([CONNECTION_CLOSE, (CONTENT_TYPE, "text/javascript")], script)
                    }),
                )
                .fallback_service(router());
            let listener = TcpListener::bind(addr).await?;
            println!("listening at http://{}", listener.local_addr()?);
            axum::serve(listener, app).await?;
        }
        _ => return Err("usage: accounts --addr ADDR SCRIPT | accounts typescript DIR".into()),
    }
    Ok(())
}

//! Middleware that requires a bearer token and stores the user in the request.
//!
//! ```sh
//! cargo run --example bearer
//! ```

use std::error::Error;

use parlor::prelude::*;
use tokio::net::TcpListener;

#[procedure]
trait Account {
    /// Returns the user's name.
    #[incoming]
    async fn who_am_i(&mut self) -> String;
}

#[derive(Clone)]
struct User {
    name: String,
}

struct Visitor {
    user: User,
}

impl Account for Visitor {
    async fn who_am_i(&mut self) -> String {
        self.user.name.clone()
    }
}

/// Browsers cannot set headers on a WebSocket, so clients may send the token as a subprotocol.
/// `bearer_token` reads both.
async fn authenticate(mut request: Request) -> Result<Request, Reject> {
    match request.bearer_token().as_deref() {
        Some("ada's token") => {
            request.extensions_mut().insert(User { name: "ada".to_owned() });
            Ok(request)
        }
        Some(_) => Err(Reject::unauthorized("this token is not known")),
        None => Err(Reject::unauthorized("a bearer token is needed")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let account = AccountServer::new(|socket: AccountSocket| async move {
        let user = socket.request().get::<User>().cloned();
        Ok(Visitor { user: user.ok_or(Reject::unauthorized("no user in the request"))? })
    })
    .middleware(authenticate);
    let router = Router::new().procedure("/account", account);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/account", listener.local_addr()?);
    tokio::spawn(async move { router.serve(listener).await });

    let token = || async { Ok("ada's token".to_owned()) };
    let (account, _events) = AccountClient::builder(&url).token(token).connect().await?;
    println!("with a token: {}", account.who_am_i().await?);
    match AccountClient::connect(&url).await {
        Ok(_) => println!("without one: connected"),
        Err(error) => println!("without one: {error}"),
    }
    Ok(())
}

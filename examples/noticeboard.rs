//! An axum app with a page, a login cookie, REST and live events on one port.
//!
//! ```sh
//! cargo run --example noticeboard
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Form, Json};
use parlor::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use uuid::Uuid;

/// Limits for names and notices, in characters, over HTTP and WebSocket.
const MAX_NAME: usize = 32;
const MAX_TEXT: usize = 200;

/// Live updates of the board.
#[procedure]
trait Board {
    /// Pins a notice. All readers receive it.
    #[incoming]
    async fn pin(&mut self, #[validate(length(min = 1, max = MAX_TEXT))] text: String);

    #[outgoing]
    fn pinned(#[payload] notice: Notice);
}

#[derive(Clone, Serialize, Deserialize)]
struct Notice {
    number: usize,
    by: String,
    text: String,
}

/// The user of a request. [`identify_user`] inserts it for HTTP handlers and sessions.
#[derive(Clone)]
struct User(String);

/// The state of the app. A real app has a database.
#[derive(Clone)]
struct App {
    io: BoardIo,
    notices: Notices,
    /// User names by login cookie.
    logins: Arc<Mutex<HashMap<String, String>>>,
}

#[derive(Clone, Default)]
struct Notices(Arc<Mutex<Vec<Notice>>>);

impl Notices {
    fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn pin(&self, io: &BoardIo, by: &str, text: String) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notice = Notice { number: notices.len(), by: by.to_owned(), text };
        io.broadcast().pinned(&notice);
        notices.push(notice);
    }
}

struct Reader {
    socket: BoardSocket,
    user: User,
    notices: Notices,
}

impl Board for Reader {
    async fn pin(&mut self, text: String) {
        self.notices.pin(&self.socket.io(), &self.user.0, text);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    parlor_examples::log();
    let notices = Notices::default();
    let shared = notices.clone();
    let board = BoardServer::new(move |socket: BoardSocket| {
        let notices = shared.clone();
        async move {
            let user = socket.request().get::<User>().cloned();
            let user = user.ok_or_else(|| Reject::unauthorized("log in first"))?;
            Ok(Reader { socket, user, notices })
        }
    });
    let app = App { io: board.io(), notices, logins: Arc::default() };
    let procedures = Router::new().procedure("/board", board);

    let http = axum::Router::new()
        .route("/", get(page))
        .route("/login", post(login))
        .route("/api/notices", get(list).post(pin))
        .nest_service("/live", procedures.clone())
        .layer(from_fn_with_state(app.clone(), identify_user))
        .with_state(app);
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let http = http.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, http).with_graceful_shutdown(parlor_examples::ctrl_c()).await?;
    procedures.shutdown().await;
    Ok(())
}

async fn page() -> Html<&'static str> {
    Html(include_str!("noticeboard.html"))
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

/// Accepts any name. A real app checks a password, and its logins expire.
async fn login(State(app): State<App>, Form(Login { name }): Form<Login>) -> Response {
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    let cookie = Uuid::new_v4().to_string();
    app.logins.lock().unwrap_or_else(PoisonError::into_inner).insert(cookie.clone(), name);
    // With TLS, add `Secure`.
    let cookie = format!("login={cookie}; Path=/; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

async fn list(State(app): State<App>) -> Json<Vec<Notice>> {
    Json(app.notices.all())
}

#[derive(Deserialize)]
struct NewNotice {
    text: String,
}

/// Pins a notice over HTTP, which live readers receive as well. The contract's rules do not apply
/// here, so it checks the length itself.
async fn pin(
    State(app): State<App>,
    user: Option<Extension<User>>,
    Json(NewNotice { text }): Json<NewNotice>,
) -> StatusCode {
    let Some(Extension(User(name))) = user else { return StatusCode::UNAUTHORIZED };
    if !(1..=MAX_TEXT).contains(&text.chars().count()) {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    app.notices.pin(&app.io, &name, text);
    StatusCode::CREATED
}

/// Inserts the user of the login cookie into the request.
async fn identify_user(State(app): State<App>, mut request: HttpRequest, next: Next) -> Response {
    let cookies = request.headers().get_all(header::COOKIE).iter();
    let user = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split("; "))
        .filter_map(|cookie| cookie.strip_prefix("login="))
        .find_map(|cookie| {
            let logins = app.logins.lock().unwrap_or_else(PoisonError::into_inner);
            logins.get(cookie).cloned()
        });
    if let Some(user) = user {
        request.extensions_mut().insert(User(user));
    }
    next.run(request).await
}

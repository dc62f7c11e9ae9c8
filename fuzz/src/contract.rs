use std::collections::{BTreeMap, HashMap, HashSet};

use parlor::prelude::*;
use parlor::server::Recovery;

/// Events with all kinds of fields.
#[procedure]
pub trait Kinds {
    #[incoming]
    async fn nothing(&mut self);
    #[incoming]
    async fn scalars(
        &mut self,
        flag: bool,
        letter: char,
        small: i8,
        large: u64,
        huge: i128,
        x: f64,
    );
    #[incoming]
    async fn texts(
        &mut self,
        #[validate(length(min = 1, max = 10), custom(no_spam))] text: String,
        #[validate(pattern(r"^\w+$"))] word: Option<String>,
        #[validate(email)] email: Option<String>,
        #[validate(url)] url: Option<Box<str>>,
    );
    #[incoming]
    async fn numbers(
        &mut self,
        #[validate(range(min = -1.5, max = 9.5))] x: f32,
        #[validate(range(max = 9))] count: Option<u16>,
        #[field(name = "the rest", default)] rest: Vec<i64>,
    ) -> f32;
    #[incoming]
    async fn collections(
        &mut self,
        #[validate(length(max = 4), inner(length(max = 5)))] tags: Vec<String>,
        map: HashMap<String, Option<u8>>,
        tree: BTreeMap<i32, Vec<bool>>,
        set: HashSet<String>,
        pair: (u8, String),
        fixed: [u8; 3],
    ) -> Result<usize, Shape>;
    #[incoming(name = "a name\n\"quoted\"")]
    async fn shapes(
        &mut self,
        external: Option<External>,
        adjacent: Option<Adjacent>,
        untagged: Option<Untagged>,
    );
    #[incoming]
    async fn whole(&mut self, #[payload] shape: Shape) -> Shape;
    #[incoming]
    async fn join(&mut self, room: String) -> bool;

    #[outgoing]
    fn described(text: String);
    #[outgoing(volatile)]
    fn moved(x: f32);
}

#[payload]
#[derive(Debug)]
#[serde(tag = "type")]
pub enum Shape {
    Point,
    Line {
        length: f64,
        #[serde(default)]
        name: Option<String>,
    },
    Group {
        parts: Vec<Shape>,
    },
}

#[payload]
#[derive(Debug)]
pub enum External {
    One,
    Two(u8),
    Three(u8, String),
    Four { some_field: Box<Shape> },
}

#[payload]
#[derive(Debug)]
#[serde(tag = "kind", content = "value")]
pub enum Adjacent {
    One,
    Two(u8, u8),
}

#[payload]
#[derive(Debug)]
#[serde(untagged)]
pub enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
    Named { name: String },
}

fn no_spam(text: &str) -> Result<(), &'static str> {
    if text.contains("buy") { Err("spam") } else { Ok(()) }
}

/// A session that uses most of the API.
pub struct Guest {
    socket: KindsSocket,
}

impl Guest {
    fn emit(&self, value: impl std::fmt::Debug) {
        self.socket.emit().described(format!("{value:?}"));
    }
}

impl Kinds for Guest {
    async fn nothing(&mut self) {
        self.socket.close();
    }

    async fn scalars(
        &mut self,
        flag: bool,
        letter: char,
        small: i8,
        large: u64,
        huge: i128,
        x: f64,
    ) {
        self.emit((flag, letter, small, large, huge, x));
    }

    async fn texts(
        &mut self,
        text: String,
        word: Option<String>,
        email: Option<String>,
        url: Option<Box<str>>,
    ) {
        self.socket.io().broadcast().described(text);
        self.emit((word, email, url));
    }

    async fn numbers(&mut self, x: f32, count: Option<u16>, rest: Vec<i64>) -> f32 {
        self.socket.emit().moved(x);
        x * f32::from(count.unwrap_or_default()) + rest.len() as f32
    }

    async fn collections(
        &mut self,
        tags: Vec<String>,
        map: HashMap<String, Option<u8>>,
        tree: BTreeMap<i32, Vec<bool>>,
        set: HashSet<String>,
        pair: (u8, String),
        fixed: [u8; 3],
    ) -> Result<usize, Shape> {
        self.emit((&map, &tree, &set, &pair));
        if fixed[0] == 0 { Err(Shape::Point) } else { Ok(tags.len()) }
    }

    async fn shapes(
        &mut self,
        external: Option<External>,
        adjacent: Option<Adjacent>,
        untagged: Option<Untagged>,
    ) {
        self.emit((external, adjacent, untagged));
    }

    async fn whole(&mut self, shape: Shape) -> Shape {
        shape
    }

    async fn join(&mut self, room: String) -> bool {
        let joined = self.socket.join(&room).is_ok();
        self.socket.to(&room).described(&room);
        joined
    }
}

/// Creates a server whose sessions are [`Guest`]s.
pub fn server() -> KindsServer<Guest> {
    // Lost clients leave detached sessions: only a few are kept.
    KindsServer::new(|socket: KindsSocket| async move { Ok(Guest { socket }) }).recovery(Recovery {
        max_detached_sessions: 8,
        max_detached_bytes: 1 << 16,
        ..Recovery::default()
    })
}

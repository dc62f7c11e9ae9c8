//! `macro_rules!` may generate the trait: types are then in invisible groups or plain tokens.

#![deny(warnings)]

macro_rules! log {
    ($vis:vis $name:ident: $($event:ident($field:ident: $ty:ty) -> $answer:ty),*) => {
        #[parlor::procedure]
        $vis trait $name {
            $(
                #[incoming]
                async fn $event(&mut self, #[validate(length(max = 9))] $field: $ty) -> $answer;
            )*

            #[outgoing]
            fn written($($event: $ty),*);
        }
    };
}

log!(pub Log: line(text: String) -> Result<u8, String>, lines(text: Vec<String>) -> u64);

macro_rules! count {
    ($name:ident: $ident:ident, $tt:tt) => {
        #[parlor::procedure]
        pub trait $name {
            #[incoming]
            async fn ident(&mut self, one: $ident, #[field(default)] more: Vec<$ident>) -> $ident;

            #[incoming]
            async fn tt(&mut self, #[payload] one: $tt) -> $tt;

            #[incoming]
            async fn result(&mut self) -> Result<$ident, $tt>;

            #[outgoing]
            fn counted(one: $ident, other: Option<$tt>);
        }
    };
}

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Total(u64);

count!(Count: Total, Total);

struct Session(LogSocket);

impl Log for Session {
    async fn line(&mut self, text: String) -> Result<u8, String> {
        self.0.emit().written("a", &vec![text]);
        Ok(1)
    }

    async fn lines(&mut self, text: Vec<String>) -> u64 {
        text.len() as u64
    }
}

fn main() {
    let _ = LogServer::new(|socket: LogSocket| async move { Ok(Session(socket)) });
    let _ = |log: LogClient| log.line("hello");
}

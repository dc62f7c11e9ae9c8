//! What cannot be made TypeScript of, and the words that say what to do.

#![allow(dead_code, unreachable_pub, reason = "as in a library; nobody sends anything")]

use parlor::prelude::*;

use super::contracts::{Anyone, ChatServer, ChatSocket, HiddenServer, HiddenSocket};

fn chat() -> parlor::Server<super::contracts::ChatEmitter, Anyone> {
    ChatServer::new(|_: ChatSocket| async { Ok(Anyone) })
}

fn refusal(router: Router) -> String {
    router.typescript().files().expect_err("refused").to_string()
}

#[test]
fn no_procedure_with_typescript() {
    let hidden = HiddenServer::new(|_: HiddenSocket| async { Ok(Anyone) });
    let refusal = refusal(Router::new().procedure("/api/hidden", hidden));
    assert!(refusal.contains("`#[procedure(typescript)]`"), "{refusal}");
}

#[test]
fn a_path_outside_of_the_base() {
    let router = Router::new().procedure("/ws/chat", chat());
    let told = refusal(router.clone());
    assert!(told.contains("`/ws/chat`") && told.contains(".base("), "{told}");
    router.typescript().base("/ws/").files().expect("under another base");
}

#[test]
fn a_mistake_of_the_router() {
    let router = Router::new().procedure("/api/chat", chat()).procedure("chat", chat());
    assert!(refusal(router).contains("does not start with `/`"));
}

mod second {
    use parlor::prelude::*;

    #[procedure(typescript)]
    pub trait Chat {
        #[incoming]
        async fn other(&mut self) {}
    }

    impl Chat for super::Anyone {}
}

#[test]
fn two_contracts_of_one_name() {
    let second = second::ChatServer::new(|_: second::ChatSocket| async { Ok(Anyone) });
    let router = Router::new().procedure("/api/a", chat()).procedure("/api/b", second);
    let told = refusal(router);
    assert!(told.contains("`/api/a` and `/api/b` are both named `Chat`"), "{told}");
    assert!(told.contains("name = "), "{told}");
}

#[procedure(typescript, name = "AppRouter")]
trait Taken {
    #[incoming]
    async fn say(&mut self) {}
}

#[procedure(typescript, name = "*/ evil")]
trait NoName {
    #[incoming]
    async fn say(&mut self) {}
}

impl Taken for Anyone {}
impl NoName for Anyone {}

#[test]
fn names_that_typescript_cannot_have() {
    let taken = TakenServer::new(|_: TakenSocket| async { Ok(Anyone) });
    assert!(refusal(Router::new().procedure("/api/a", taken)).contains("`AppRouter`"));
    let no_name = NoNameServer::new(|_: NoNameSocket| async { Ok(Anyone) });
    assert!(refusal(Router::new().procedure("/api/a", no_name)).contains("no identifier"));
}

mod one {
    #[parlor::payload(typescript)]
    pub struct Item {
        pub name: String,
    }
}

mod two {
    #[parlor::payload(typescript)]
    pub struct Item {
        pub number: u8,
    }
}

#[parlor::payload(typescript)]
struct Incoming {
    text: String,
}

#[procedure(typescript)]
trait TwoItems {
    #[incoming]
    async fn say(&mut self, _one: one::Item, _two: Vec<two::Item>) {}
}

#[procedure(typescript)]
trait TakenType {
    #[incoming]
    async fn say(&mut self, _it: Incoming) {}
}

impl TwoItems for Anyone {}
impl TakenType for Anyone {}

#[test]
fn types_that_cannot_be_told_apart() {
    let two = TwoItemsServer::new(|_: TwoItemsSocket| async { Ok(Anyone) });
    let told = refusal(Router::new().procedure("/api/a", two));
    assert!(told.contains("one::Item") && told.contains("two::Item"), "{told}");
    assert!(told.contains("#[ts(rename"), "{told}");
    let taken = TakenTypeServer::new(|_: TakenTypeSocket| async { Ok(Anyone) });
    let told = refusal(Router::new().procedure("/api/a", taken));
    assert!(told.contains("`Incoming`") && told.contains("#[ts(rename"), "{told}");
}

#[parlor::payload(typescript)]
struct Broken {
    #[ts(type = "Array<string")]
    text: String,
}

#[procedure(typescript)]
trait BrokenType {
    #[incoming]
    async fn say(&mut self, _broken: Broken) {}
}

impl BrokenType for Anyone {}

#[test]
fn a_type_that_is_no_typescript() {
    let broken = BrokenTypeServer::new(|_: BrokenTypeSocket| async { Ok(Anyone) });
    let told = refusal(Router::new().procedure("/api/a", broken));
    assert!(told.contains("Broken") && told.contains("closes nothing"), "{told}");
}

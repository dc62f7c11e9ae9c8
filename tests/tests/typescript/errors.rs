//! Procedures that cannot be generated as TypeScript, and their errors.

#![allow(dead_code, unreachable_pub, reason = "as in a library; no event is sent")]

use parlor::prelude::*;

use super::contracts::{AnySession, ChatServer, ChatSocket, HiddenServer, HiddenSocket};

fn chat() -> parlor::Server<super::contracts::ChatEmitter, AnySession> {
    ChatServer::new(|_: ChatSocket| async { Ok(AnySession) })
}

fn generation_error(router: Router) -> String {
    router.typescript().files().expect_err("refused").to_string()
}

#[test]
fn router_without_typescript_procedure_is_rejected() {
    let hidden = HiddenServer::new(|_: HiddenSocket| async { Ok(AnySession) });
    let error = generation_error(Router::new().procedure("/api/hidden", hidden));
    assert!(error.contains("`#[procedure(typescript)]`"), "{error}");
}

#[test]
fn path_outside_base_is_rejected() {
    let router = Router::new().procedure("/ws/chat", chat());
    let error = generation_error(router.clone());
    assert!(error.contains("`/ws/chat`") && error.contains(".base("), "{error}");
    router.typescript().base("/ws/").files().expect("under another base");
}

#[test]
fn invalid_router_is_rejected() {
    let router = Router::new().procedure("/api/chat", chat()).procedure("chat", chat());
    assert!(generation_error(router).contains("does not start with `/`"));
}

mod second {
    use parlor::prelude::*;

    #[procedure(typescript)]
    pub trait Chat {
        #[incoming]
        async fn other(&mut self) {}
    }

    impl Chat for super::AnySession {}
}

#[test]
fn two_contracts_with_same_name_are_rejected() {
    let second = second::ChatServer::new(|_: second::ChatSocket| async { Ok(AnySession) });
    let router = Router::new().procedure("/api/a", chat()).procedure("/api/b", second);
    let error = generation_error(router);
    assert!(error.contains("`/api/a` and `/api/b` are both named `Chat`"), "{error}");
    assert!(error.contains("name = "), "{error}");
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

impl Taken for AnySession {}
impl NoName for AnySession {}

#[test]
fn reserved_or_invalid_contract_name_is_rejected() {
    let taken = TakenServer::new(|_: TakenSocket| async { Ok(AnySession) });
    assert!(generation_error(Router::new().procedure("/api/a", taken)).contains("`AppRouter`"));
    let no_name = NoNameServer::new(|_: NoNameSocket| async { Ok(AnySession) });
    assert!(
        generation_error(Router::new().procedure("/api/a", no_name)).contains("not an identifier")
    );
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

impl TwoItems for AnySession {}
impl TakenType for AnySession {}

#[test]
fn ambiguous_or_reserved_type_name_is_rejected() {
    let two = TwoItemsServer::new(|_: TwoItemsSocket| async { Ok(AnySession) });
    let error = generation_error(Router::new().procedure("/api/a", two));
    assert!(error.contains("one::Item") && error.contains("two::Item"), "{error}");
    assert!(error.contains("#[ts(rename"), "{error}");
    let taken = TakenTypeServer::new(|_: TakenTypeSocket| async { Ok(AnySession) });
    let error = generation_error(Router::new().procedure("/api/a", taken));
    assert!(error.contains("`Incoming`") && error.contains("#[ts(rename"), "{error}");
}

#[parlor::payload(typescript)]
struct Note {
    text: Option<String>,
}

#[parlor::payload(typescript)]
struct NoteInput {
    text: String,
}

#[procedure(typescript)]
trait TakenInput {
    #[incoming]
    async fn say(&mut self, _note: Note, _input: NoteInput) {}
    #[outgoing]
    fn said(note: Note);
}

/// `Note` has one name here: clients do not send it.
#[procedure(typescript)]
trait FreeInput {
    #[incoming]
    async fn say(&mut self, _input: NoteInput) {}
    #[outgoing]
    fn said(note: Note);
}

impl TakenInput for AnySession {}
impl FreeInput for AnySession {}

#[test]
fn type_with_the_name_of_an_input_type_is_rejected() {
    let taken = TakenInputServer::new(|_: TakenInputSocket| async { Ok(AnySession) });
    let error = generation_error(Router::new().procedure("/api/a", taken));
    assert!(error.contains("clients send of `typescript::errors::Note`"), "{error}");
    assert!(error.contains("type of `typescript::errors::NoteInput`"), "{error}");
    assert!(
        error.contains("`NoteInput` in TypeScript") && error.contains("#[ts(rename"),
        "{error}"
    );
    let free = FreeInputServer::new(|_: FreeInputSocket| async { Ok(AnySession) });
    Router::new().procedure("/api/a", free).typescript().files().expect("two names");
}

#[parlor::payload(typescript)]
struct Gap(#[serde(skip_serializing_if = "Option::is_none")] Option<u8>, u8);

#[procedure(typescript)]
trait GapInTuple {
    #[outgoing]
    fn said(gap: Gap);
}

impl GapInTuple for AnySession {}

#[test]
fn element_after_one_that_may_be_absent_is_rejected() {
    let gap = GapInTupleServer::new(|_: GapInTupleSocket| async { Ok(AnySession) });
    let error = generation_error(Router::new().procedure("/api/a", gap));
    assert!(error.contains("Gap") && error.contains("follows one that may be absent"), "{error}");
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

impl BrokenType for AnySession {}

#[test]
fn invalid_ts_type_attribute_is_rejected() {
    let broken = BrokenTypeServer::new(|_: BrokenTypeSocket| async { Ok(AnySession) });
    let error = generation_error(Router::new().procedure("/api/a", broken));
    assert!(error.contains("Broken") && error.contains("has no opening bracket"), "{error}");
}

use parlor::procedure;

#[procedure]
pub trait Ticker {
    #[outgoing]
    fn tick(count: u64);
}

struct Session<'a> {
    name: &'a str,
}

impl Ticker for Session<'_> {}

fn serve(name: &str) {
    let server = TickerServer::new(move |_: TickerSocket| async move { Ok(Session { name }) });
    drop(server);
}

fn main() {
    serve("ticker");
    println!("{}", Session { name: "ada" }.name);
}

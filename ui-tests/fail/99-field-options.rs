use parlor::procedure;

#[procedure]
pub trait Chat {
    #[outgoing]
    fn repeated(
        #[field(name = "a")]
        #[field(name = "b")]
        text: String,
    );

    #[outgoing]
    fn also_repeated(
        #[field(name = "a")]
        #[field(default)]
        text: String,
    );

    #[outgoing]
    fn empty(#[field] text: String);

    #[outgoing]
    fn nothing_in_it(#[field()] text: String);
}

fn main() {}

use parlor::prelude::*;

#[procedure]
pub trait Chat {
    #[cfg_attr]
    #[incoming]
    async fn a(&mut self, text: String);

    #[cfg_attr()]
    #[outgoing]
    fn b(text: String);

    #[cfg_attr(1 + 2, doc = "text")]
    #[cfg_attr(all(), doc = "more")]
    #[outgoing]
    fn c(text: String);

    #[cfg_attr(not(unix, windows), doc = "text")]
    #[incoming]
    async fn d(&mut self, #[cfg_attr(unix)] text: String);
}

#[payload]
pub struct Text {
    #[cfg_attr(unix = 1, serde(rename = "value"))]
    pub text: String,
    #[cfg_attr(all(), doc = "A number.")]
    pub number: u8,
}

fn main() {}

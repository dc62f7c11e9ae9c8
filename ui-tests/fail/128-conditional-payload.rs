use parlor::prelude::*;

#[cfg_attr(all(), payload(typescript))]
#[cfg_attr(all(), derive(Debug, serde::Serialize))]
pub struct Text {
    #[cfg_attr(all(), serde(rename = "value"))]
    #[cfg_attr(not(any()), serde(renamed = "value"))]
    pub text: String,
    #[cfg_attr(all(), doc = "A number.", serde(with = "as_text"))]
    pub number: u8,
}

fn main() {}

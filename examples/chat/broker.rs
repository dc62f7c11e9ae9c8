//! `--redis URL` and `--nats URL`: rooms span all chats that use one broker.

use std::error::Error;

use parlor::Router;

/// A broker between several chats.
pub enum Broker {
    /// The URL of Redis or Valkey.
    Redis(String),
    /// The URL of NATS.
    Nats(String),
}

impl Broker {
    /// Makes this chat a node of the cluster at the broker.
    #[cfg_attr(
        not(any(feature = "nats", feature = "redis")),
        allow(unused_variables, clippy::unused_async, reason = "without a broker it only fails")
    )]
    pub async fn link(self, procedures: Router) -> Result<Router, Box<dyn Error>> {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(url) => {
                Ok(procedures.backplane(parlor::backplane::Redis::connect(&url).await?))
            }
            #[cfg(not(feature = "redis"))]
            Self::Redis(url) => Err(needs_feature("redis", &url).into()),
            #[cfg(feature = "nats")]
            Self::Nats(url) => {
                Ok(procedures.backplane(parlor::backplane::Nats::connect(&url).await?))
            }
            #[cfg(not(feature = "nats"))]
            Self::Nats(url) => Err(needs_feature("nats", &url).into()),
        }
    }
}

#[cfg(not(all(feature = "nats", feature = "redis")))]
fn needs_feature(feature: &str, url: &str) -> String {
    format!("for {url}, add `--features {feature}` after `cargo run`")
}

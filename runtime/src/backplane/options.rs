use std::fmt;
use std::time::Duration;

/// How the nodes of a cluster work together: see
/// [`Router::cluster_options`](crate::Router::cluster_options).
///
/// ```
/// use parlor::backplane::ClusterOptions;
///
/// let options = ClusterOptions { prefix: "shop".into(), ..Default::default() };
/// ```
#[derive(Clone)]
pub struct ClusterOptions {
    /// The beginning of all topics. `parlor` by default. Nodes with different prefixes do not see each
    /// other, so that several clusters can use one broker. Use ASCII letters, digits, `-` and `_`: permissions for NATS
    /// name most other characters percent-encoded, such as `shop%2Eeu` for `shop.eu`.
    pub prefix: String,
    /// A secret of all nodes. Each parcel is signed with it (HMAC-SHA-256, 16 bytes), and a parcel without the
    /// right signature is dropped. `None` by default: a program that can publish to the broker can send events to all
    /// clients. It does not encrypt, and does not prevent that a parcel is published again.
    pub key: Option<[u8; 32]>,
    /// The most bytes that wait to be published. The oldest parcels are dropped, and count as lost. 4 MiB by default,
    /// at least 64 KiB.
    pub max_queue_size: usize,
    /// How long a parcel waits to be published, while the broker is away or slow. Then it is dropped, and
    /// counts as lost. 3 s by default.
    pub max_queue_age: Duration,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            prefix: "parlor".to_owned(),
            key: None,
            max_queue_size: 4 << 20,
            max_queue_age: Duration::from_secs(3),
        }
    }
}

impl ClusterOptions {
    pub(crate) fn clamped(mut self) -> Self {
        self.max_queue_size = self.max_queue_size.max(64 << 10);
        self
    }
}

impl fmt::Debug for ClusterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterOptions")
            .field("prefix", &self.prefix)
            .field("key", &self.key.map(|_| "secret"))
            .field("max_queue_size", &self.max_queue_size)
            .field("max_queue_age", &self.max_queue_age)
            .finish()
    }
}

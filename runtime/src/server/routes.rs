use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::admission::Endpoint;
use super::handshake_limit::HandshakeLimit;
use super::log_limit::LogLimit;
use super::middleware::Middleware;
use super::options::Handshakes;
use super::origin_rules::OriginRules;
use super::serve_error::ServeError;
use super::trusted_proxies::TrustedProxies;
use crate::backplane::{Cluster, ClusterOptions};

/// The mounted procedures, and the options of handshakes and shutdown: what the clones of a router share.
#[derive(Clone)]
pub(super) struct Routes {
    /// By path in normal form.
    pub(super) endpoints: HashMap<String, Arc<dyn Endpoint>>,
    pub(super) middleware: Middleware,
    pub(super) rules: OriginRules,
    pub(super) trusted_proxies: TrustedProxies,
    pub(super) proxy_protocol: bool,
    pub(super) handshakes: Handshakes,
    pub(super) handshake_limit: HandshakeLimit,
    pub(super) warnings: LogLimit,
    pub(super) shutdown_timeout: Duration,
    pub(super) cluster: Option<Cluster>,
    pub(super) cluster_options: ClusterOptions,
    /// What is wrong with the configuration: a path that is mounted twice, an origin without a scheme.
    pub(super) mistakes: Vec<String>,
}

impl Default for Routes {
    fn default() -> Self {
        let handshakes = Handshakes::default();
        Self {
            endpoints: HashMap::new(),
            middleware: Middleware::default(),
            rules: OriginRules::default(),
            trusted_proxies: TrustedProxies::default(),
            proxy_protocol: false,
            handshake_limit: HandshakeLimit::new(handshakes.max_concurrent),
            handshakes,
            warnings: LogLimit::default(),
            shutdown_timeout: Duration::from_secs(30),
            cluster: None,
            cluster_options: ClusterOptions::default(),
            mistakes: Vec::new(),
        }
    }
}

impl Routes {
    /// Fails if the router has a path, an origin, a host or a proxy that no request can have, or a path twice.
    pub(super) fn check(&self) -> Result<(), ServeError> {
        if self.proxy_protocol && self.trusted_proxies.is_empty() {
            let mistake =
                "`proxy_protocol` needs the addresses of the proxies: add `.trusted_proxies([..])`";
            return Err(ServeError::Configuration(mistake.to_owned()));
        }
        match self.mistakes.as_slice() {
            [] => Ok(()),
            mistakes => Err(ServeError::Configuration(mistakes.join("; "))),
        }
    }

    /// Starts the node of a cluster, if there is a backplane and it has not started.
    pub(super) fn start_node(&self) {
        if let Some(cluster) = &self.cluster {
            let endpoints = self.endpoints.iter();
            cluster.start(endpoints.map(|(path, endpoint)| (path.as_str(), endpoint.hub())));
        }
    }

    /// The procedure at a path in normal form.
    pub(super) fn endpoint(&self, path: &str) -> Option<Arc<dyn Endpoint>> {
        self.endpoints.get(path).map(Arc::clone)
    }
}

use std::fmt;
use std::path::PathBuf;

/// How to authenticate to NATS, beyond what its URL says, and which certificates to use.
///
/// ```no_run
/// # async fn run(secret: String) -> Result<(), parlor::backplane::ConnectError> {
/// use parlor::backplane::{Nats, NatsOptions};
///
/// let options = NatsOptions { token: Some(secret), ..NatsOptions::default() };
/// let nats = Nats::with_options("tls://nats.example.com", options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct NatsOptions {
    /// A user name and a password. Default: those of the URL.
    pub user_and_password: Option<(String, String)>,
    /// A token. Default: the user name of the URL, if it has no password.
    pub token: Option<String>,
    /// A PEM file with the certificates of the authorities to trust. Default: those of the operating system.
    pub root_certificates: Option<PathBuf>,
    /// Two PEM files, with the certificate of this client and with its private key. Default: none.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Whether TLS begins before the server says anything, as with `handshake_first` in the configuration of the
    /// server. Default: no.
    pub tls_first: bool,
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsOptions")
            .field("user", &self.user_and_password.as_ref().map(|(user, _)| user))
            .field("has_token", &self.token.is_some())
            .field("root_certificates", &self.root_certificates)
            .field("client_certificate", &self.client_certificate)
            .field("tls_first", &self.tls_first)
            .finish_non_exhaustive()
    }
}

//! The default configuration of TLS for connections that Parlor opens.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, Error, RootCertStore};

/// It trusts the roots of Mozilla, and uses the application's `CryptoProvider`, else ring. It fails if that
/// provider has neither TLS 1.2 nor 1.3.
pub(crate) fn default_config() -> Result<Arc<ClientConfig>, Error> {
    let provider = CryptoProvider::get_default()
        .map_or_else(|| Arc::new(ring::default_provider()), Arc::clone);
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

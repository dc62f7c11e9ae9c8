use axum::extract::OriginalUri;
use http::{HeaderValue, Uri};

/// Copies what a request refers to. Its HTTP server has read it into one large buffer, which a
/// session would otherwise keep for as long as it lives.
pub(super) fn compact(mut request: http::Request<()>) -> http::Request<()> {
    request.headers_mut().values_mut().for_each(compact_value);
    compact_uri(request.uri_mut());
    if let Some(OriginalUri(uri)) = request.extensions_mut().get_mut() {
        compact_uri(uri);
    }
    request
}

fn compact_value(value: &mut HeaderValue) {
    // Cannot fail: the same bytes were a value before.
    if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
        copy.set_sensitive(value.is_sensitive());
        *value = copy;
    }
}

fn compact_uri(uri: &mut Uri) {
    if let Ok(copy) = Uri::try_from(uri.to_string()) {
        *uri = copy;
    }
}

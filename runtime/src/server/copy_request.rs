use axum::extract::OriginalUri;
use http::{HeaderValue, Uri};

/// Copies the header values and URIs of a request. They refer to the large read buffer of the HTTP
/// server, and the session would keep that buffer until it ends.
pub(super) fn copy_request(mut request: http::Request<()>) -> http::Request<()> {
    request.headers_mut().values_mut().for_each(copy_value);
    copy_uri(request.uri_mut());
    if let Some(OriginalUri(uri)) = request.extensions_mut().get_mut() {
        copy_uri(uri);
    }
    request
}

fn copy_value(value: &mut HeaderValue) {
    // Cannot fail: the bytes are those of a valid value.
    if let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) {
        copy.set_sensitive(value.is_sensitive());
        *value = copy;
    }
}

fn copy_uri(uri: &mut Uri) {
    if let Ok(copy) = Uri::try_from(uri.to_string()) {
        *uri = copy;
    }
}

//! The HTML around a page. It has no script and no style of its own, so that the content policy can
//! forbid both.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// A page that `script` (an address on this server) fills; `style` is the address of its style
/// sheet. `title` is text, `body` is HTML; `data` is embedded as JSON in the element `#data`.
pub fn document(title: &str, style: &str, script: &str, body: &str, data: &Value) -> String {
    let title = escape(title);
    // `</script>` would end the element. In JSON every `<` is inside a string, where this escape is
    // legal.
    let data = data.to_string().replace('<', "\\u003c");
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
<script src="{script}" defer></script>
</head>
<body>
{body}
<script type="application/json" id="data">{data}</script>
</body>
</html>
"#
    )
}

/// Text as HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An answer in JSON.
pub fn json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// A refusal of a request: `{"error": message}`.
pub fn refusal(status: StatusCode, message: &str) -> Response {
    (status, json(&serde_json::json!({ "error": message }))).into_response()
}

/// A script.
pub fn script(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], Body::from(text)).into_response()
}

/// A style sheet.
pub fn style(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], Body::from(text)).into_response()
}

//! Who may ask.

use crate::client::{Site, TOKEN, directory};
use std::net::{IpAddr, Ipv4Addr};
use stepsize_serve::ServeOptions;

const WISH: &str = "/api/study/a/wish";
const STOP: &str = r#"{"wish":"stop"}"#;

#[test]
fn a_name_that_a_stranger_controls_is_refused_even_when_it_points_here() {
    let site = Site::new("rebinding");
    for host in
        ["evil.example", "evil.example:7473", "127.0.0.1.evil.example", "localhost.evil.example", "", "10.1.2.3"]
    {
        let answer = site.ask("GET", "/api/studies", &[("Host", host)], "");
        assert!([400, 421].contains(&answer.status), "{host}: {}", answer.status);
        assert!(!answer.body.contains("studies\":["), "{host}");
    }
    for host in ["localhost", "localhost:9", "127.0.0.1", "[::1]:80", "LOCALHOST:1"] {
        assert_eq!(site.ask("GET", "/api/studies", &[("Host", host)], "").status, 200, "{host}");
    }
    let two =
        site.whole(b"GET /api/studies HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(String::from_utf8_lossy(&two).starts_with("HTTP/1.1 400"), "two hosts");
    let other = site.whole(b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(String::from_utf8_lossy(&other).starts_with("HTTP/1.1 400"), "another host in the first line");
}

#[test]
fn a_change_needs_the_token() {
    let site = Site::new("token");
    for headers in [
        &[][..],
        &[("Authorization", "Bearer wrong")],
        &[("Authorization", "Bearer ")],
        &[("Cookie", "stepsize-1=0123456789abcdef")],
        &[("Authorization", "Basic 0123456789abcdef")],
    ] {
        assert_eq!(site.ask("POST", WISH, headers, STOP).status, 401, "{headers:?}");
        assert_eq!(site.ask("POST", "/api/diagnose", headers, "step,loss\n").status, 401, "{headers:?}");
    }
    let port = site.address.port();
    let cookie = format!("a=b; stepsize-{port}={TOKEN}");
    // There is no such study; but the guard has let it through.
    assert_eq!(site.ask("POST", WISH, &[("Cookie", &cookie)], STOP).status, 404);
    assert_eq!(site.post(WISH, STOP).status, 404);
}

#[test]
fn a_change_from_another_site_is_refused_even_with_the_token() {
    let site = Site::new("origin");
    let cookie = format!("stepsize-{}={TOKEN}", site.address.port());
    let own = format!("http://{}", site.address);
    for origin in ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "http://localhost"] {
        let answer = site.ask("POST", WISH, &[("Cookie", &cookie), ("Origin", origin)], STOP);
        assert_eq!(answer.status, 403, "{origin}");
    }
    for place in ["cross-site", "same-site"] {
        let headers = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", place)];
        assert_eq!(site.ask("POST", WISH, &headers, STOP).status, 403, "{place}");
    }
    let headers = [("Cookie", cookie.as_str()), ("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(site.ask("POST", WISH, &headers, STOP).status, 404);
}

#[test]
fn the_printed_address_keeps_the_token_out_of_the_reach_of_scripts_and_of_the_history() {
    let site = Site::new("cookie");
    let answer = site.get(&format!("/study/a?x=1&token={TOKEN}"));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/study/a?x=1")));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"), "{cookie}");
    assert_eq!(site.get("/?token=wrong").status, 401);
    let elsewhere = site.get(&format!("//evil.example/?token={TOKEN}"));
    assert!(elsewhere.header("location").is_none_or(|to| to.starts_with("/evil")), "{elsewhere:?}");
}

#[test]
fn beyond_loopback_reading_needs_the_token_too() {
    let dir = directory("beyond");
    let options = ServeOptions { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ..ServeOptions::new(dir.join("s.db")) };
    let site = Site::of(&dir, options);
    for path in ["/", "/api/studies", "/assets/page.js", "/api/study/a/events", "/playground"] {
        assert_eq!(site.get(path).status, 401, "{path}");
    }
    let answer = site.ask("GET", "/api/studies", &[("Authorization", &format!("Bearer {TOKEN}"))], "");
    assert_eq!(answer.status, 200);
}

#[test]
fn a_private_server_asks_for_the_token_on_loopback_too() {
    let dir = directory("private");
    let site = Site::of(&dir, ServeOptions { private: true, ..ServeOptions::new(dir.join("s.db")) });
    assert_eq!(site.get("/api/studies").status, 401);
}

#[test]
fn every_answer_forbids_scripts_that_are_not_files_of_this_server() {
    let site = Site::new("policy");
    for path in ["/", "/study/x", "/nothing", "/api/studies", "/assets/page.css"] {
        let answer = site.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("access-control-allow-origin").is_none());
    }
}

#[test]
fn a_name_of_a_study_is_text_and_no_path() {
    let site = Site::new("path");
    let secret = site.dir.join("secret");
    std::fs::write(&secret, "a secret").unwrap();
    for path in [
        "/study/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/api/study/..%2f..%2fsecret",
        "/api/study/..%2fsecret/log/0",
        "/assets/..%2f..%2fsecret",
        "/assets/../../../../etc/passwd",
        "/../secret",
    ] {
        let answer = site.get(path);
        assert!(!answer.body.contains("a secret") && !answer.body.contains("root:"), "{path}");
        assert!(!answer.body.contains("<script>alert"), "{path}: {}", answer.body);
    }
}

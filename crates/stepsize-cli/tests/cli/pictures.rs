//! Files that are drawn: whole, self-contained, and the same every time.

use crate::harness::{Bench, answered, refused};

fn draw(events: &[stepsize::Event]) -> (String, Vec<u8>, String) {
    let bench = Bench::new();
    bench.record("x", events);
    let seen = bench.run("show x --svg a.svg --png a.png --report a.html --price-per-hour 3");
    assert_eq!(seen.err, "");
    let text = |name: &str| String::from_utf8(bench.read(name)).unwrap();
    (text("a.svg"), bench.read("a.png"), text("a.html"))
}

#[test]
fn an_svg_holds_the_answer_and_clips_its_curves() {
    let (svg, _, _) = draw(&answered());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    let answer = ["lr 0.12 (80 % interval 0.06 to 0.2)", "; 73 % chance to keep 98 % of the gain"];
    let plot = ["diverges from 2", "learning rate", "200 steps", "untrained"];
    for text in answer.into_iter().chain(plot) {
        assert!(svg.contains(text), "{text}");
    }
    assert!(svg.contains("clip-path=\"url(#f-c0)\"") && svg.contains("role=\"img\""));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!(svg, draw(&answered()).0);
}

#[test]
fn a_png_is_one_and_shows_text() {
    let (_, png, _) = draw(&answered());
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let size = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    assert_eq!((size(16), size(20)), (1800, 1868));
    // Blank paper packs into a tenth of this.
    assert!(png.len() > 60_000, "{} bytes", png.len());
}

#[test]
fn a_page_needs_no_network_and_embeds_its_numbers() {
    let (_, _, page) = draw(&answered());
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for fragment in ["http:", "https:", "src=", "@import", "url(//", "<link rel=\"style"] {
        assert!(!outside.contains(fragment), "{fragment}");
    }
    let begin = page.find("id=\"stepsize\">").unwrap() + 14;
    let end = begin + page[begin..].find("</script>").unwrap();
    let object: serde_json::Value = serde_json::from_str(&page[begin..end]).unwrap();
    assert_eq!((&object["lr"], object["points"].as_array().map(Vec::len)), (&0.12.into(), Some(11)));
    let answer = ["<h1>0.12</h1>", "<dt>chance to keep 98 % of the gain</dt><dd>73 %</dd>"];
    let words = ["too low", "good", "too high", "diverged", "money, at 3.00 an hour", "full grid"];
    for text in answer.into_iter().chain(words) {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_refused_page_gives_no_rate() {
    let (svg, _, page) = draw(&refused());
    assert!(page.contains("<h1>No rate: ") && page.contains("add seeds (`stepsize sweep --seeds 3`)"));
    assert!(svg.contains("refused: ") && !svg.contains("interval"));
}

#[test]
fn text_of_the_user_cannot_break_out_of_the_page() {
    let mut events = answered();
    if let stepsize::Event::Study { question, .. } = &mut events[0] {
        question.task = "</script><script>alert(1)</script>\"'&".into();
    }
    let (svg, _, page) = draw(&events);
    assert!(!page.contains("<script>alert") && !svg.contains("<script"));
}

//! `compare`: the same numbers whatever the number of threads, studies that are resumed, commands,
//! outputs.

use crate::harness::Bench;
use serde_json::Value;

const SMALL: &str = "compare --data wine --model linear --batch-size 16 --steps 160 --seeds 2 --low 1e-3 --high 1 \
                     --ways cosine,triangular2,plateau~/,polyak,prodigy,schedule_free_sgd,mechanic";

fn object(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_answer_does_not_depend_on_threads_and_holds_every_way() {
    let bench = Bench::new();
    let [one, two] = ["1", "3"].map(|jobs| bench.run(&format!("{SMALL} --json --jobs {jobs}")));
    assert_eq!((one.code, &one.out), (Some(0), &two.out), "{}", one.err);
    let object = object(&one.out);
    let ways = object["ways"].as_array().unwrap();
    let names: Vec<&str> = ways.iter().map(|w| w["name"].as_str().unwrap()).collect();
    for name in [
        "fixed",
        "cosine",
        "triangular2",
        "plateau / 2",
        "plateau / 10",
        "polyak cap",
        "prodigy",
        "mechanic(adamw)",
        "find",
    ] {
        assert!(names.contains(&name), "{name} not in {names:?}");
    }
    assert!(!names.contains(&"dog"));
    assert_eq!(ways[0]["cells"].as_array().unwrap().len(), 4);
    assert!(object["target_loss"].as_f64().unwrap() < object["untrained_loss"].as_f64().unwrap());
    let claims = object["claims"].as_array().unwrap();
    assert!(claims.len() >= 5);
    // A verdict is that of the numbers beside it: "2 of 3 did".
    for (claim, word) in [("cyclical", "did"), ("a method without a rate", "ended"), ("searching first", "pairs")] {
        let claim = claims.iter().find(|c| c["claim"].as_str().unwrap().contains(claim)).unwrap();
        let seen = claim["seen"].as_str().unwrap();
        if claim["held"].is_null() {
            continue; // a search refused, so there is nothing to count
        }
        let words: Vec<&str> = seen.split(' ').collect();
        let at = words.windows(2).position(|pair| pair[0] == "of" && pair[1].parse::<u32>().is_ok()).unwrap();
        let [some, all] = [at - 1, at + 1].map(|i| words[i].parse::<u32>().unwrap());
        assert!(seen.contains(word) && claim["held"] == (2 * some > all), "{claim}");
    }
    // The winner searched or needed no rate, and nothing is below the best.
    let best = object["best"]["loss"].as_f64().unwrap();
    let won = |way: &&Value| way["name"] == object["winner"]["name"];
    assert!(["search", "free"].contains(&ways.iter().find(won).unwrap()["family"].as_str().unwrap()));
    assert!(ways.iter().filter_map(|way| way["best"]["mean"].as_f64()).all(|mean| mean >= best), "{}", object["best"]);
}

#[test]
fn a_kept_comparison_is_not_run_again_and_pictures_are_written() {
    let bench = Bench::new();
    let line = format!("{SMALL} --study c --png c.png --svg c.svg --report c.html");
    let first = bench.run(&line);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.out.contains("valley") && first.out.contains("searching first"), "{}", first.out);
    assert!(first.out.starts_with("winner: ") && first.out.contains("\nin hindsight: "), "{}", first.out);
    let again = bench.run(&line);
    assert_eq!(again.out, first.out);
    // Drawn from the file alone, and resumed by name.
    let shown = bench.run("show c --report shown.html");
    assert_eq!((shown.code, &shown.out), (Some(0), &first.out), "{}", shown.err);
    assert_eq!(bench.read("shown.html"), bench.read("c.html"));
    assert_eq!(object(&bench.run("resume c --json").out)["ways"].as_array().unwrap().len(), 15);
    assert_eq!(bench.run("show c --price-per-hour 2").code, Some(2));
    assert!(bench.read("c.png").starts_with(b"\x89PNG"));
    let page = String::from_utf8(bench.read("c.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("schedule_free_sgd") && page.contains("id=\"stepsize\""));
    let other = bench.run(&format!("{SMALL} --study c --seed 5"));
    assert_eq!(other.code, Some(2), "another question under the same name: {}", other.out);
}

#[test]
fn a_way_that_is_not_known_names_those_that_are() {
    let seen = Bench::new().run("compare --steps 50 --ways lion");
    assert_eq!(seen.code, Some(2));
    assert!(seen.err.contains("one-cycle") && seen.err.contains("prodigy"), "{}", seen.err);
}

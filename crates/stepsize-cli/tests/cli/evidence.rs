//! Commands of users whose runs mislead: what `find` sees of them before it believes a reading.

use crate::harness::{Bench, Seen};

/// A weight that moves by the rate in each step; the loss falls with it, and very high rates do
/// harm. `$1` is the rate, `$2` the length, `$3` how often the loss is printed, `$4` the length of
/// a warm-up, `$5` a file with the weight, which is loaded and saved without a word, `$6` the name
/// of the loss.
const WEIGHT: &str = r#"
awk -v lr="$1" -v n="$2" -v every="$3" -v warmup="$4" -v file="$5" -v name="${6:-loss}" 'BEGIN {
    w = 0; if ((getline saved < file) > 0) w = saved; close(file)
    for (i = 1; i <= n; i++) {
        w += lr * (i < warmup ? i / warmup : 1)
        if (i % every == 0) printf "step %d %s %.5f\n", i, name, 0.1 + 2 * exp(-w) + lr * lr / 4
    }
    printf "%.9f\n", w > file
}'
"#;

fn find(bench: &Bench, options: &str, arguments: &str) -> Seen {
    std::fs::write(bench.path("weight.sh"), WEIGHT).unwrap();
    bench.run(&format!("find {options} -- sh weight.sh {{lr}} {{steps}} {arguments}"))
}

/// All that was printed, in one line.
fn said(seen: &Seen) -> String {
    format!("{} {}", seen.out, seen.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn weights_that_are_loaded_without_a_word_are_named_and_so_is_what_to_do() {
    let bench = Bench::new();
    let seen = find(&bench, "--steps 600", "4 1 saved");
    let said = said(&seen);
    assert_eq!(seen.code, Some(3), "{said}");
    for words in ["refused: a trial continued an earlier one", "without saying so", "{trial_dir}"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let seen = find(&bench, "--steps 600", "4 1 {trial_dir}/saved");
    assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
}

#[test]
fn a_warm_up_that_is_not_printed_and_is_longer_than_the_trials_is_remarked_on() {
    let bench = Bench::new();
    for (warmup, remarked) in [(400, true), (1, false)] {
        let seen = find(&bench, "--steps 600", &format!("4 {warmup} {{trial_dir}}/saved"));
        let said = said(&seen);
        assert_eq!(seen.code, Some(0), "{said}");
        assert_eq!(said.contains("let the warm-up be a share of the run"), remarked, "{warmup}: {said}");
    }
}

#[test]
fn a_loss_that_is_printed_more_rarely_than_trials_are_long_is_found_by_a_longer_one() {
    let bench = Bench::new();
    let seen = find(&bench, "--steps 800", "100 1 {trial_dir}/saved");
    let said_first = said(&seen);
    assert_eq!(seen.code, Some(0), "{said_first}");
    assert!(said_first.contains("longer ones follow"), "{said_first}");
    // Once in 200 steps: the budget does not pay for as many as it takes, and the one that is named
    // does.
    let seen = find(&bench, "--steps 800 --study x", "200 1 {trial_dir}/saved");
    let refused = said(&seen);
    assert_eq!(seen.code, Some(3), "{refused}");
    assert!(refused.contains("once in 200 of 800 steps"), "{refused}");
    let budget = refused.split("`stepsize resume x --budget ").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    let seen = bench.run(&format!("resume x --budget {budget}"));
    assert_eq!(seen.code, Some(0), "--budget {budget}: {}{}", seen.out, seen.err);
}

#[test]
fn trials_end_where_a_validation_loss_is_printed() {
    // First trials would have 24 of 200 steps, and read the loss of step 20 as that of their end.
    let bench = Bench::new();
    let seen = find(&bench, "--steps 200", "20 1 {trial_dir}/saved val_loss");
    let said = said(&seen);
    assert_eq!(seen.code, Some(0), "{said}");
    assert!(said.contains("· 20 steps"), "{said}");
}

#[test]
fn a_command_that_never_prints_a_loss_fails_and_shows_what_it_printed() {
    let bench = Bench::new();
    let seen = find(&bench, "--steps 800", "1000 1 {trial_dir}/saved");
    let said = said(&seen);
    assert_eq!(seen.code, Some(1), "{said}");
    for words in ["printed no loss", "error: no loss was read", "it printed nothing"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

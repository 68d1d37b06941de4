//! `train` as a trainer: kills, early stop, the best state, records, controllers; and `transfer`,
//! `refine` and `demo`.

use crate::harness::{Bench, Seen};
use serde_json::Value;
use std::process::Stdio;

/// Runs these words, blanks and all.
fn run_words(bench: &Bench, words: &[&str]) -> Seen {
    bench.run(&words.iter().map(|w| w.replace(' ', "~")).collect::<Vec<_>>().join(" "))
}

fn json(seen: &Seen) -> Value {
    serde_json::from_str(&seen.out).unwrap_or_else(|e| panic!("{e}: {}{}", seen.out, seen.err))
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_goes_on_from_its_last_checkpoint_bit_for_bit() {
    use std::time::{Duration, Instant};
    let bench = Bench::new();
    let task = "--lr 0.5 --steps 5000 --model mlp:32 --controller rewind(every=50)*plateau(patience=4,train,average=9)";
    let line = format!("train {task} --resume part --checkpoint-every 100 --curve split.csv");
    for kill in 0..3 {
        let mut child = bench.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begin = Instant::now();
        while !bench.path("part").exists() && begin.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(60 * kill));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
    }
    let seen = bench.run(&line);
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    assert_eq!(bench.run(&format!("train {task} --curve whole.csv")).code, Some(0));
    assert!(bench.read("split.csv") == bench.read("whole.csv"), "the curves differ");
}

#[test]
fn a_finished_run_stays_finished_and_is_not_trained_at_a_rate_of_zero() {
    let bench = Bench::new();
    let task = "train --lr 0.1 --model mlp:16 --schedule cosine --resume c.ckpt --curve c.csv";
    assert_eq!(bench.run(&format!("{task} --steps 60")).code, Some(0));
    let (whole, longer) = (bench.read("c.csv"), [bench.read("c.csv"), b"60,0,1,,\n".to_vec()].concat());
    let again = bench.run(&format!("{task} --steps 60 --json"));
    assert_eq!((again.code, json(&again)["end"]["how"].as_str()), (Some(0), Some("finished")), "{}", again.err);
    std::fs::write(bench.path("c.csv"), &longer).unwrap();
    let extended = bench.run(&format!("{task} --steps 120"));
    assert_eq!(extended.code, Some(2), "{}", extended.out);
    assert!(extended.err.contains("left the rate at 0") && extended.err.contains("omit --resume"), "{}", extended.err);
    assert_eq!(bench.run(&format!("{task} --steps 60")).code, Some(0));
    assert!(bench.read("c.csv") == longer, "a longer curve was overwritten");
    std::fs::write(bench.path("c.csv"), &whole[..40]).unwrap();
    assert_eq!(bench.run(&format!("{task} --steps 60")).code, Some(0));
    assert!(bench.read("c.csv") == whole, "a curve that was cut short was left so");
    // Where the rate does not end at 0 the run goes on at the rate at which it ended.
    let held = "train --lr 0.1 --model mlp:16 --schedule constant --resume h.ckpt";
    assert_eq!(bench.run(&format!("{held} --steps 60")).code, Some(0));
    assert_eq!(json(&bench.run(&format!("{held} --steps 90 --json")))["steps_run"], 90);
}

#[test]
fn a_new_run_does_not_replace_a_longer_curve() {
    let bench = Bench::new();
    let task = "train --lr 0.1 --model mlp:16";
    for file in ["c.csv", "c.jsonl"] {
        assert_eq!(bench.run(&format!("{task} --steps 60 --curve {file}")).code, Some(0));
        let longer = bench.read(file);
        let seen = bench.run(&format!("{task} --steps 40 --curve {file} --tensorboard board"));
        assert_eq!(seen.code, Some(2), "{}", seen.out);
        for said in ["holds 60 steps", "this run has 40", "name another file with --curve"] {
            assert!(seen.err.contains(said), "{}", seen.err);
        }
        assert!(bench.read(file) == longer && !bench.path("board").exists());
        assert_eq!(bench.run(&format!("{} --steps 60 --curve {file}", task.replace("0.1", "0.05"))).code, Some(0));
        assert!(bench.read(file) != longer, "a curve of the same length is replaced");
    }
}

#[test]
fn early_stop_ends_and_the_best_state_is_kept_and_goes_on() {
    let bench = Bench::new();
    let task = "--data diabetes --model mlp:64 --optimizer adam --steps 1500 --schedule constant";
    let seen = bench.run(&format!("train --lr 0.01 {task} --early-stop 3 --best best --json"));
    let object = json(&seen);
    assert_eq!(object["end"]["how"], "pruned", "{}{}", seen.out, seen.err);
    assert!(object["end"]["why"].as_str().unwrap().contains("3 evaluations"));
    let (run, best) = (object["steps_run"].as_u64().unwrap(), object["best_step"].as_u64().unwrap());
    assert!(run < 1500 && best < run, "{object}");
    let seen = bench.run(&format!("train {task} --resume best --json"));
    let again = json(&seen);
    assert_eq!(again["steps_run"], 1500, "{}", seen.err);
    assert!(again["best_val_loss"].as_f64().unwrap() <= object["best_val_loss"].as_f64().unwrap());
}

#[test]
fn going_back_rescues_a_run_that_diverges() {
    let bench = Bench::new();
    let task = "train --lr 100 --model mlp:32 --steps 300 --json";
    let broken = bench.run(task);
    assert_eq!((json(&broken)["end"]["how"].as_str(), broken.code), (Some("diverged"), Some(1)));
    let object = json(&bench.run(&format!("{task} --controller rewind(cut=0.05,every=20)")));
    assert_eq!(object["end"]["how"], "finished", "{object}");
    assert!(object["accuracy"].as_f64().unwrap() > 0.7, "{object}");
    assert!(object["acts"][0]["act"]["act"] == "rewound" && object["steps_paid"].as_u64().unwrap() > 300, "{object}");
    // The same for people.
    let text = bench.run("train --lr 100 --model mlp:32 --steps 300 --controller rewind(cut=0.05,every=20)").out;
    assert!(text.contains("back to step 0") && text.contains("cost: "), "{text}");
}

#[test]
fn records_hold_the_run_and_a_schedule_is_refined_from_them() {
    let bench = Bench::new();
    let line = "train --lr 0.1 --model mlp:16 --steps 120 --schedule constant --grad-norms --tensorboard board";
    assert_eq!(bench.run(&format!("{line} --curve run.csv")).code, Some(0));
    let seen = bench.run(&format!("{line} --curve run.jsonl --progress"));
    assert!(seen.err.contains("step 60/120") && seen.err.contains("rate: cannot tell yet"), "{}", seen.err);
    let csv = String::from_utf8(bench.read("run.csv")).unwrap();
    assert!(csv.starts_with("step,lr,loss,val_loss,score,grad_norm\n") && csv.lines().count() == 121, "{csv}");
    let rows = String::from_utf8(bench.read("run.jsonl")).unwrap();
    for (row, line) in rows.lines().zip(csv.lines().skip(1)) {
        let row: Value = serde_json::from_str(row).unwrap();
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(row["loss"].as_f64(), cells[2].parse().ok());
        assert_eq!(row["grad_norm"].as_f64(), cells[5].parse().ok());
    }
    // One event file of the second run: the first was replaced.
    let files: Vec<_> = std::fs::read_dir(bench.path("board")).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let bytes = std::fs::read(&files[0]).unwrap();
    let count = |tag: &str| bytes.windows(tag.len()).filter(|w| *w == tag.as_bytes()).count();
    assert_eq!((count("loss/train"), count("gradient norm")), (120, 120));
    assert!(count("loss/validation") >= 20 && count("accuracy/validation") >= 20);
    for file in ["run.csv", "run.jsonl"] {
        let notation = bench.run(&format!("refine {file} --steps 200 --notation"));
        let shown = run_words(&bench, &["schedule", notation.out.trim(), "--steps", "200", "--form", "notation"]);
        assert_eq!((shown.out, shown.code), (notation.out, Some(0)));
    }
    assert_eq!(bench.run("refine missing.csv").code, Some(1));
}

#[test]
fn a_rate_is_transferred() {
    let bench = Bench::new();
    let words = |to: &str| {
        let from = "cosine, 10k steps, batch 64";
        run_words(&bench, &["transfer", "--lr", "3e-4", "--from", from, "--to", to, "--json"])
    };
    let object = json(&words("wsd(0.2), 40k steps, batch 256"));
    let lr = |name: &str| object[name].as_f64().unwrap();
    assert!(lr("low") < lr("lr") && lr("lr") < lr("high") && (1e-4..4e-4).contains(&lr("lr")), "{object}");
    assert_eq!(object["parts"].as_array().map(Vec::len), Some(3));
    assert!(object["parts"][0]["source"].as_str().unwrap().contains("2501.18965"));
    assert!((json(&words("cosine"))["lr"].as_f64().unwrap() - 3e-4).abs() < 1e-12);
    for wrong in ["cosin, 40k steps", "40 stepps", "0 steps"] {
        assert_eq!(words(wrong).code, Some(2), "{wrong}");
    }
}

#[test]
fn a_schedule_is_code_for_other_libraries_with_a_comment_where_they_have_no_name_for_it() {
    let bench = Bench::new();
    let code = |text: &str, form: &str| {
        let seen = run_words(&bench, &["schedule", text, "--steps", "100", "--lr", "0.3", "--form", form]);
        assert_eq!(seen.code, Some(0), "{}", seen.err);
        seen.out
    };
    assert!(code("cosine", "torch").contains("CosineAnnealingLR(optimizer, T_max=100)"));
    assert!(code("warmup(10) then cosine", "torch").starts_with("# PyTorch has no scheduler that does this"));
    assert!(code("warmup(10) then cosine", "optax").contains("decay_steps=100,"));
}

#[test]
fn a_playground_that_cannot_be_written_names_the_place() {
    let bench = Bench::new();
    std::fs::write(bench.path("taken"), "").unwrap();
    let seen = bench.run("playground --export taken/site");
    assert_eq!(seen.code, Some(1), "{}", seen.err);
    assert!(seen.err.contains("cannot make the directory taken/site"), "{}", seen.err);
}

#[test]
fn the_story_is_told() {
    let bench = Bench::new();
    let seen = bench.run("demo --png birds.png --svg birds.svg");
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    assert!(seen.out.contains("bbbbbbbbbbY") && !seen.out.contains('\x1b'), "{}", seen.out);
    assert!(seen.out.contains("all birds are yellow") && seen.out.contains("some are yellow"), "{}", seen.out);
    assert!(bench.read("birds.png").starts_with(b"\x89PNG") && bench.read("birds.svg").starts_with(b"<"));
    let object = json(&bench.run("demo --json --rates 0.01,0.5,50"));
    assert_eq!(object["learners"][1]["lr"], 0.5);
    assert_eq!(bench.run("demo --rates 3,2,1").code, Some(2));
}

#[test]
fn the_full_run_at_the_answer_is_compared_with_what_was_predicted_and_kept() {
    let bench = Bench::new();
    let line = "find --model linear --steps 600 --study x";
    let seen = bench.run(&format!("{line} --then-train"));
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    assert!(bench.path("stepsize.ckpt").is_file());
    let last = seen.out.lines().last().unwrap().to_owned();
    for part in ["the full run at lr 0.", "reached a validation loss of", "; the search predicted", "80 %"] {
        assert!(last.contains(part), "{part}: {last}");
    }
    // The study has both, and so its search is still over.
    assert!(bench.run("show x").out.ends_with(&format!("{last}\n")));
    let kept = json(&bench.run("show x --json"))["full_run"].clone();
    assert!(kept["val_loss"].as_f64().unwrap() < 0.3 && kept["predicted"]["mid"].is_number(), "{kept}");
    assert_eq!((&kept["exit_code"], kept["command"].as_str().unwrap().contains("train --lr")), (&0.into(), true));
    assert!(bench.run("studies").out.contains("concluded"));
    assert_eq!(bench.run(line).code, Some(0));
    // A checkpoint is not written over, and the place is tried first.
    let again = bench.run(&format!("{line} --then-train"));
    assert!(again.code == Some(2) && again.err.contains("is there already"), "{}", again.err);
    let seen = bench.run(&format!("{line} --then-train=no-such-directory/a"));
    assert!(seen.code == Some(2) && seen.err.contains("Nothing has run"), "{}", seen.err);
    // A command makes its full run itself; its exit code is kept.
    let script = "for~i~in~1~2~3~4~5~6~7~8;~do~echo~step~$i~val_loss~$(echo~{lr}~$i~|~awk~'{d=log($1/0.1);print~d*d+9/$2}');done;\
                  [~{steps}~!=~80~]~||~exit~7";
    let seen = bench.run(&format!("find --steps 80 --study y --then-run --shell -- {script}"));
    assert_eq!(seen.code, Some(7), "{}{}", seen.out, seen.err);
    let kept = json(&bench.run("show y --json"))["full_run"].clone();
    assert_eq!(kept["exit_code"], 7, "{kept}");
}

#[test]
fn a_dead_network_is_said_to_be_dead_also_after_a_rewind() {
    let bench = Bench::new();
    let task = "train --lr 30 --steps 600 --controller";
    // Too few returns, also with the last one at a tenth of the rate.
    let seen = bench.run(&format!("{task} rewind(attempts=1)"));
    assert!(seen.out.contains("a last one, at a tenth of the rate"), "{}", seen.out);
    assert!(seen.out.contains("verdict: stuck at guessing") && seen.out.contains("at a lower --lr"), "{}", seen.out);
    // Of the usual number one finds a lower base, because a dead network is noticed.
    let seen = bench.run(&format!("{task} rewind --json"));
    assert!(seen.out.contains("the units are dead"), "{}", seen.out);
    assert!(json(&seen)["val_loss"].as_f64().is_some_and(|loss| loss < 0.3), "{}", seen.out);
}

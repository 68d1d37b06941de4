//! `stepsize.toml`: found upwards, options win, errors name the place; `stepsize init` writes one;
//! `--notify` tells somebody of the end.

use crate::harness::{Bench, Seen};
use serde_json::Value;

/// A command with its best rate at 0.1, which notes its arguments and where it ran.
const SCRIPT: &str = r#"
echo "$PWD lr=$1 steps=$2" >> "$BEGUN"
awk -v lr="$1" -v n="$2" 'BEGIN { d = log(lr / 0.1); if (d < 0) d = -d / 3;
    for (i = 1; i <= n; i++) printf "step %d val_loss %.6f train_loss %.6f\n", i, 0.1 + 0.3 * d + 2 / (i + 1), 1 / i }'
"#;

struct Project {
    bench: Bench,
}

impl Project {
    fn new(toml: &str) -> Self {
        let bench = Bench::new();
        std::fs::create_dir_all(bench.path("p/deep/er")).unwrap();
        std::fs::write(bench.path("p/train.sh"), SCRIPT).unwrap();
        std::fs::write(bench.path("p/stepsize.toml"), toml).unwrap();
        Self { bench }
    }

    /// Runs in a directory of the project.
    fn run(&self, directory: &str, line: &str) -> Seen {
        let mut command = self.bench.command(line);
        command.current_dir(self.bench.path(directory)).env("BEGUN", self.bench.path("begun"));
        Seen::from(command.output().unwrap())
    }

    fn begun(&self) -> String {
        std::fs::read_to_string(self.bench.path("begun")).unwrap_or_default()
    }
}

const TOML: &str = r#"
command = ["sh", "train.sh", "{lr}", "{steps}"]
metric = "val_loss"
steps = 32
jobs = 2
seconds-per-step = 1e-3
price-per-hour = 2.50

[sweep]
per-decade = 1
low = 0.001
high = 1
seeds = 2
"#;

fn json(seen: &Seen) -> Value {
    serde_json::from_str(&seen.out).unwrap_or_else(|e| panic!("{e}: {}{}", seen.out, seen.err))
}

#[test]
fn a_search_alone_works_in_and_below_the_directory_of_its_project() {
    let project = Project::new(TOML);
    let seen = project.run("p/deep/er", "sweep --json --study x --png a.png --log-to tensorboard:t");
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    let found = json(&seen);
    assert!((found["lr"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{found}");
    assert_eq!(found["points"].as_array().map(Vec::len), Some(8), "{found}");
    assert_eq!(found["cost"]["money"]["per_hour"], 2.5, "{found}");
    assert!(seen.err.contains("stepsize.toml sets command"), "{}", seen.err);
    // The command ran where its file is; the picture and the study are where they are expected.
    let root = project.bench.path("p").canonicalize().unwrap();
    assert!(project.begun().lines().all(|line| line.starts_with(&format!("{} lr=", root.display()))));
    assert!(project.bench.path("p/deep/er/t/search").is_dir());
    assert!(project.bench.path("p/deep/er/a.png").is_file() && project.bench.path("p/stepsize.db").is_file());
    assert_eq!(project.run("p/deep", "studies").code, Some(0));
    // What is recorded is the whole command: the file may change.
    std::fs::write(project.bench.path("p/stepsize.toml"), "steps = 5").unwrap();
    let resumed = project.run("p", "resume x --json");
    assert_eq!((resumed.code, json(&resumed)["lr"].as_f64()), (Some(0), found["lr"].as_f64()), "{}", resumed.err);
    assert_eq!(project.begun().lines().count(), 8);
}

#[test]
fn what_is_typed_wins_and_takes_away_what_it_excludes() {
    let project = Project::new(TOML);
    let dry = |line: &str| project.run("p", &format!("{line} --dry-run"));
    assert!(dry("find").out.contains("4 steps, seed 0"), "{}", dry("find").out);
    assert!(dry("find --steps 320 --seed 3").out.contains("20 steps, seed 3"));
    assert!(dry("sweep --low 0.1").out.contains("begin with 4 trials"), "{}", dry("sweep --low 0.1").out);
    assert!(dry("sweep --random 5").out.contains("begin with 10 trials"), "{}", dry("sweep --random 5").err);
    // The built-in engine has no command, and its steps are of another unit, but they are the
    // file's.
    let engine = dry("find --model linear");
    assert!(engine.code == Some(0) && engine.out.contains("linear"), "{}", engine.err);
    // Another command takes the rest of the file.
    let other = project.run("p", "find --dry-run -- ./other {lr} {steps}");
    assert!(other.out.contains("--metric val_loss ./other"), "{}{}", other.out, other.err);
    let without = project.run("p", "find --dry-run --project none --jobs 1");
    assert!(without.out.contains("digits") && without.out.contains("125 steps"), "{}", without.out);
    let named = project.run("p", "find --dry-run --project no.toml");
    assert!(named.code == Some(2) && named.err.contains("--project no.toml is not a file"), "{}", named.err);
    // `train` trains the engine: the length of the command is not its length.
    assert!(project.run("p", "help").code == Some(0));
}

#[test]
fn an_error_names_the_file_the_line_and_the_nearest_key() {
    let cases = [
        ("metrics = 'x'", "line 1: there is no key metrics; did you mean metric?"),
        ("# c\nprice_per_hour = 2", "line 2: there is no key price_per_hour; did you mean price-per-hour?"),
        ("per-decade = 3", "line 1: there is no key per-decade; write it below a line `[sweep]`"),
        ("[find]\nrule = 'edge'", "line 2: there is no key rule in [find]; write it below a line `[range-test]`"),
        ("wandb = 'x'", "line 1: there is no key wandb; the keys are command, shell"),
        ("find = 3", "line 1: find is the table of a verb"),
        ("steps = 'many'", "line 1: steps: invalid value 'many'"),
        ("steps = -3", "line 1: steps: invalid value '-3'"),
        ("maximize = 'yes'", "line 1: maximize is the text \"yes\"; it must be true or false"),
        ("metric = 3", "line 1: metric is 3; it must be a text in quotes"),
        ("budget = [1]", "line 1: budget is a list; it must be a number"),
        ("[range-test]\nrule = 'valley'", "line 2: rule: invalid value 'valley'"),
        ("steps = 3\nsteps = 4", "line 2: "),
        ("command = 'a \"b {lr}'", "line 1: the quote \" in"),
        ("command = 'a {lr}'\ndata = 'b.csv'", "command (line 1) and data (line 2) exclude each other"),
        ("max-time = '3 weeks'", "line 1: max-time: invalid value '3 weeks'"),
    ];
    for (toml, what) in cases {
        let seen = Project::new(toml).run("p", "find --dry-run");
        assert!(seen.code == Some(2) && seen.err.contains("stepsize.toml"), "{toml}: {}", seen.err);
        assert!(seen.err.contains(what), "{toml}: {}", seen.err);
    }
    // A fault that only the search sees names the line too.
    let seen = Project::new("max-price = 3\nsteps = 200\ncommand = 'true {lr} {steps}'").run("p", "find");
    assert!(seen.code == Some(2) && seen.err.contains("sets max-price at line 1"), "{}", seen.err);
    // Help is there with a broken file.
    assert_eq!(Project::new("nonsense").run("p", "find --help").code, Some(0));
}

#[test]
fn init_writes_a_file_with_which_find_works_alone() {
    let python = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        std::process::Command::new(python).arg("--version").output().is_ok_and(|out| out.status.success())
    });
    let Some(python) = python else { return };
    let bench = Bench::new();
    let script = r#"
import argparse, math
p = argparse.ArgumentParser()
p.add_argument("--learning-rate", type=float, default=0.01)
p.add_argument("--max-steps", type=int, default=160)
p.add_argument("--seed", type=int, default=0)
a = p.parse_args()
for i in range(1, a.max_steps + 1):
    d = abs(math.log(a.learning_rate / 0.1))
    print(f"step {i} loss {1 / i:.4f} val_acc {1 - 0.1 * min(d, 3) - 0.5 / i:.5f}")
"#;
    std::fs::write(bench.path("train.py"), script).unwrap();
    let seen = Seen::from(bench.command("init --").args([python, "train.py"]).output().unwrap());
    assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
    let toml = String::from_utf8(bench.read("stepsize.toml")).unwrap();
    let command = format!(
        "command = [\"{python}\", \"train.py\", \"--learning-rate\", \"{{lr}}\", \"--max-steps\", \"{{steps}}\", \"--seed\", \
         \"{{seed}}\"]"
    );
    for line in
        [&*command, "metric = \"val_acc\"", "maximize = true", "steps = 160", "--learning-rate, 0.01 by default"]
    {
        assert!(toml.contains(line), "{line}: {toml}");
    }
    assert!(seen.out.contains("next: stepsize find") && !bench.path("stepsize.toml.part").exists());
    let found = json(&bench.run("find --json"));
    assert!((0.02..0.5).contains(&found["lr"].as_f64().unwrap()), "{found}");
    // It is not written over.
    let again = bench.run("init");
    assert!(again.code == Some(2) && again.err.contains("--force"), "{}", again.err);
    std::fs::write(bench.path("train.py"), "print('no rate here')").unwrap();
    let seen = Seen::from(bench.command("init --force --").args([python, "train.py"]).output().unwrap());
    assert!(seen.code == Some(2) && seen.err.contains("put {lr} where the rate belongs"), "{}", seen.err);
    std::fs::write(bench.path("train.py"), "import sys; sys.exit('no data here')").unwrap();
    let line = "init --force --";
    let seen = Seen::from(bench.command(line).args([python, "train.py", "--lr", "{lr}"]).output().unwrap());
    assert!(seen.code == Some(1) && seen.err.contains("no data here"), "{}", seen.err);
    assert!(bench.run("init --schema").out.contains("\"price-per-hour\""));
}

#[test]
fn somebody_is_told_of_every_end() {
    let bench = Bench::new();
    std::fs::write(bench.path("train.sh"), SCRIPT).unwrap();
    let tell = "sh~-c~'env~|~grep~^STEPSIZE_~|~sort~>~told;~cat~>~text;~echo~$0~>~word'~{result}={lr}";
    let told = |line: &str| {
        let mut command = bench.command(line);
        let seen = Seen::from(command.env("BEGUN", bench.path("begun")).output().unwrap());
        (seen, ["told", "text", "word"].map(|name| std::fs::read_to_string(bench.path(name)).unwrap_or_default()))
    };
    let sweep = format!("sweep --steps 32 --low 0.001 --high 1 --per-decade 1 --seeds 2 --notify {tell}");
    let (seen, [facts, text, word]) = told(&format!("{sweep} -- sh train.sh {{lr}} {{steps}}"));
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    for line in ["STEPSIZE_RESULT=answer", "STEPSIZE_EXIT_CODE=0", "STEPSIZE_LR=0.1", "STEPSIZE_VERB=sweep"] {
        assert!(facts.lines().any(|fact| fact == line), "{line}: {facts}");
    }
    assert!(text == seen.out && word == "answer=0.1\n", "{word}");
    // A refusal, a failure, and wrong arguments.
    let (seen, [facts, ..]) = told(&format!("{sweep} -- sh -c echo~loss=1;:~{{lr}}"));
    assert!(seen.code == Some(3) && facts.contains("STEPSIZE_RESULT=refused"), "{:?} {facts}", seen.code);
    let (seen, [facts, _, word]) = told(&format!("{sweep} -- false {{lr}}"));
    assert!(seen.code == Some(1) && facts.contains("STEPSIZE_RESULT=failed"), "{:?} {facts}", seen.code);
    assert!(facts.contains("exit code 1") && word == "failed=\n", "{facts} {word}");
    // What is wrong with the command itself is said before anything runs, or is a note.
    for (notify, what) in
        [("nobody-is-here", "there is no program"), ("echo~{loss}", "{loss} in"), ("'a", "not closed")]
    {
        let (seen, _) = told(&format!("sweep --notify {notify} --steps 5 -- false {{lr}}"));
        assert!(seen.code == Some(2) && seen.err.contains(what), "{notify}: {}", seen.err);
    }
    let (seen, _) = told("find --model linear --steps 60 --notify false");
    assert!(
        matches!(seen.code, Some(0 | 3)) && seen.err.contains("note: --notify false: it ended with"),
        "{}",
        seen.err
    );
}

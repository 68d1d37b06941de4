//! Data of every kind, good and bad: what is loaded, what is said about it, and that nothing
//! panics.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::{Path, PathBuf};
use stepsize_engine::{DataSource, TargetKind, Task, TaskConfig};

/// A file in a folder that is removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stepsize-engine-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn config(data: &str, model: &str, batch_size: usize) -> TaskConfig {
    TaskConfig { data: data.parse().unwrap(), model: model.parse().unwrap(), batch_size, ..TaskConfig::default() }
}

fn load(data: &str, model: &str) -> Task {
    Task::load(config(data, model, 8)).unwrap()
}

fn fault(data: &str, model: &str) -> String {
    let error = Task::load(config(data, model, 8)).unwrap_err();
    assert!(error.is_invalid() || error.is_io(), "{error}");
    error.to_string()
}

/// Rows `row(0) .. row(count - 1)` below a header.
fn table(header: &str, count: usize, row: impl Fn(usize) -> String) -> String {
    std::iter::once(header.to_owned()).chain((0..count).map(row)).map(|line| line + "\n").collect()
}

/// Validation loss and score after `steps`.
fn trained(task: &Task, steps: usize, lr: f64) -> (f64, f64) {
    let mut run = task.engine(0).unwrap();
    for _ in 0..steps {
        run.step(lr).unwrap();
    }
    let evaluation = run.evaluate().unwrap();
    (evaluation.val_loss, evaluation.score.unwrap())
}

#[test]
fn builtin_data_is_learnt() {
    let digits = Task::load(TaskConfig::default()).unwrap();
    assert_eq!(
        digits.describe(),
        "digits (1797 rows, 64 features, 10 classes), mlp:128,64, sgd momentum 0.9, batch 64"
    );
    assert_eq!((digits.steps_per_epoch(), digits.score_name()), (22, "accuracy"));
    assert!(trained(&digits, 400, 0.03).1 > 0.95);
    let cnn = trained(&load("digits", "cnn"), 400, 0.01);
    assert!(cnn.1 > 0.9, "{cnn:?}");
    assert!(trained(&load("wine", "linear"), 200, 0.01).1 > 0.9);
    assert!(trained(&load("breast_cancer", "mlp:16,norm"), 300, 0.01).1 > 0.9);
    let diabetes = load("diabetes", "linear");
    assert_eq!(diabetes.score_name(), "r2");
    assert!(trained(&diabetes, 500, 0.002).1 > 0.3);
    let text = load("text", "charlm:8,8,64");
    assert!(text.describe().contains("characters"), "{}", text.describe());
    let (loss, accuracy) = trained(&text, 3000, 0.02);
    assert!(loss < 2.9 && accuracy > 0.25, "{loss} {accuracy}");
}

#[test]
fn money_and_dates_are_numbers_and_the_kind_of_target_can_be_named() {
    let folder = Folder::new("cells");
    // All that the price depends on is in the date.
    let text = table("day,share,rating,price", 90, |i| {
        let (month, day) = (i / 28 + 1, i % 28 + 1);
        format!("2024-{month:02}-{day:02},{}.5 %,{},\"$1,{:03}.25\"", i % 7, i % 5 + 1, 100 + 8 * i)
    });
    let path = folder.file("t.csv", text);
    let task = load(&path, "linear");
    assert!(task.describe().contains("(90 rows, 3 features, regression)"), "{}", task.describe());
    let warnings = task.warnings().join("\n");
    for part in ["'day' was read as dates", "'share' was read as percentages", "'price' was read as amounts"] {
        assert!(warnings.contains(part), "{part} not in {warnings}");
    }
    assert!(trained(&task, 400, 0.02).1 > 0.9);
    let of = |target: &str, kind: Option<TargetKind>| {
        let data = config(&path, "linear", 8).data.with_target(target).unwrap();
        Task::load(TaskConfig { data, target_kind: kind, ..config(&path, "linear", 8) })
    };
    assert_eq!(of("rating", None).unwrap().score_name(), "accuracy");
    assert_eq!(of("rating", Some(TargetKind::Regression)).unwrap().score_name(), "r2");
    let many = of("price", Some(TargetKind::Classification)).unwrap_err().to_string();
    assert!(many.contains("90 different values"), "{many}");
    let alike = of("Price", None).unwrap_err().to_string();
    assert!(alike.contains("did you mean 'price'?"), "{alike}");
    let texts = folder.file("c.csv", table("a,b", 40, |i| format!("{i},{}", ["x", "y"][i % 2])));
    let named = TaskConfig { target_kind: Some(TargetKind::Regression), ..config(&texts, "linear", 8) };
    let why = Task::load(named).unwrap_err().to_string();
    assert!(why.contains("texts such as 'x'"), "{why}");
    let bare = folder.file("d.csv", table("0.5,1", 40, |i| format!("{i}.5,{}", i % 2)));
    assert!(load(&bare, "linear").warnings().join("").contains("no row of names was found"));
}

#[test]
fn tables_are_repaired_and_the_user_is_told() {
    let folder = Folder::new("repair");
    let text = table("size,colour,empty,same,id,two,price", 60, |i| {
        let size = if i % 10 == 3 { "NA".to_owned() } else { i.to_string() };
        let colour = ["red", "green", "blue", "?"][i % 4];
        let price = if i == 7 { String::new() } else { format!("{}.5", i * 3) };
        format!("{size},{colour},,1,name{i},{},{price}", ["yes", "no"][i % 2])
    });
    let task = load(&folder.file("t.csv", text), "linear");
    assert!(task.describe().contains("(59 rows, 5 features, regression)"), "{}", task.describe());
    let warnings = task.warnings().join("\n");
    for part in
        ["1 rows without a value in the target 'price'", "'size': 6 missing", "'empty' is empty", "'same' is constant"]
    {
        assert!(warnings.contains(part), "{part} not in {warnings}");
    }
    assert!(warnings.contains("'id' has") && warnings.contains("'colour': 14 missing texts"), "{warnings}");
    let end = trained(&task, 500, 0.01);
    assert!(end.1 > 0.4, "{end:?}");
}

#[test]
fn the_target_decides_between_classes_and_regression() {
    let folder = Folder::new("target");
    let text = table("a,grade,b,kind", 40, |i| format!("{i},{},{}.25,{}", i % 20, i * i, ["x", "y"][i % 2]));
    let path = folder.file("t.tsv", text.replace(',', "\t"));
    let with = |target: &str| {
        let data = path.parse::<DataSource>().unwrap().with_target(target).unwrap();
        Task::load(TaskConfig { data, ..config("digits", "linear", 8) }).map(|task| task.describe())
    };
    assert!(load(&path, "linear").describe().contains("2 classes"));
    assert!(with("grade").unwrap().contains("20 classes"));
    assert!(with("2").unwrap().contains("20 classes"));
    assert!(with("a").unwrap().contains("regression"));
    assert!(with("b").unwrap().contains("regression"));
    let error = with("price").unwrap_err().to_string();
    assert!(error.contains("'price'") && error.contains("a, grade, b, kind"), "{error}");
    assert!("digits".parse::<DataSource>().unwrap().with_target("a").is_err());
}

#[test]
fn scaling_uses_the_training_rows_only() {
    // the same training rows with other validation rows: the same curve
    let folder = Folder::new("leak");
    let rows: Vec<String> = (0..100).map(|i| format!("{},{}", i % 17, f64::from(i) * 1.5)).collect();
    let a = folder.file("a.csv", rows.join("\n"));
    let first = |task: &Task| {
        let mut run = task.engine(0).unwrap();
        (0..20).map(|_| run.step(0.01).unwrap()).collect::<Vec<f64>>()
    };
    let reference = first(&load(&a, "linear"));
    // find one row that is held out: changing it changes nothing in training
    let unchanged = (0..100).filter(|row| {
        let mut other = rows.clone();
        other[*row] = "1000,5000.5".to_owned();
        first(&load(&folder.file("b.csv", other.join("\n")), "linear")) == reference
    });
    assert_eq!(unchanged.count(), 20);
}

#[test]
fn bad_tables_are_refused_with_the_reason() {
    let folder = Folder::new("bad");
    let refused = |content: &str, part: &str| {
        let message = fault(&folder.file("t.csv", content), "linear");
        assert!(message.contains(part), "'{part}' not in '{message}'");
    };
    refused("", "holds no rows");
    refused("a,b\n", "1 usable rows");
    refused(&table("a,b", 5, |i| format!("{i},{i}.5")), "5 usable rows; at least 20");
    refused(&table("a,b", 30, |i| format!("{i}")), "not a regular table");
    refused(&table("a", 30, |i| format!("{i}")), "1 column");
    refused(&table("a,b", 30, |i| format!("{i},7")), "'b' is 7 in every row");
    refused(&table("a,b", 30, |i| format!("{i},same")), "'b' is 'same' in every row");
    refused(&table("a,b", 30, |i| format!("{i},name{i}")), "30 different values");
    refused(&table("a,b", 30, |i| format!("1,{i}.5")), "no usable feature");
    refused(&table("a,b", 30, |i| format!("{i},")), "0 usable rows");
    assert!(fault(&folder.file("latin.csv", b"a,b\n1,\xe9\n"), "linear").contains("not UTF-8"));
    assert!(fault(&folder.file("broken.csv.gz", [0x1f, 0x8b, 8, 0, 1]), "linear").contains("cannot unpack"));
    assert!(fault("/nowhere/x.csv", "linear").contains("cannot read the data file /nowhere/x.csv"));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    assert!(fault("wine", "cnn").contains("needs images"));
    assert!(fault("digits", "charlm").contains("learns from a text"));
    assert!(fault("text", "linear").contains("charlm"));
    let folder = Folder::new("fit");
    assert!(fault(&folder.file("t.txt", "short"), "charlm").contains("too few for windows of 16"));
    assert!(fault(&folder.file("u.txt", "a".repeat(1000)), "charlm").contains("1 different characters"));
    for (change, part) in [
        (TaskConfig { batch_size: 0, ..TaskConfig::default() }, "batch size is 0"),
        (TaskConfig { batch_size: 1439, ..TaskConfig::default() }, "above the 1438 training rows"),
        (TaskConfig { weight_decay: -1.0, ..TaskConfig::default() }, "weight decay -1"),
        (TaskConfig { clip_norm: Some(0.0), ..TaskConfig::default() }, "clipping norm 0"),
        (TaskConfig { val_fraction: 1.0, ..TaskConfig::default() }, "validation share 1"),
        (TaskConfig { val_fraction: f64::NAN, ..TaskConfig::default() }, "validation share NaN"),
    ] {
        let error = Task::load(change).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for (name, part) in
        [("mnist", "'mnist' is not known data"), ("x.xlsx", "not known data"), ("idx", "labels of 'idx'")]
    {
        let error = name.parse::<DataSource>().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Images of `side x width` whose bright row is the label.
fn idx(folder: &Folder, side: u8, width: u8, count: u8, labels: u8) -> String {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, side, 0, 0, 0, width];
    let mut names = vec![0, 0, 8, 1, 0, 0, 0, labels];
    for i in 0..count {
        let label = i % 3;
        for pixel in 0..side as usize * width as usize {
            images.push(if pixel / width as usize == label as usize { 200 } else { i });
        }
    }
    names.extend((0..labels).map(|i| i % 3));
    folder.file("train-labels-idx1-ubyte", &names);
    folder.file("train-images-idx3-ubyte", &images)
}

#[test]
fn idx_images() {
    let folder = Folder::new("idx");
    let path = idx(&folder, 6, 6, 60, 60);
    let task = load(&path, "cnn");
    assert!(task.describe().contains("(60 rows, 36 features, 3 classes), cnn"), "{}", task.describe());
    assert!(trained(&task, 200, 0.01).1 > 0.9);
    let flat = idx(&folder, 4, 6, 60, 60);
    assert!(fault(&flat, "cnn").contains("4 x 6"));
    load(&flat, "linear");
    assert!(fault(&idx(&folder, 6, 6, 60, 59), "linear").contains("60 images but"));
    std::fs::remove_file(Path::new(&path).with_file_name("train-labels-idx1-ubyte")).unwrap();
    assert!(fault(&path, "linear").contains("train-labels-idx1-ubyte"));
}

#[test]
fn extreme_but_legal_tables_train() {
    let folder = Folder::new("extreme");
    let huge = table("a,b,y", 40, |i| format!("{i}e300,{i}e-300,{}", if i % 2 == 0 { "x" } else { "y" }));
    let task = load(&folder.file("huge.csv", huge), "mlp:4");
    assert!(task.engine(0).unwrap().step(0.1).unwrap().is_finite());
    let outlier = table("a,y", 40, |i| format!("{},{}", if i == 0 { 1e15 } else { 1.0 + i as f64 }, i % 2));
    assert!(load(&folder.file("o.csv", outlier), "linear").engine(0).unwrap().step(0.1).unwrap().is_finite());
}

#[test]
fn rubbish_never_panics() {
    let folder = Folder::new("rubbish");
    let alphabet = b"0123456789.,,,,;\t\n\n\n\"'eE+-aNinf\xff\x00\x08";
    let mut state = 1u64;
    for round in 0..400 {
        let length = round * 3;
        let content: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                alphabet[(state >> 33) as usize % alphabet.len()]
            })
            .collect();
        for name in ["t.csv", "t.txt", "images-idx3-ubyte"] {
            let path = folder.file(name, &content);
            folder.file("labels-idx1-ubyte", &content);
            let model = if name == "t.txt" { "charlm:2,2,2" } else { "linear" };
            if let Ok(task) = Task::load(config(&path, model, 1)) {
                task.engine(0).unwrap().step(0.1).unwrap();
            }
        }
    }
}

#[test]
fn the_split_seed_moves_only_the_split() {
    let with = |split_seed: u64| Task::load(TaskConfig { split_seed, ..TaskConfig::default() }).unwrap();
    let (a, b) = (with(0), with(1));
    let (mut a, mut b) = (a.engine(0).unwrap(), b.engine(0).unwrap());
    assert_ne!(a.evaluate().unwrap(), b.evaluate().unwrap());
    assert_ne!(a.step(0.1).unwrap(), b.step(0.1).unwrap());
}

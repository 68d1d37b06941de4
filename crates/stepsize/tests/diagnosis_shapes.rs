//! Properties over drawn curves of many shapes, alone and as sweeps: findings never contradict the
//! verdict or each other, and none of them is an empty phrase.

use std::collections::BTreeSet;
use stepsize::Placement;
use stepsize::diagnosis::jobs::{NamedRun, Verdicts};
use stepsize::diagnosis::{Code, Diagnosis, Finding, Record, Series, Weights, diagnose};

/// Numbers from a hash (splitmix64): the same curves on every machine.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[((self.unit() * items.len() as f64) as usize).min(items.len() - 1)]
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

/// Noise that is the same everywhere, in -0.5..0.5 and without correlation to speak of.
fn shake(step: f64) -> f64 {
    let x = (step * 12.9898 + 4.1).sin() * 43758.5453;
    x - x.floor() - 0.5
}

const SHAPES: u64 = 18;

/// A curve over the share of the run, of one of the shapes.
fn shape(kind: u64, draw: &mut Draw) -> Box<dyn Fn(f64) -> f64> {
    let (start, floor) = (draw.of(&[0.02, 0.7, 2.3, 6.9, 80.0]), draw.of(&[0.0, 0.1, 0.5, 0.9]));
    let (pace, at) = (draw.of(&[0.3, 2.0, 8.0, 40.0, 300.0]), draw.of(&[0.03, 0.1, 0.3, 0.6, 0.9]));
    let (up, down) =
        (draw.of(&[0.6, 1.0, 1.4, 5.0]), move |t: f64| start * (floor + (1.0 - floor) * (-pace * t).exp()));
    let cuts = draw.of(&[[0.3, 0.6], [0.5, 0.75], [0.1, 0.9]]);
    match kind {
        // Decays: even, by a power, nearly none, in steps.
        0 => Box::new(down),
        1 => Box::new(move |t| start * (1.0 + 100.0 * t).powf(-pace.min(2.0) / 2.0)),
        2 => Box::new(move |t| start * (1.0 - 0.02 * t)),
        3 => Box::new(move |t| {
            down(t.min(cuts[0]))
                * if t > cuts[1] {
                    0.4
                } else if t > cuts[0] {
                    0.6
                } else {
                    1.0
                }
        }),
        // A warm-up: a rise first, or a slow beginning.
        4 => Box::new(move |t| down(t) * (1.0 + up * (-((t - 0.04) / 0.02).powi(2)).exp())),
        5 => Box::new(move |t| down((t - at / 2.0).max(0.0))),
        // Plateaus, constant to the last digit or not.
        6 => Box::new(move |_| start),
        7 => Box::new(move |t| if t < at { down(t) } else { down(at) }),
        // Jumps that stay or come back.
        8 => Box::new(move |t| if t < at.min(0.7) { down(t) } else { up.max(1.0) * start }),
        9 => Box::new(move |t| if (at..at + 0.05).contains(&t) { up * start } else { down(t) }),
        // Breaks: not finite, zero, overflowed, growing.
        10 => Box::new(move |t| if t < at { down(t) } else { f64::NAN }),
        11 => Box::new(move |t| if t < at.min(0.7) { down(t) } else { 0.0 }),
        12 => Box::new(move |t| if t < at { down(t) } else { 87.3365 }),
        13 => Box::new(move |t| start * (pace.min(40.0) * t).exp()),
        // Falls to guessing among ten, rises evenly, has no floor, alternates.
        14 => Box::new(move |t| if t < at.min(0.7) { 2.6 - 0.4 * t / at } else { 10f64.ln() }),
        15 => Box::new(move |t| down(t) + 0.4 * start * t),
        16 => Box::new(move |t| start * (1.0 - pace.max(2.0) * t)),
        _ => Box::new(move |t| down(t) * if ((t * 1000.0) as u64).is_multiple_of(2) { 1.05 } else { 0.95 }),
    }
}

/// A rate over the share of the run.
fn rate(draw: &mut Draw, lr: f64) -> Option<Box<dyn Fn(f64) -> f64>> {
    let at = draw.of(&[0.2, 0.5, 0.8]);
    Some(match draw.of(&[0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
        0 => return None,
        1 => Box::new(move |_| lr),
        2 => Box::new(move |t| lr * 0.5 * (1.0 + (std::f64::consts::PI * t).cos())),
        3 => Box::new(move |t| lr * (1.0 - t)),
        4 => Box::new(move |t| lr * 0.1f64.powi((3.0 * t) as i32)),
        5 => Box::new(move |t| lr * (t / 0.1).min(1.0)),
        6 => Box::new(move |t| if t < at { lr } else { lr * 3.0 }),
        7 => Box::new(move |t| lr * (1.0 - (5.0 * t).fract())),
        8 => Box::new(move |t| lr * (1.0 - t / 2.5)),
        _ => Box::new(move |t| lr * (1.0 - t / at).max(0.0)),
    })
}

/// A record, and whether its losses are without noise.
fn record(kind: u64, draw: &mut Draw) -> (Record, bool) {
    let (n, stride) = (draw.of(&[5u32, 8, 12, 20, 40, 120, 300]), draw.of(&[1.0, 1.0, 10.0, 100.0]));
    let begin = if draw.chance(0.15) { 20.0 * f64::from(n) * stride } else { draw.of(&[0.0, 0.0, 1.0]) * stride };
    let (noise, digits) = (draw.of(&[0.0, 1e-3, 0.02, 0.3]), draw.of(&[None, Some(2), Some(4)]));
    let lr = draw.of(&[1e-5, 3e-4, 3e-3, 0.1, 3.0]);
    let curve = shape(kind, draw);
    let printed = move |v: f64| digits.map_or(v, |d: i32| (v * 10f64.powi(d)).round() / 10f64.powi(d));
    let over = |every: u32, f: &dyn Fn(f64) -> f64| {
        Series::new((0..n).filter(|i| i % every == 0).map(|i| {
            let t = f64::from(i) / f64::from(n - 1);
            (begin + f64::from(i) * stride, f(t))
        }))
    };
    let constant = kind == 6 && draw.chance(0.5);
    let noise = if constant { 0.0 } else { noise };
    let mut made = Record::default();
    let train = |t: f64| printed(curve(t) * (1.0 + noise * shake(1000.0 * t)));
    if !draw.chance(0.15) {
        made.loss = over(1, &train);
    }
    if draw.chance(0.5) {
        let (every, gap, bend) = (draw.of(&[1, 4, 10]), draw.of(&[0.8, 1.0, 1.3]), draw.of(&[0.0, 0.0, 1.5]));
        made.val_loss = over(every, &|t| printed(gap * curve(t) * (1.0 + bend * t * t) * (1.0 + noise * shake(t))));
    }
    if draw.chance(0.4) {
        let (learns, unit) = (draw.chance(0.7), draw.of(&[1.0, 100.0]));
        made.score = over(2, &|t| unit * if learns { 0.1 + 0.8 * (1.0 - (-5.0 * t).exp()) } else { 0.1 });
    }
    if let Some(rate) = rate(draw, lr) {
        made.lr = over(1, &rate);
    }
    if draw.chance(0.3) {
        let grows = draw.of(&[0.0, 0.5, 4.0]);
        made.grad_norm = over(1, &|t| (grows * t).exp() * (1.0 + 0.1 * shake(t)));
    }
    let facts = &mut made.facts;
    facts.lr = draw.chance(0.6).then_some(lr);
    facts.classes = draw.chance(0.3).then(|| draw.of(&[2, 10, 1000]));
    facts.optimizer = draw.chance(0.3).then(|| draw.of(&["sgd", "adamw"]).to_owned());
    facts.total_steps = draw.chance(0.2).then_some(1.5 * f64::from(n) * stride);
    facts.weights = draw.of(&[Weights::Unknown, Weights::Unknown, Weights::Fresh, Weights::Trained]);
    (facts.running, facts.game) = (draw.chance(0.1), draw.chance(0.05));
    (facts.table, facts.interrupted) = (draw.chance(0.03), draw.chance(0.05));
    (made, noise < 0.01)
}

/// What an advice does to the rate: lower it, raise it.
fn moves(advice: &str) -> (bool, bool) {
    let says = |words: &[&str]| words.iter().any(|w| advice.contains(w));
    (says(&["divide the rate", "halve the rate", "lower the rate by"]), says(&["raise the rate", "double the rate"]))
}

/// What is wrong with a diagnosis, if anything.
fn faults(found: &Diagnosis, base: Option<f64>) -> Vec<String> {
    let mut out = Vec::new();
    let codes: Vec<Code> = found.findings.iter().map(|f| f.code).collect();
    if codes.iter().collect::<BTreeSet<_>>().len() != codes.len() {
        out.push(format!("a finding twice: {codes:?}"));
    }
    let (lowers, raises) =
        found.findings.iter().map(|f| moves(&f.advice)).fold((false, false), |a, m| (a.0 || m.0, a.1 || m.1));
    let against = match found.verdict {
        Placement::TooLow => lowers,
        Placement::TooHigh | Placement::Diverged => raises,
        Placement::Good => lowers || raises,
        Placement::Unknown => match found.ruled_out {
            Some((Placement::TooHigh, _)) => lowers,
            Some(_) => raises,
            None => lowers && raises,
        },
    };
    if against {
        let advice: Vec<&str> = found.findings.iter().map(|f| f.advice.as_str()).collect();
        out.push(format!("{} against {codes:?}: {advice:#?}", found.verdict));
    }
    if let Some((lr, next)) = base.zip(found.next_lr) {
        // A run may break at a rate below one that trained, and is told so.
        let other = || found.findings.iter().any(|f| f.advice.contains("the rate alone did not break it"));
        let right = match found.verdict {
            Placement::TooLow => next > lr,
            Placement::TooHigh => next < lr,
            Placement::Diverged => next < lr || other(),
            // One run moves its rate by a factor of 2, away from what is ruled out.
            Placement::Unknown if found.ruled_out.is_some() => (0.45..2.2).contains(&(next / lr)),
            _ => true,
        };
        if !right {
            out.push(format!("{} at {lr}, and next {next}", found.verdict));
        }
    }
    if (found.verdict == Placement::Unknown) != (found.confidence == 0.0) || !(0.0..=1.0).contains(&found.confidence) {
        out.push(format!("{} with confidence {}", found.verdict, found.confidence));
    }
    let against = match found.ruled_out {
        Some((side, _)) => found.verdict == side || side == Placement::TooHigh && found.verdict == Placement::Diverged,
        None => false,
    };
    if against || found.ruled_out.is_some_and(|r| !(0.8..=1.0).contains(&r.1)) {
        out.push(format!("{} with {:?} ruled out", found.verdict, found.ruled_out));
    }
    for finding in &found.findings {
        let Finding { code, evidence, advice, numbers, .. } = finding;
        let text = format!(" {evidence} ");
        let empty = [
            " 0 %",
            "(0 %",
            " -0 ",
            "less than 0.1 %",
            " 1 times ",
            "rose by 0 ",
            "100 % of its start",
            "100 % of its peak",
            "correlation of 0 ",
            "correlation of 0;",
            "factor of 1 ",
            "factor of 1;",
        ];
        let unwritten = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| matches!(w, "NaN" | "inf"));
        if evidence.is_empty() || advice.is_empty() || unwritten || empty.iter().any(|e| text.contains(e)) {
            out.push(format!("{code} says nothing: {evidence} / {advice}"));
        }
        if numbers.iter().any(|n| n.1.is_infinite()) {
            out.push(format!("{code} has {numbers:?}"));
        }
    }
    out
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}

#[test]
fn findings_of_any_curve_agree_and_say_something() {
    let (mut wrong, mut verdicts, mut codes) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for number in 0..4000 {
        let kind = number % SHAPES;
        let (record, quiet) = record(kind, &mut Draw(number));
        let found = diagnose(&record);
        verdicts.insert(found.verdict);
        codes.extend(found.findings.iter().map(|f| f.code));
        wrong.extend(
            faults(&found, record.base_lr()).into_iter().map(|w| format!("curve {number} of shape {kind}: {w}")),
        );
        // What stands still, jumped up for good or broke is never called too low.
        let values = record.main().values();
        let stands = match kind {
            6 => values.windows(2).all(|w| w[0] == w[1]),
            // With a rate that decayed any loss stands still.
            8 | 11 | 12 | 14 => quiet && values.len() >= 12 && record.lr.is_empty(),
            10 | 13 => true,
            _ => false,
        };
        if stands && found.verdict == Placement::TooLow {
            wrong.push(format!("curve {number} of shape {kind} is too low: {}", found.because));
        }
    }
    none(&wrong);
    // "Good" is too seldom said of a single curve to be drawn.
    let mut often = Placement::ALL.into_iter().filter(|v| *v != Placement::Good);
    assert!(often.all(|v| verdicts.contains(&v)), "not every verdict was drawn: {verdicts:?}");
    let single = Code::ALL.into_iter().filter(|c| !c.as_str().starts_with("LR03") && *c != Code::AboutRight);
    let never: Vec<Code> = single.filter(|c| !codes.contains(c)).collect();
    assert!(never.is_empty(), "never drawn: {never:?}");
}

#[test]
fn findings_of_any_sweep_agree_and_say_something() {
    let (mut wrong, mut made, mut codes) = (Vec::new(), 0, BTreeSet::new());
    for number in 0..400 {
        let mut draw = Draw(10_000 + number);
        let (n, best, factor): (i32, f64, f64) =
            (draw.of(&[3, 4, 5, 7]), draw.of(&[-1.0, 0.0, 1.0, 2.5, 4.0, 6.0]), draw.of(&[2.0, 3.2, 10.0]));
        let (low, breaks) = (draw.of(&[1e-5, 1e-3, 0.03]), draw.of(&[2.5, 4.5, 9.0]));
        let (flat, kind) = (draw.chance(0.1), draw.of(&[0, 1, 2, 3, 5, 6, 8, 9, 14, 17]));
        let records: Vec<Record> = (0..n)
            .map(|i| {
                let off = f64::from(i) - best;
                let kind = if off > breaks { draw.of(&[8, 10, 14]) } else { kind };
                let (mut own, _) = record(kind, &mut Draw(number));
                let by = if flat { 1.0 } else { 1.0 + 0.3 * off * off };
                let worse = |s: &Series| {
                    Series::new(
                        s.points()
                            .iter()
                            .enumerate()
                            .map(|(at, p)| (p.0, if at == 0 { p.1 } else { p.1 * by }))
                            .chain(s.broken().iter().map(|step| (*step, f64::NAN))),
                    )
                };
                (own.loss, own.val_loss) = (worse(&own.loss), worse(&own.val_loss));
                own.lr = Series::default();
                own.facts.lr = Some(low * factor.powi(i));
                own.facts.table = false;
                own
            })
            .collect();
        let files: Vec<String> = records.iter().map(|r| format!("job/lr{}.csv", r.facts.lr.unwrap())).collect();
        let runs: Vec<NamedRun<'_>> =
            records.iter().zip(&files).map(|(record, file)| NamedRun { file, run: "", record }).collect();
        let judged = Verdicts::judge(&runs, false, |path| path.contains("lr"));
        made += judged.sweeps.len();
        for (record, found) in records.iter().zip(&judged.diagnoses) {
            codes.extend(found.findings.iter().map(|f| f.code));
            wrong.extend(faults(found, record.base_lr()).into_iter().map(|w| format!("sweep {number}: {w}")));
        }
    }
    none(&wrong);
    assert!(made > 200, "{made} sweeps");
    for code in [Code::Sweep, Code::SweepEdge, Code::SweepDead, Code::NoSweep] {
        assert!(codes.contains(&code), "{code} was never drawn");
    }
}

//! Laws of every legal schedule, and of its notation.

use proptest::prelude::*;
use stepsize::schedule::{OneCycle, Shape};
use stepsize::{Job, Result, Schedule};

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Linear),
        Just(Shape::Cosine),
        Just(Shape::Exponential),
        Just(Shape::Sqrt),
        (0.1..5.0).prop_map(Shape::Power),
        (0.1..5.0).prop_map(Shape::CosinePower),
        Just(Shape::Power(0.5)),
    ]
}

fn factor() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..2.0, (-12.0..12.0).prop_map(|e: f64| 10f64.powf(e))]
}

fn leaf() -> impl Strategy<Value = Schedule> {
    let legal = |s: Result<Schedule>| s.ok();
    let steps = || prop_oneof![1u64..50, 1u64..10_000_000];
    let every = || prop_oneof![Just(1.0), 1e-3..1e6];
    let share = 0.01..1.0;
    prop_oneof![
        Just(Schedule::constant()),
        factor().prop_filter_map("illegal", move |f| legal(Schedule::flat(f))),
        (factor(), factor(), steps(), shape())
            .prop_filter_map("illegal", move |(a, b, n, s)| legal(Schedule::ramp(a, b, n, s))),
        (factor(), every(), any::<bool>(), proptest::option::of(factor())).prop_filter_map(
            "illegal",
            move |(r, e, stairs, l)| legal(if stairs {
                Schedule::step(e, r, l)
            } else {
                Schedule::exponential(r, e, l)
            })
        ),
        (factor(), every(), prop_oneof![Just(0.5), Just(1.0), 0.0..4.0], any::<bool>())
            .prop_filter_map("illegal", move |(r, e, p, s)| legal(Schedule::inverse(r, e, p, s))),
        (steps(), share, 0.1..100.0, 0.1..1e6, any::<bool>(), any::<bool>()).prop_filter_map(
            "illegal",
            move |(steps, rise, div, final_div, linear, three_phase)| {
                legal(Schedule::one_cycle_with(OneCycle { steps, rise, div, final_div, linear, three_phase }))
            }
        ),
        proptest::collection::vec(factor(), 1..8).prop_filter_map("illegal", move |v| legal(Schedule::table(v))),
    ]
}

fn schedule() -> impl Strategy<Value = Schedule> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let parts = || proptest::collection::vec(inner.clone(), 1..4);
        let stretch = prop_oneof![Just(1.0), Just(2.0), 1.01..3.0];
        prop_oneof![
            parts().prop_filter_map("illegal", |p| {
                let last = p.len() - 1;
                let closed = |(i, s): (usize, Schedule)| match s.steps() {
                    None if i < last => s.take(7).ok(),
                    _ => Some(s),
                };
                Schedule::sequence(p.into_iter().enumerate().map(closed).collect::<Option<_>>()?).ok()
            }),
            parts().prop_filter_map("illegal", |p| Schedule::product(p).ok()),
            parts().prop_filter_map("illegal", |p| Schedule::sum(p).ok()),
            (inner.clone(), proptest::option::of(1u32..30), stretch, factor())
                .prop_filter_map("illegal", |(p, n, s, g)| Schedule::repeat_with(p, n, s, g).ok()),
            (inner.clone(), 1u64..100_000).prop_filter_map("illegal", |(p, n)| p.take(n).ok()),
            (inner.clone(), 0u64..1000, 1u64..5000, 1u64..5000)
                .prop_filter_map("illegal", |(p, done, from, to)| p.extend(done, from, to).ok()),
        ]
    })
}

fn same(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

#[test]
fn a_product_of_numbers_leaves_the_length_of_its_neighbour_alone() {
    let text = "repeat(1 * 2 + one_cycle(5), times=1)";
    assert_eq!(Schedule::parse(text, 977).unwrap(), text.parse::<Schedule>().unwrap());
}

#[test]
fn a_timescale_that_is_stretched_beyond_every_run_stays_legal() {
    let long = Schedule::parse("inverse_time(0.5, every=4e15)", 100).unwrap();
    let longer = long.compress(100, 300).unwrap();
    assert_eq!(longer.to_string().parse::<Schedule>().unwrap(), longer);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn printed_and_read_it_is_the_same(s in schedule()) {
        let text = s.to_string();
        prop_assert_eq!(&text.parse::<Schedule>().unwrap(), &s, "{}", text);
        // A run's length changes nothing where no length is open.
        prop_assert_eq!(&Schedule::parse(&text, 977).unwrap(), &s, "{}", text);
        let json = serde_json::to_string(&s).unwrap();
        prop_assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), s);
    }

    #[test]
    fn every_factor_is_finite_and_not_negative(s in schedule(), near in 0u64..200, far: u64) {
        for step in [near, far, u64::MAX, u64::MAX - 1, 1 << 53, far >> 32, far >> 48] {
            let f = s.factor(step);
            prop_assert!(f.is_finite() && f >= 0.0, "{s} at {step}: {f}");
        }
    }

    #[test]
    fn past_the_end_the_last_value_is_held(s in schedule(), beyond in 0u64..1000) {
        if let Some(end) = s.steps() {
            prop_assert_eq!(s.factor(end), s.factor(end + beyond), "{}", s);
            prop_assert_eq!(s.factor(end), s.factor(u64::MAX), "{}", s);
        }
    }

    #[test]
    fn nested_sequences_are_transparent(a in leaf(), b in leaf(), c in leaf(), step in 0u64..1000) {
        let closed = |s: Schedule| if s.steps().is_some() { s } else { s.take(11).unwrap() };
        let (a, b) = (closed(a), closed(b));
        let flat = Schedule::sequence(vec![a.clone(), b.clone(), c.clone()]).unwrap();
        let left = a.clone().then(b.clone()).unwrap().then(c.clone()).unwrap();
        let right = a.clone().then(b.then(c).unwrap()).unwrap();
        let wrapped = Schedule::sequence(vec![Schedule::sequence(vec![flat.clone()]).unwrap()]).unwrap();
        prop_assert!(flat == left && flat == right && flat == wrapped);
        if step < a.steps().unwrap() {
            prop_assert_eq!(flat.factor(step), a.factor(step));
        }
    }

    #[test]
    fn compression_is_legal_and_its_length_is_the_scaled_one(s in schedule(), from in 1u64..500, to in 1u64..500) {
        // Only what grows beyond every length may be refused.
        let c = match s.compress(from, to) {
            Err(_) if to > from => return Ok(()),
            c => c.unwrap(),
        };
        prop_assert_eq!(&c.to_string().parse::<Schedule>().unwrap(), &c);
        for step in [0, 1, to - 1, to, u64::MAX] {
            let f = c.factor(step);
            prop_assert!(f.is_finite() && f >= 0.0);
        }
        if let (Some(old), Some(new)) = (s.steps(), c.steps()) {
            let exact = old as f64 * to as f64 / from as f64;
            // Shorter than the number of its parts nothing can be.
            prop_assert!(new as f64 >= exact - 1.0 - 1e-9 * exact, "{s} of {old} to {c} of {new}");
        }
    }

    #[test]
    fn compressed_ends_meet(parts in proptest::collection::vec((1u64..500, factor(), factor()), 1..6), to in 1u64..3000) {
        let ramps = parts.iter().map(|(n, a, b)| Schedule::ramp(*a, *b, *n, Shape::Linear).unwrap());
        let s = Schedule::sequence(ramps.collect()).unwrap();
        let from = s.steps().unwrap();
        let c = s.compress(from, to).unwrap();
        prop_assert_eq!(c.steps(), Some(to.max(parts.len() as u64)));
        prop_assert!(same(c.factor(u64::MAX), s.factor(u64::MAX)));
        prop_assert!(same(c.factor(0), s.factor(0)));
    }

    #[test]
    fn a_warm_up_keeps_its_share(warm in 1u64..500, rest in 1u64..5000, to in 1u64..5000) {
        let s = Schedule::warmup(warm).unwrap().then(Schedule::cosine(rest).unwrap()).unwrap();
        let c = s.compress(warm + rest, to).unwrap();
        let exact = warm as f64 * to as f64 / (warm + rest) as f64;
        let peak = (0..=to + 2).find(|k| c.factor(*k) == 1.0).unwrap() as f64;
        prop_assert!((peak - exact).abs() <= 1.0, "{c}: peak at {peak}, not {exact}");
    }

    #[test]
    fn an_extension_keeps_the_past_and_the_end(s in leaf(), done in 0u64..400, more in 1u64..2000) {
        let from = s.steps().unwrap_or(500).min(5000);
        let to = done + more;
        let longer = s.extend(done, from, to).unwrap();
        for step in 0..=done {
            prop_assert_eq!(longer.factor(step), s.factor(step));
        }
        if done < from && from != to {
            prop_assert_eq!(longer.factor(to), s.factor(from));
            prop_assert_eq!(longer.factor(to + more), s.factor(from));
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z_(),=:+*% 0-9.e-]{0,40}", steps in 1u64..1000) {
        if let Err(error) = Schedule::parse(&text, steps) {
            prop_assert!(error.column().is_some_and(|c| c <= text.chars().count()), "{error}");
        }
    }
}

#[test]
fn a_repetition_that_ends_with_the_run_still_does() {
    let s = Schedule::parse("sgdr(100)", 1000).unwrap();
    let c = s.compress(1000, 62).unwrap();
    assert_eq!(c.steps(), Some(62));
    assert_eq!(s.compress(1000, 500).unwrap().to_string(), "repeat(cosine(50))");
    assert_eq!(Schedule::parse("warmup(10%) then repeat(cosine, times=3)", 100).unwrap().steps(), Some(100));
}

#[test]
fn only_a_constant_ignores_the_horizon() {
    for (text, free) in [
        ("constant", true),
        ("constant(0.5)", true),
        ("0.5 * constant", true),
        ("cosine", false),
        ("warmup(10) then constant", false),
        ("exponential(0.99)", false),
        ("step(10, 0.5)", false),
        ("sgdr(10)", false),
        ("0.1 + 0.9 * inverse_sqrt(10)", false),
        ("table(1, 1)", false),
    ] {
        let job = Job::new(1000, Schedule::parse(text, 1000).unwrap(), 0).unwrap();
        assert_eq!(job.is_horizon_free(), free, "{text}");
    }
}

#[test]
fn compression_to_one_step() {
    for text in
        ["cosine", "warmup(10%) then cosine", "one_cycle", "sgdr(10)", "step(10, 0.1)", "table(1, 2, 3)", "wsd(0.2)"]
    {
        let c = Schedule::parse(text, 100).unwrap().compress(100, 1).unwrap();
        assert!(c.factor(0).is_finite(), "{text}");
    }
}

#[test]
fn a_timescale_is_compressed_exactly() {
    let s = Schedule::parse("exponential(0.999)", 1000).unwrap();
    let c = s.compress(1000, 10).unwrap();
    assert!(same(s.factor(1000), c.factor(10)));
}

#[test]
fn notation_resolves_open_lengths() {
    for (text, resolved) in [
        ("constant", "constant"),
        ("0.5", "constant(0.5)"),
        ("cosine(floor=0.1)", "cosine(1000, floor=0.1)"),
        ("warmup(100) then cosine", "warmup(100) then cosine(900)"),
        ("warmup(2%) then linear", "warmup(20) then linear(980)"),
        ("warmup(0.02, cosine) then linear", "warmup(20, cosine) then linear(980)"),
        ("constant then linear(20%)", "hold(1, 800) then linear(200)"),
        ("exponential(0.99) then linear(20%)", "take(exponential(0.99), 800) then linear(200)"),
        ("wsd(0.2)", "hold(1, 800) then linear(200)"),
        ("warmup(10%) then wsd(20%, 1-sqrt)", "warmup(100) then hold(1, 700) then sqrt(200)"),
        ("one_cycle", "one_cycle(1000)"),
        ("one_cycle(linear, rise=0.4)", "one_cycle(1000, rise=0.4, linear)"),
        ("step(30%, 0.1)", "step(300, 0.1)"),
        ("multi_step(0.5, 30%, 60%)", "hold(1, 300) then hold(0.5, 300) then constant(0.25)"),
        ("piecewise(1, 50%: 0.5, 1e3: 0, cosine)", "cosine(500, floor=0.5) then ramp(0.5, 0, 500, cosine)"),
        ("flat_cosine", "hold(1, 750) then cosine(250)"),
        ("0.1 + 0.9 * cosine", "0.1 + 0.9 * cosine(1000)"),
        ("(warmup(10) then cosine) * 2", "(warmup(10) then cosine(990)) * 2"),
        ("repeat(cosine, times=4)", "repeat(cosine(250), times=4)"),
        ("sgdr(100, 2)", "repeat(cosine(100), stretch=2)"),
        ("triangular(50)", "0.25 + 0.75 * repeat(warmup(50) then linear(50))"),
        ("triangular2(50, low=0)", "repeat(warmup(50) then linear(50)) * step(100, 0.5)"),
        ("range_test(1e7, 101)", "ramp(1, 10000000, 100, exponential) then hold(10000000, 1)"),
        ("warmup(10, constant, from=0.3) then constant", "hold(0.3, 10) then constant"),
        ("(warmup(10) then (cosine)) then constant", "warmup(10) then cosine(990) then constant"),
    ] {
        assert_eq!(Schedule::parse(text, 1000).unwrap().to_string(), resolved, "{text}");
    }
}

#[test]
fn errors_point_at_the_place() {
    for (text, column, message) in [
        ("cosin", 0, "did you mean `cosine`?"),
        ("warmup(10) then lineer(5)", 16, "did you mean `linear`?"),
        ("cosine(flor=0.1)", 7, "did you mean `floor`?"),
        ("warmup(10, cosin)", 11, "did you mean `cosine`?"),
        ("cosine(-5)", 7, "whole number"),
        ("cosine(0)", 7, "at least 1 step"),
        ("cosine(10, -1)", 0, "at least 0"),
        ("cosine then linear", 12, "leave their length open"),
        ("warmup(1000) then cosine", 18, "no steps remain"),
        ("cosine(10) linear", 11, "joined by"),
        ("cosine(10", 9, "missing"),
        ("", 0, "missing before the end"),
        ("repeat(step(3, 0.1))", 0, "never ends"),
        ("exponential(1.1)", 0, "limit"),
        ("é then cosine", 0, "unknown name"),
        ("warmup(10) then cosine(10, 0.1, 1, 2)", 35, "no more than"),
        ("cosine(10, steps=20)", 11, "twice"),
        ("cosine & linear", 7, "no meaning"),
    ] {
        let error = Schedule::parse(text, 1000).unwrap_err();
        assert_eq!(error.column(), Some(column), "{text}: {error}");
        assert!(error.to_string().contains(message), "{text}: {error}");
    }
    assert!("cosine".parse::<Schedule>().unwrap_err().to_string().contains("needs its length"));
    assert!("warmup(2%)".parse::<Schedule>().is_err());
}

#[test]
fn constructors_refuse_what_is_no_schedule() {
    assert!(
        Schedule::flat(-0.1).is_err() && Schedule::flat(f64::NAN).is_err() && Schedule::flat(f64::INFINITY).is_err()
    );
    assert!(Schedule::linear(0).is_err() && Schedule::linear(u64::MAX).is_err());
    assert!(Schedule::table([]).is_err() && Schedule::sequence(vec![]).is_err());
    assert!(Schedule::constant().then(Schedule::constant()).is_err());
    assert!(Schedule::warmup_with(10, 0.0, Shape::Exponential).is_err());
    assert!(Schedule::multi_step(0.1, &[5, 5]).is_err());
    assert!(serde_json::from_str::<Schedule>("\"cosine(0)\"").is_err());
    assert_eq!(Schedule::flat(25.0).unwrap().factor(3), 25.0);
    let deep = (0..100).try_fold(Schedule::linear(3).unwrap(), |s, _| Schedule::repeat(s, Some(1)));
    assert!(deep.unwrap_err().is_invalid());
}

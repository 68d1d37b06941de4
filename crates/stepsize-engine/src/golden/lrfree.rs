//! Step by step against the packages of the methods' authors: `tests/lrfree_golden.json`, written
//! by `tests/lrfree_golden.py`.

use super::numbers;
use crate::matrix::Matrix;
use crate::optimizer::Optimizer;
use serde_json::Value;

/// Over 200 steps parameters differ by less than this, relative to the largest of them, and losses
/// relative to the first.
const TOLERANCE: f64 = 1e-5;
const ROWS: usize = 32;
const BATCH: usize = 4;

/// The script's generator: multiples of 1/1024 in -1..1.
fn draws(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = (1_103_515_245 * state + 12_345) % (1 << 31);
            (((state / 65_536) % 2048) as f64 - 1024.0) / 1024.0
        })
        .collect()
}

/// The script's problem, in its order of operations.
struct Problem {
    a: Vec<Vec<f64>>,
    y: Vec<f64>,
}

impl Problem {
    fn new(size: usize) -> Self {
        let a: Vec<Vec<f64>> = (0..ROWS).map(|row| draws(size, 7 + row as u64)).collect();
        let solution: Vec<f64> = draws(size, 99).iter().map(|v| 2.0 * v).collect();
        let y = a.iter().zip(draws(ROWS, 5)).map(|(a, noise)| dot(a, &solution) + 0.3 * noise).collect();
        Self { a, y }
    }

    fn judge(&self, p: &[f64], step: usize) -> (f64, Vec<f64>) {
        let (mut loss, mut gradient) = (0.0, vec![0.0; p.len()]);
        for i in 0..BATCH {
            let row = (step * BATCH + i) % ROWS;
            let error = dot(&self.a[row], p) - self.y[row];
            let root = (1.0 + error * error).sqrt();
            loss += (root - 1.0) / BATCH as f64;
            for (g, a) in gradient.iter_mut().zip(&self.a[row]) {
                *g += error / root * a / BATCH as f64;
            }
        }
        (loss, gradient)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}

fn flat(parameters: &[Matrix]) -> Vec<f64> {
    parameters.iter().flat_map(|p| &p.values).map(|v| f64::from(*v)).collect()
}

fn split(values: &[f64], shapes: &[usize]) -> Vec<Matrix> {
    let mut rest = values;
    let block = |size: &usize| {
        let (mine, left) = rest.split_at(*size);
        rest = left;
        Matrix::new(mine.iter().map(|v| *v as f32).collect(), [1, *size])
    };
    shapes.iter().map(block).collect()
}

/// The largest difference relative to the largest expected value.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / scale
}

#[test]
fn methods_without_a_rate_step_as_their_packages() {
    let golden: Value = serde_json::from_str(include_str!("../../tests/lrfree_golden.json")).unwrap();
    let shapes: Vec<usize> = numbers(&golden["shapes"]).iter().map(|n| *n as usize).collect();
    let size = shapes.iter().sum();
    let problem = Problem::new(size);
    let start: Vec<f64> = draws(size, 3).iter().map(|v| 0.5 * v).collect();
    let mut faults = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let name = case["optimizer"].as_str().unwrap();
        let (rates, losses) = (numbers(&case["rates"]), numbers(&case["losses"]));
        let decay = case["weight_decay"].as_f64().unwrap();
        let mut optimizer = Optimizer::new(&name.parse().unwrap(), decay, None, &shapes);
        let mut parameters = split(&start, &shapes);
        let mut points = case["points"].as_array().unwrap().iter();
        let mut point = points.next();
        let mut worst = 0.0f64;
        for (step, expected) in losses.iter().enumerate() {
            // A case with gradients of its own is judged on these: what comes back through the
            // problem is no fault of the method (see the script).
            let (loss, gradient) = match &case["gradients"][step] {
                Value::Null => problem.judge(&flat(&parameters), step),
                given => (*expected, numbers(given)),
            };
            worst = worst.max((loss - expected).abs() / losses[0]);
            let gradients = split(&gradient, &shapes);
            optimizer.step(rates[step % rates.len()], loss, &mut parameters, gradients).unwrap();
            if let Some(seen) = point.filter(|p| p["step"].as_u64() == Some(step as u64 + 1)) {
                let evaluated = optimizer.evaluated(&parameters);
                let evaluated = flat(evaluated.as_ref().unwrap_or(&parameters));
                worst = worst.max(apart(&flat(&parameters), &numbers(&seen["trained"])));
                worst = worst.max(apart(&evaluated, &numbers(&seen["evaluated"])));
                point = points.next();
            }
        }
        assert!(point.is_none() && losses.len() == 200, "{name}: not all points were compared");
        println!("{name}: largest relative difference over 200 steps {worst:.1e}");
        // a NaN is no largest difference
        let broken = flat(&parameters).iter().any(|v| !v.is_finite());
        if broken || worst > TOLERANCE {
            faults.push(format!("{name} {worst:.1e}"));
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}

//! Step by step against PyTorch: `tests/torch_golden.json`, written by `tests/torch_golden.py`.

mod lrfree;

use crate::data::Targets;
use crate::matrix::Matrix;
use crate::network::fused::Fused;
use crate::network::{Architecture, Batch, Network};
use crate::objective::judge;
use crate::optimizer::Optimizer;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// After 50 steps losses and weights differ by less than this, relative to the loss and to the
/// largest weight.
const TOLERANCE: f64 = 1e-5;

#[test]
fn optimizers_step_as_in_torch() {
    let golden: Value = serde_json::from_str(include_str!("../tests/torch_golden.json")).unwrap();
    let widths: Vec<usize> = numbers(&golden["widths"]).iter().map(|w| *w as usize).collect();
    let architecture = Architecture::Dense { widths, norm: false };
    let x: Vec<f32> = numbers(&golden["x"]).iter().map(|v| *v as f32).collect();
    let ids = numbers(&golden["y"]).iter().map(|v| *v as u32).collect();
    let targets = Targets::Classes { ids, count: 3 };
    let initial: Vec<f32> = numbers(&golden["initial"]).iter().map(|v| *v as f32).collect();
    for case in golden["cases"].as_array().unwrap() {
        let name = case["optimizer"].as_str().unwrap();
        let mut rest = initial.as_slice();
        let mut parameters = Vec::new();
        for parameter in architecture.parameters() {
            let (values, left) = rest.split_at(parameter.shape[0] * parameter.shape[1]);
            parameters.push(Matrix::new(values.to_vec(), parameter.shape));
            rest = left;
        }
        let lengths: Vec<usize> = parameters.iter().map(|p| p.values.len()).collect();
        let network = Fused::new(&architecture);
        let (decay, clip) = (case["weight_decay"].as_f64().unwrap(), case["clip_norm"].as_f64());
        let mut optimizer = Optimizer::new(&name.parse().unwrap(), decay, clip, &lengths);
        for (step, expected) in numbers(&case["losses"]).iter().enumerate() {
            let rows: Vec<u32> = (0..16).map(|r| (step % 4 * 16 + r) as u32).collect();
            let values = x[step % 4 * 96..step % 4 * 96 + 96].to_vec();
            let batch = Batch::Rows { values, rows: 16, width: 6 };
            let mut objective = |outputs: &[f32]| judge(&targets, &rows, outputs);
            let (loss, gradients) = network.gradients(&parameters, batch, &mut objective).unwrap();
            assert!((loss - expected).abs() <= TOLERANCE * expected, "{name}, step {step}: {loss} not {expected}");
            let lr = case["lr"].as_f64().unwrap();
            optimizer.step(lr, loss, &mut parameters, gradients).unwrap();
        }
        let end: Vec<f32> = parameters.into_iter().flat_map(|p| p.values).collect();
        let expected = numbers(&case["final"]);
        let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let worst = end.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        println!("{name}: largest difference {worst:.1e} of {scale:.2}");
        assert!(worst <= TOLERANCE * scale, "{name}: a weight differs by {worst} of {scale}");
    }
}

//! The jobs. `fit` jobs may be looked at when the search is changed; `held` jobs are for judging it
//! only.
//!
//! A held job that was looked at becomes a fit job, and new held jobs are made before the next
//! look: so it went with the twelve in the middle of the list.

use std::error::Error;
use stepsize::{Job, Schedule};
use stepsize_engine::{Task, TaskConfig};

/// One job, as text: what the command line would be given.
pub struct Spec {
    pub name: &'static str,
    pub held: bool,
    data: &'static str,
    model: &'static str,
    optimizer: &'static str,
    batch: usize,
    weight_decay: f64,
    clip_norm: Option<f64>,
    pub steps: u64,
    pub schedule: &'static str,
}

impl Spec {
    /// What `describe` may leave out.
    pub fn optimizer_text(&self) -> String {
        format!("{} wd {}", self.optimizer, self.weight_decay)
    }
}

/// A job ready to run.
pub struct Ready {
    pub spec: &'static Spec,
    pub task: Task,
}

impl Ready {
    /// The full run, its probes seeded with `seed`.
    pub fn job(&self, seed: u64) -> Result<Job, stepsize::Error> {
        Job::new(self.spec.steps, Schedule::parse(self.spec.schedule, self.spec.steps)?, seed)
    }
}

/// All jobs whose name contains one of `names` (all, when empty), loaded.
pub fn load(names: &[String]) -> Result<Vec<Ready>, Box<dyn Error>> {
    SPECS
        .iter()
        .filter(|s| names.is_empty() || names.iter().any(|n| s.name.contains(n.as_str())))
        .map(|spec| {
            let config = TaskConfig {
                data: spec.data.parse()?,
                model: spec.model.parse()?,
                optimizer: spec.optimizer.parse()?,
                batch_size: spec.batch,
                weight_decay: spec.weight_decay,
                clip_norm: spec.clip_norm,
                ..TaskConfig::default()
            };
            Ok(Ready { spec, task: Task::load(config)? })
        })
        .collect()
}

#[rustfmt::skip]
const fn job(
    name: &'static str, data: &'static str, model: &'static str, optimizer: &'static str,
    batch: usize, steps: u64, schedule: &'static str,
) -> Spec {
    Spec { name, held: false, data, model, optimizer, batch, weight_decay: 0.0, clip_norm: None, steps, schedule }
}

const fn held(spec: Spec) -> Spec {
    Spec { held: true, ..spec }
}

const fn clipped(spec: Spec, norm: f64) -> Spec {
    Spec { clip_norm: Some(norm), ..spec }
}

const fn decayed(spec: Spec, weight_decay: f64) -> Spec {
    Spec { weight_decay, ..spec }
}

#[rustfmt::skip]
const SPECS: &[Spec] = &[
    job("digits_mlp_cos", "digits", "mlp:128,64", "sgd:0.9", 64, 1000, "cosine"),
    job("digits_mlp_const", "digits", "mlp:128,64", "sgd:0.9", 64, 1000, "constant"),
    job("digits_mlp_adam_lin", "digits", "mlp:64", "adam", 64, 800, "linear"),
    job("digits_deep_norm", "digits", "mlp:64,64,64,64,norm", "sgd:0.9", 64, 1000, "cosine"),
    job("digits_logreg_const", "digits", "linear", "sgd", 32, 1000, "constant"),
    job("digits_cnn_cos", "digits", "cnn", "sgd:0.9", 64, 400, "cosine"),
    job("charlm_adamw_cos", "text", "charlm", "adamw", 64, 1500, "cosine"),
    job("charlm_sgd_const", "text", "charlm", "sgd:0.9", 32, 1000, "constant"),
    job("diabetes_mlp_adam_const", "diabetes", "mlp:64,64", "adam", 32, 600, "constant"),
    job("diabetes_b8_sgd_const", "diabetes", "mlp:32", "sgd:0.9", 8, 600, "constant"),
    decayed(job("cancer_mlp_adamw_lin", "breast_cancer", "mlp:64,32", "adamw", 16, 800, "linear"), 0.01),
    job("digits_b8_cos", "digits", "mlp:64", "sgd:0.9", 8, 1500, "cosine"),
    job("diabetes_linear_lin", "diabetes", "linear", "sgd", 32, 500, "linear"),
    job("digits_deep_adam_const", "digits", "mlp:64,64,64,64", "adam", 64, 1000, "constant"),
    job("cancer_linear_adam_cos", "breast_cancer", "linear", "adam", 32, 300, "cosine"),
    job("digits_nesterov_lin", "digits", "mlp:128", "nesterov:0.9", 128, 600, "linear"),
    decayed(job("digits_wide_adamw_cos", "digits", "mlp:256", "adamw", 128, 800, "cosine"), 0.01),
    job("digits_cnn_adam_lin", "digits", "cnn", "adam", 64, 300, "linear"),
    job("charlm_nesterov_lin", "text", "charlm", "nesterov:0.9", 64, 1000, "linear"),
    job("diabetes_norm_sgd_cos", "diabetes", "mlp:64,64,norm", "sgd:0.9", 32, 800, "cosine"),
    job("cancer_logreg_const", "breast_cancer", "linear", "sgd:0.9", 16, 1000, "constant"),
    job("digits_fullbatch_adam_const", "digits", "mlp:64", "adam", 1024, 400, "constant"),
    job("charlm_small_b8_adamw_const", "text", "charlm:8,8,32", "adamw", 8, 1000, "constant"),
    job("digits_deep_sgd_lin", "digits", "mlp:64,64,64", "sgd", 32, 1500, "linear"),
    job("charlm_adam_const", "text", "charlm", "adam", 64, 1200, "constant"),
    job("digits_linear_adamw_cos", "digits", "linear", "adamw", 16, 1500, "cosine"),
    job("cancer_nesterov_cos", "breast_cancer", "mlp:64", "nesterov:0.9", 64, 400, "cosine"),
    job("diabetes_b8_adamw_lin", "diabetes", "mlp:64", "adamw", 8, 1000, "linear"),
    job("digits_b32_warm_cos", "digits", "mlp:128", "sgd:0.9", 32, 1200, "warmup(10%) then cosine"),
    job("digits_adam_wsd", "digits", "mlp:96,48", "adam", 64, 900, "wsd(0.2)"),
    job("digits_cnn_sgd_const", "digits", "cnn", "sgd", 32, 500, "constant"),
    job("digits_b16_sgd_lin", "digits", "mlp:32,32", "sgd", 16, 1400, "linear"),
    decayed(job("digits_norm_adamw_cos", "digits", "mlp:64,64,64,norm", "adamw", 32, 1000, "cosine"), 0.1),
    job("cancer_deep_adam_cos", "breast_cancer", "mlp:32,32,32", "adam", 32, 500, "cosine"),
    job("cancer_b8_sgd_lin", "breast_cancer", "mlp:16", "sgd:0.9", 8, 700, "linear"),
    job("diabetes_linear_adam_const", "diabetes", "linear", "adam", 16, 700, "constant"),
    job("diabetes_mlp_sgd_cos", "diabetes", "mlp:48", "sgd:0.9", 64, 500, "cosine"),
    job("charlm_b16_sgd_lin", "text", "charlm", "sgd:0.9", 16, 1200, "linear"),
    job("charlm_adamw_cycle", "text", "charlm", "adamw", 32, 1000, "one_cycle"),
    job("charlm_wide_adam_poly", "text", "charlm:16,16,64", "adam", 64, 900, "polynomial(power=2)"),
    // Made to have more of the kinds that were found hard: rates near the cliff, overfitting,
    // short, noisy. Wine is no job: its few rows are told apart without error, the loss goes to
    // zero, and a regret relative to it says nothing.
    job("digits_deep3_adam_lin", "digits", "mlp:64,64,64", "adam", 32, 700, "linear"),
    job("cancer_deep3_adam_lin", "breast_cancer", "mlp:64,64,64", "adam", 16, 700, "linear"),
    job("digits_warm_lin", "digits", "mlp:96", "sgd:0.9", 64, 900, "warmup(5%) then linear"),
    job("digits_adam_warm_cos", "digits", "mlp:128,64", "adam", 64, 1000, "warmup(10%) then cosine"),
    job("digits_sgd_wsd", "digits", "mlp:64,32", "sgd:0.9", 32, 1000, "wsd(0.3)"),
    job("digits_cycle", "digits", "mlp:64,64", "nesterov:0.9", 64, 800, "one_cycle"),
    job("digits_step", "digits", "mlp:64", "sgd:0.9", 64, 900, "step(300, 0.1)"),
    job("diabetes_wide_adam_cos", "diabetes", "mlp:128,128", "adam", 16, 1200, "cosine"),
    job("diabetes_long_sgd_const", "diabetes", "mlp:64", "sgd:0.9", 16, 2000, "constant"),
    job("cancer_mlp_adam_const", "breast_cancer", "mlp:64,64", "adam", 32, 1500, "constant"),
    decayed(job("cancer_sgd_wd_cos", "breast_cancer", "mlp:48,48", "sgd:0.9", 32, 1000, "cosine"), 0.01),
    job("digits_short_sgd_cos", "digits", "mlp:64", "sgd:0.9", 64, 200, "cosine"),
    job("charlm_short_adam_lin", "text", "charlm", "adam", 64, 300, "linear"),
    job("cancer_short_adam_const", "breast_cancer", "mlp:32", "adam", 32, 160, "constant"),
    job("digits_norm_adam_const", "digits", "mlp:48,48,48,48,norm", "adam", 64, 800, "constant"),
    clipped(job("charlm_clip_sgd_cos", "text", "charlm", "sgd:0.9", 32, 900, "cosine"), 1.0),
    job("digits_adam95_cos", "digits", "mlp:128", "adam:0.9,0.95,1e-8", 64, 800, "cosine"),
    // Unseen until the search was frozen.
    held(job("cancer_deep_sgd_cos", "breast_cancer", "mlp:64,32,32", "sgd:0.9", 32, 900, "cosine")),
    held(decayed(job("cancer_wide_adamw_const", "breast_cancer", "mlp:256", "adamw", 64, 700, "constant"), 0.05)),
    held(job("cancer_nesterov_cycle", "breast_cancer", "mlp:32,16", "nesterov:0.9", 32, 600, "one_cycle")),
    held(job("diabetes_deep_adam_lin", "diabetes", "mlp:48,48,48", "adam", 32, 800, "linear")),
    held(job("diabetes_b4_sgd_wsd", "diabetes", "mlp:24", "sgd", 4, 1200, "wsd(0.2)")),
    held(job("diabetes_long_adamw_const", "diabetes", "mlp:96", "adamw", 64, 1500, "constant")),
    held(job("digits_cnn_adamw_wsd", "digits", "cnn", "adamw", 64, 300, "wsd(0.3)")),
    held(job("digits_deep5_adam_warm", "digits", "mlp:48,48,48,48,48", "adam", 64, 900, "warmup(5%) then linear")),
    held(job("digits_short_adam_lin", "digits", "mlp:96", "adam", 64, 240, "linear")),
    held(job("digits_b8_nesterov_const", "digits", "mlp:32", "nesterov:0.9", 8, 1500, "constant")),
    held(job("digits_sgd_step", "digits", "mlp:128,64", "sgd", 32, 1200, "step(400, 0.2)")),
    held(job("digits_norm_sgd_lin", "digits", "mlp:64,64,norm", "sgd:0.9", 32, 1000, "linear")),
    held(clipped(job("charlm_clip_adamw_cos", "text", "charlm:24,12,64", "adamw", 32, 900, "cosine"), 1.0)),
    held(job("charlm_b8_sgd_const", "text", "charlm", "sgd", 8, 1500, "constant")),
    held(job("charlm_wide_nesterov_warm", "text", "charlm:16,24,96", "nesterov:0.9", 64, 800, "warmup(10%) then cosine")),
];

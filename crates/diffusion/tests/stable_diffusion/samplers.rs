//! Walks with a network that says something simple.

use candle_core::Tensor;
use serde_json::{Value, json};
use tintype_diffusion::{
    noise::Noise,
    sampler::{Sampler, SamplerConfig},
};

use super::{Reference, WALK};

/// What the reference's name stands for: the caller's name for the method, and the model's own settings.
fn settings(name: &str) -> (Option<&'static str>, Value) {
    let velocity = json!({ "prediction_type": "v_prediction" });
    match name {
        "euler" => (Some("Euler"), json!({})),
        "euler_a" => (Some("Euler A"), json!({})),
        "euler_trailing" => (Some("Euler (trailing timesteps)"), json!({})),
        "euler_leading" => (Some("Euler"), json!({ "timestep_spacing": "leading", "steps_offset": 1 })),
        "euler_karras" => (None, json!({ "_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true })),
        "euler_velocity" => {
            let own = json!({ "prediction_type": "v_prediction", "rescale_betas_zero_snr": true,
                              "timestep_spacing": "trailing" });
            (Some("Euler"), own)
        }
        "multistep" => (Some("DPM++ 2M"), json!({})),
        "multistep_leading" => (Some("DPM++ 2M"), json!({ "timestep_spacing": "leading", "steps_offset": 1 })),
        "multistep_karras" => (Some("DPM++ 2M Karras"), json!({})),
        "multistep_velocity" => (Some("DPM++ 2M"), velocity),
        "stochastic" => (Some("DPM++ 2M SDE"), json!({})),
        "stochastic_karras" => (Some("DPM++ 2M SDE Karras"), json!({})),
        "unified" => (Some("UniPC"), json!({})),
        "unified_karras" => (None, json!({ "_class_name": "UniPCMultistepScheduler", "use_karras_sigmas": true })),
        "consistency" => (Some("LCM"), json!({})),
        "implicit" => (Some("DDIM"), json!({ "steps_offset": 1, "set_alpha_to_one": false })),
        "implicit_velocity" => (Some("DDIM"), velocity),
        "plms" => (None, linear(&json!({}))),
        "plms_velocity" => (None, linear(&velocity)),
        "plms_linspace" => (None, linear(&json!({ "timestep_spacing": "linspace", "set_alpha_to_one": true }))),
        "plms_trailing" => (None, linear(&json!({ "timestep_spacing": "trailing" }))),
        other => panic!("there is no `{other}`"),
    }
}

/// As 1.x and 2.x were published, and `more`.
fn linear(more: &Value) -> Value {
    let mut own = json!({ "_class_name": "PNDMScheduler", "skip_prk_steps": true, "steps_offset": 1 });
    own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    own
}

/// Times, and the latents at the end.
fn walk(reference: &Reference, name: &str, steps: usize, skip: usize) -> (Vec<f32>, Tensor) {
    let (method, own) = settings(name);
    let mut sampler = Sampler::new(&serde_json::from_value(own).unwrap(), method, steps, skip);
    let (drawn, clean) = (reference.tensor("noise"), reference.tensor("clean"));
    let mut noise = Noise::new(11);
    let mut latents = if skip > 0 { sampler.noisy_first(clean, drawn) } else { sampler.first(drawn) }.unwrap();
    let walked = sampler.steps();
    for &(index, time) in &walked {
        let input = sampler.scaled(&latents, index).unwrap();
        let said = input.affine(1.5, time / 500.0).unwrap().sin().unwrap();
        latents = sampler.step(index, &said, &latents, &mut noise).unwrap().latents;
    }
    (walked.into_iter().map(|(_, time)| time as f32).collect(), latents)
}

fn same_walks(names: &[&str]) {
    same_walks_as("classic", names);
}

fn same_walks_as(reference: &str, names: &[&str]) {
    let reference = Reference::of(reference);
    for name in names {
        for (steps, skip) in [(7, 0), (20, 0), (7, 3), (1, 0)] {
            let (times, latents) = walk(&reference, name, steps, skip);
            let expected: Vec<f32> = reference.tensor(&format!("{name}.{steps}.{skip}.times")).to_vec1().unwrap();
            let near = times.len() == expected.len() && times.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-2);
            assert!(near, "{name}, {steps} steps: {times:?} is not {expected:?}");
            // A single step from a level of 4096 leaves few digits in single precision, there as here.
            let tolerance = if *name == "euler_velocity" { 10.0 * WALK } else { WALK };
            reference.near(&latents, &format!("{name}.{steps}.{skip}.latents"), tolerance);
        }
    }
}

#[test]
fn euler_walks_as_the_reference_with_every_spacing() {
    same_walks(&["euler", "euler_trailing", "euler_leading", "euler_karras", "euler_velocity"]);
}

#[test]
fn ancestral_euler_draws_the_same_noise_in_the_same_order() {
    same_walks(&["euler_a"]);
}

#[test]
fn the_multistep_solver_walks_as_the_reference() {
    same_walks(&["multistep", "multistep_leading", "multistep_karras", "multistep_velocity"]);
}

#[test]
fn the_stochastic_multistep_solver_walks_as_the_reference() {
    same_walks(&["stochastic", "stochastic_karras"]);
}

#[test]
fn the_unified_solver_walks_as_the_reference() {
    same_walks(&["unified", "unified_karras"]);
}

#[test]
fn consistency_models_and_implicit_steps_walk_as_the_reference() {
    same_walks(&["consistency", "implicit", "implicit_velocity"]);
}

#[test]
fn the_linear_method_walks_as_the_reference() {
    same_walks_as("second", &["plms", "plms_velocity", "plms_linspace", "plms_trailing"]);
}

#[test]
fn a_method_that_is_not_computed_here_is_named() {
    let told = |own: Value| serde_json::from_value::<SamplerConfig>(own).unwrap().substitution();
    assert!(told(json!({ "_class_name": "HeunDiscreteScheduler" })).unwrap().contains("`HeunDiscreteScheduler`"));
    // Without this setting it begins with Runge-Kutta steps.
    assert!(told(json!({ "_class_name": "PNDMScheduler" })).unwrap().contains("`PNDMScheduler`"));
    assert_eq!(told(linear(&json!({}))), None);
}

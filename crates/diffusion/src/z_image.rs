//! Z-Image.

mod block;
pub mod transformer;

pub use transformer::Transformer;

/// The condition is no wider than this.
const CONDITION: usize = 256;

/// The prompt as the text encoder was taught to expect it.
pub fn asked(prompt: &str) -> String {
    format!("<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n")
}

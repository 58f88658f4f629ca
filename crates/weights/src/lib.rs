//! Installed weights of models: a content-addressed folder, how files come into it, and what is refused.
//!
//! ```text
//! weights/
//!   blobs/sha256/<digest>          every file once, whichever models share it
//!   apps/<owner>/<alias>/<set>/…   hard links to them, laid out as the model was published
//!   records/<owner>/<alias>/<set>.json
//!   partial/                       downloads that broke off, and go on where they did
//! ```
//!
//! A set is installed when its record is there: it is written last and removed first. A blob that no set links to is
//! taken away with the set that was removed. Nothing here opens a file in a format that can hold code.

mod blobs;
mod bundle;
mod check;
mod disk;
mod error;
mod fetch;
mod hub;
mod install;
mod place;
mod record;
mod safetensors;
mod source;

pub use bundle::{export, import};
pub use error::WeightsError;
pub use fetch::Progress;
pub use install::{Install, Set, install};
pub use place::{DEFAULT_SET, Weights};
pub use record::{Licence, Record, RecordFile};
pub use safetensors::{HeaderError, validate_safetensors};
pub use source::Source;

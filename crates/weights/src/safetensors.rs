//! The header of a safetensors file, believed only when all of it fits together.

use std::{fs::File, path::Path};

use memmap2::Mmap;
use safetensors::{SafeTensorError, SafeTensors};

#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    #[error("could not be read")]
    Io(#[from] std::io::Error),
    #[error("its header does not fit its {bytes} bytes")]
    Wrong { bytes: u64, source: SafeTensorError },
}

/// Reads the header alone: that it is JSON of the format, that no two tensors overlap or leave holes, that each range
/// is as long as its shape and type say, and that the file ends where the last one does.
#[expect(unsafe_code, reason = "a file that is mapped need not be read whole to know how long it is")]
pub fn validate_safetensors(path: &Path) -> Result<(), HeaderError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes == 0 {
        return Err(HeaderError::Wrong { bytes, source: SafeTensorError::HeaderTooSmall });
    }
    // SAFETY: nobody but this program writes to the folder of weights, and it holds the lock on it; a file that shrinks
    // all the same ends this command with SIGBUS.
    let map = unsafe { Mmap::map(&file) }?;
    SafeTensors::read_metadata(&map).map_err(|source| HeaderError::Wrong { bytes, source })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validated(bytes: &[u8]) -> Result<(), HeaderError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        validate_safetensors(file.path())
    }

    fn with_header(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; data]);
        bytes
    }

    fn tensor(shape: &str, from: usize, to: usize) -> String {
        format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    }

    #[test]
    fn an_honest_file_passes() {
        let header = format!(r#"{{"a":{},"b":{}}}"#, tensor("[2]", 0, 8), tensor("[1,1]", 8, 12));
        validated(&with_header(&header, 12)).unwrap();
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let one = |shape, from, to| format!(r#"{{"a":{}}}"#, tensor(shape, from, to));
        let overlap = format!(r#"{{"a":{},"b":{}}}"#, tensor("[2]", 0, 8), tensor("[2]", 4, 12));
        for (header, data) in [
            (one("[2]", 0, 4), 4),
            (one("[2]", 8, 16), 16),
            (one("[9223372036854775807,9223372036854775807]", 0, 8), 8),
            (overlap, 12),
            ("[1,2]".into(), 0),
            ("{".into(), 0),
        ] {
            assert!(matches!(validated(&with_header(&header, data)), Err(HeaderError::Wrong { .. })), "{header}");
        }
        let long = one("[2]", 0, 8);
        for bytes in [
            with_header(&long, 9),
            with_header(&long, 7),
            b"abc".to_vec(),
            Vec::new(),
            u64::MAX.to_le_bytes().to_vec(),
            1000_u64.to_le_bytes().to_vec(),
        ] {
            assert!(matches!(validated(&bytes), Err(HeaderError::Wrong { .. })), "{} bytes", bytes.len());
        }
    }
}

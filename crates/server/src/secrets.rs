//! Secrets of this server: made once, kept in the data folder, readable by its owner alone.

use std::{fs, io, path::Path};

use ring::rand::{SecureRandom, SystemRandom};

use crate::paths::{private_dir, write_private};

/// The random bytes under `name`, made where they are missing.
pub(crate) fn load_or_make<const N: usize>(data: &Path, name: &str) -> io::Result<[u8; N]> {
    let folder = data.join("secrets");
    private_dir(&folder)?;
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|bytes: Vec<u8>| {
            let text = format!("{} is {} bytes long, expected {N}: restore or remove it", path.display(), bytes.len());
            io::Error::new(io::ErrorKind::InvalidData, text)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = [0; N];
            SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random bytes"))?;
            write_private(&path, &bytes)?;
            Ok(bytes)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_a_damaged_one_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let first: [u8; 32] = load_or_make(dir.path(), "token").unwrap();
        assert_eq!(first, load_or_make(dir.path(), "token").unwrap());
        fs::write(dir.path().join("secrets/token"), b"short").unwrap();
        let error = load_or_make::<32>(dir.path(), "token").unwrap_err().to_string();
        assert!(error.contains("is 5 bytes long, expected 32"), "{error}");
    }
}

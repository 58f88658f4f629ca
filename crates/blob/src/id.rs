//! Names of objects and uploads.

use ring::rand::{SecureRandom, SystemRandom};

/// A new name that nobody can guess: 128 random bits in hexadecimal.
///
/// # Panics
/// If the operating system has no randomness to give; then no secret of any kind can be made.
pub fn new_id() -> String {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).expect("the operating system gives random bytes");
    hex::encode(random)
}

/// Whether `id` may become a file name: it cannot leave its folder, be hidden or be empty.
pub(crate) fn is_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ids_are_long_different_and_usable_as_file_names() {
        let (one, other) = (new_id(), new_id());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
        assert!(is_id(&one));
    }

    #[test]
    fn what_could_leave_the_folder_is_no_id() {
        for id in
            ["", "..", "short", "../../etc/passwd", "aaaaaaaa/b", "aaaaaaaa\0", "aaaaaaa.", "é".repeat(8).as_str()]
        {
            assert!(!is_id(id), "{id:?}");
        }
    }
}

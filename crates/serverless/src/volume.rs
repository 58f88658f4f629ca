//! The account's `/data`: one folder, seen by all its runners, and through the files API by its owner.
//!
//! An app may put whatever it likes there, links and pipes included. Every path is therefore resolved by the kernel
//! with the folder as its root: nothing that lies there leads anywhere else.

mod place;
mod remove;
mod tree;
mod unpack;

use std::path::{Path, PathBuf};

use tintype_domain::AccountId;

pub(crate) use place::{Place, PlaceError};
pub(crate) use tree::{Entry, Tree, TreeError};
pub(crate) use unpack::{UnpackError, unpack};

/// Where the volume of `account` lies. The folder may not be there yet.
pub fn folder(data: &Path, account: &AccountId) -> PathBuf {
    data.join("volumes").join(folder_name(account))
}

/// The account as the name of a folder: what is not a letter, a digit, `-` or `_` is written as its bytes.
pub(crate) fn folder_name(account: &AccountId) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let written = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    account.as_str().bytes().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_account_is_a_place_in_the_file_system() {
        let name = |account: &str| folder_name(&AccountId::new(account));
        assert_eq!(name("local"), "local");
        assert_eq!(name("../etc"), "%2e%2e%2fetc");
        assert_ne!(name("a%2e"), name("a."));
    }
}

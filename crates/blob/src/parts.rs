//! Uploads in parts: each part is kept apart until all of them are joined.

use std::{collections::BTreeMap, fs::File, io, path::Path};

use bytes::Bytes;
use futures::Stream;

use crate::{
    AssembleError, Blobs, PutError, Stored,
    error::BoxError,
    place::{blocking, ensure_folder, remove_folder},
    put::{Draft, checked},
};

/// A part as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub number: u32,
    /// Names the content; without quotes.
    pub etag: String,
    pub size: u64,
}

impl Blobs {
    /// Stores one part. The same number may be sent again: the etag in the final list decides which one counts.
    pub async fn put_part<S, E>(&self, upload: &str, number: u32, source: S, limit: u64) -> Result<Part, PutError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<BoxError>,
    {
        let folder = self.parts(checked(upload)?);
        let (mut draft, rest) = self.receive(source, limit).await?;
        blocking(move || {
            draft.write(&rest)?;
            let name = format!("{number}");
            ensure_folder(&folder)?;
            draft.keep_part(&folder, name).map(|stored| Part { number, etag: stored.digest, size: stored.size })
        })
        .await
    }

    /// Joins parts, in the order of their numbers, into object `id`. The parts stay until [`Self::drop_upload`], so
    /// that a caller whose answer got lost can repeat itself.
    pub async fn assemble(
        &self,
        upload: &str,
        id: &str,
        parts: Vec<(u32, String)>,
        limit: u64,
    ) -> Result<Stored, AssembleError> {
        let folder = self.parts(checked(upload)?);
        let target = self.object(checked(id)?);
        let (id, draft) = (id.to_owned(), Draft::new(self.draft(), limit));
        let parts = ordered(parts)?;
        blocking(move || {
            let draft = join(&folder, parts, draft)?;
            Ok(draft.place(&target, id)?)
        })
        .await
    }

    /// Removes the parts of an upload; it need not exist.
    pub async fn drop_upload(&self, upload: &str) -> io::Result<()> {
        match checked(upload) {
            Ok(upload) => {
                let folder = self.parts(upload);
                blocking(move || remove_folder(&folder)).await
            }
            Err(_) => Ok(()),
        }
    }
}

impl Draft {
    fn keep_part(self, folder: &Path, number: String) -> Result<Stored, PutError> {
        let target = |digest: &str| folder.join(format!("{number}-{digest}"));
        let digest = self.digest_so_far();
        self.place(&target(&digest), number)
    }
}

/// Sorts by number and drops repetitions. Clients list parts in the order in which they were done.
fn ordered(parts: Vec<(u32, String)>) -> Result<BTreeMap<u32, String>, AssembleError> {
    let mut sorted = BTreeMap::new();
    for (number, etag) in parts {
        let etag = unquoted(&etag).to_owned();
        if let Some(earlier) = sorted.insert(number, etag.clone())
            && earlier != etag
        {
            return Err(AssembleError::Ambiguous { number });
        }
    }
    if sorted.is_empty() { Err(AssembleError::NoParts) } else { Ok(sorted) }
}

/// Clients hand etags back verbatim, with the quotes of the header, or weakened by something in between.
fn unquoted(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

fn join(folder: &Path, parts: BTreeMap<u32, String>, mut draft: Draft) -> Result<Draft, AssembleError> {
    let mut buffer = vec![0; 1 << 20];
    for (number, etag) in parts {
        if !etag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(AssembleError::Missing { number, etag });
        }
        match File::open(folder.join(format!("{number}-{etag}"))) {
            Ok(part) => draft.append(part, &mut buffer)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(AssembleError::Missing { number, etag });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(draft)
}

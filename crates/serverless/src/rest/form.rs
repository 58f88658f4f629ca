//! The one field of the upload forms, written to a file as it arrives.

use std::io::Write;

use axum::extract::Multipart;
use ring::digest;

use super::Problem;

const FIELD: &str = "file_upload";

/// Writes the field's bytes into `file`, at most `limit` of them, and gives their SHA-256 in hexadecimal.
pub(super) async fn receive(mut form: Multipart, mut file: std::fs::File, limit: u64) -> Result<String, Problem> {
    while let Some(mut field) = form.next_field().await? {
        if field.name() != Some(FIELD) {
            continue;
        }
        let (mut size, mut context) = (0, digest::Context::new(&digest::SHA256));
        while let Some(chunk) = field.chunk().await? {
            size += chunk.len() as u64;
            if size > limit {
                return Err(Problem::PartTooLarge { limit });
            }
            context.update(&chunk);
            file = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file)).await??;
        }
        return Ok(hex::encode(context.finish()));
    }
    Err(Problem::Bad(format!("the form has no field `{FIELD}`: send the bytes of the file in it")))
}

//! Keys, files and uploads.

use tintype_domain::{KeyId, Timestamp};

use super::Tables;
use crate::{Acl, FileRecord, KeyRecord, StoreError, Upload};

impl Tables {
    pub(super) fn insert_key(&mut self, key: KeyRecord) -> Result<(), StoreError> {
        if self.keys.contains_key(&key.id) {
            return Err(StoreError::Exists { kind: "key" });
        }
        self.keys.insert(key.id.clone(), key);
        Ok(())
    }

    pub(super) fn keys(&self) -> Vec<KeyRecord> {
        let mut keys: Vec<_> = self.keys.values().cloned().collect();
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        keys
    }

    pub(super) fn revoke_key(&mut self, id: &KeyId, now: Timestamp) -> bool {
        match self.keys.get_mut(id) {
            Some(key) if key.revoked_at.is_none() => {
                key.revoked_at = Some(now);
                true
            }
            _ => false,
        }
    }

    pub(super) fn insert_file(&mut self, file: FileRecord) -> Result<(), StoreError> {
        if self.files.contains_key(&file.id) {
            return Err(StoreError::Exists { kind: "file" });
        }
        self.files.insert(file.id.clone(), file);
        Ok(())
    }

    pub(super) fn set_acl(&mut self, id: &str, acl: Acl) -> bool {
        let file = self.files.get_mut(id);
        let found = file.is_some();
        if let Some(file) = file {
            file.acl = acl;
        }
        found
    }

    pub(super) fn expired_files(&self, now: Timestamp, limit: u32) -> Vec<FileRecord> {
        let expired = |file: &&FileRecord| file.expires_at.is_some_and(|at| at <= now);
        let mut files: Vec<_> = self.files.values().filter(expired).cloned().collect();
        files.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        files.truncate(limit as usize);
        files
    }

    pub(super) fn insert_upload(&mut self, upload: Upload) -> Result<(), StoreError> {
        if self.uploads.contains_key(&upload.id) {
            return Err(StoreError::Exists { kind: "upload" });
        }
        self.uploads.insert(upload.id.clone(), upload);
        Ok(())
    }

    pub(super) fn finish_upload(&mut self, id: &str, file: FileRecord) -> Result<bool, StoreError> {
        if !self.uploads.contains_key(id) {
            return Ok(false);
        }
        self.insert_file(file)?;
        self.uploads.remove(id);
        Ok(true)
    }

    pub(super) fn expired_uploads(&self, now: Timestamp, limit: u32) -> Vec<Upload> {
        let mut uploads: Vec<_> = self.uploads.values().filter(|upload| upload.expires_at <= now).cloned().collect();
        uploads.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        uploads.truncate(limit as usize);
        uploads
    }
}

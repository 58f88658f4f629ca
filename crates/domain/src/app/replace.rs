//! A new definition takes the place of the old one.

/// How a new definition takes the place of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One runner of the new definition is started beside the old ones. When it is ready, traffic goes to the new
    /// definition and the old runners drain; when its start fails, the old definition stays.
    Rolling,
    /// Traffic goes to the new definition at once; the old runners drain.
    Recreate,
}

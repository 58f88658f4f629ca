//! Each store does what the seam says.

mod memory {
    use tintype_store::{MemoryStore, conformance::Fixture};

    tintype_store::conformance!(|| Fixture::new(MemoryStore::new(), ()));
}

mod sqlite {
    use tintype_store::{conformance::Fixture, sqlite};

    tintype_store::conformance!(|| {
        let folder = tempfile::tempdir().unwrap();
        Fixture::new(sqlite::open(folder.path()).unwrap(), folder)
    });
}

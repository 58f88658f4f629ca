//! Model manifests and the gallery.

//! Separable Lanczos resampling.

/// Scales `from` by `from` samples of `CHANNELS` interleaved channels to `to`.
pub(crate) fn resize<const CHANNELS: usize>(_samples: &[u8], _from: (u32, u32), _to: (u32, u32)) -> Vec<u8> {
    todo!()
}

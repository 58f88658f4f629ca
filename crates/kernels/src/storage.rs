//! Between candle's tensors and slices.

use candle_core::{CpuStorage, Error, Layout, Result, Tensor, bail};

/// The values of a contiguous `f32` tensor.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        return Err(Error::RequiresContiguous { op: "kernels" }.bt());
    };
    Ok(&values(storage)?[start..end])
}

/// All values behind a tensor, whatever its layout.
pub(crate) fn values(storage: &CpuStorage) -> Result<&[f32]> {
    match storage {
        CpuStorage::F32(values) => Ok(values),
        _ => bail!("the fused operations take f32 only"),
    }
}

/// A copy of the values of a tensor, in order. For the backward passes, where one more copy is little
/// beside the rest.
pub(crate) fn copied(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// The gradient of an argument, if anything that is trained lies behind it.
pub(crate) fn trained(argument: &Tensor, gradient: impl FnOnce() -> Result<Tensor>) -> Result<Option<Tensor>> {
    argument.track_op().then(gradient).transpose()
}

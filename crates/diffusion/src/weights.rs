//! Weights by name, read from memory-mapped safetensors files when a layer asks for them.

use std::{
    collections::HashMap,
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use candle_core::{DType, Device, Tensor};
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use memmap2::Mmap;
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors};

use crate::{Adapters, Compute, LoadError, adapters::Adapter};

/// Values in one thread's piece of a copy.
const PIECE: usize = 1 << 18;

/// A place among the weights of a network: a layer's own names come behind the place's.
#[derive(Clone)]
pub struct Weights {
    store: Arc<Store>,
    place: String,
    adapters: Option<(Arc<Adapters>, &'static str)>,
}

struct Store {
    files: Vec<Mmap>,
    entries: HashMap<String, Entry>,
    compute: Compute,
    /// What was read is shared by all networks that are built over these files, with whatever adapters.
    ready: Mutex<HashMap<String, Tensor>>,
}

struct Entry {
    file: usize,
    kind: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

impl Weights {
    /// All safetensors files of a folder, as repositories lay them out: one file, or parts of one. Where both are
    /// there, files of full precision come before their `.fp16.` twins.
    pub fn folder(folder: &Path, compute: &Compute) -> Result<Self, LoadError> {
        let file = |source| LoadError::File { path: folder.into(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(file)? {
            let path = entry.map_err(file)?.path();
            if path.extension().is_some_and(|extension| extension == "safetensors") {
                paths.push(path);
            }
        }
        let half = |path: &PathBuf| path.to_string_lossy().contains(".fp16.");
        if !paths.iter().all(half) {
            paths.retain(|path| !half(path));
        }
        paths.sort();
        if paths.is_empty() {
            return Err(LoadError::Empty { path: folder.into() });
        }
        Self::files(&paths, compute)
    }

    pub fn files(paths: &[PathBuf], compute: &Compute) -> Result<Self, LoadError> {
        let (mut files, mut entries) = (Vec::new(), HashMap::new());
        for (file, path) in paths.iter().enumerate() {
            let map = map(path)?;
            let wrong = |source| LoadError::Safetensors { path: path.clone(), source };
            // The header is checked against the file here: every range lies inside.
            let (header, metadata) = SafeTensors::read_metadata(&map).map_err(wrong)?;
            SafeTensors::deserialize(&map).map_err(wrong)?;
            for (name, info) in metadata.tensors() {
                let (start, end) = info.data_offsets;
                let bytes = header + 8 + start..header + 8 + end;
                entries.insert(name, Entry { file, kind: info.dtype, shape: info.shape.clone(), bytes });
            }
            files.push(map);
        }
        let store = Store { files, entries, compute: compute.clone(), ready: Mutex::default() };
        Ok(Self { store: Arc::new(store), place: String::new(), adapters: None })
    }

    /// The same weights with `adapters` laid over those of their layers that are under `part`
    /// (`unet`, `transformer`, `text_encoder`, ...).
    #[must_use]
    pub fn with(&self, adapters: &Arc<Adapters>, part: &'static str) -> Self {
        Self { adapters: Some((adapters.clone(), part)), ..self.clone() }
    }

    /// A place further in.
    #[must_use]
    pub fn at(&self, part: impl std::fmt::Display) -> Self {
        Self { place: self.name(&part.to_string()), ..self.clone() }
    }

    pub fn compute(&self) -> &Compute {
        &self.store.compute
    }

    pub fn has(&self, name: &str) -> bool {
        self.store.entries.contains_key(&self.name(name))
    }

    /// The shape of a tensor here, without reading it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.store.entries.get(&self.name(name)).map(|entry| entry.shape.as_slice())
    }

    /// A tensor of exactly this shape.
    pub fn shaped(&self, name: &str, expected: &[usize]) -> Result<Tensor, LoadError> {
        let tensor = self.tensor(name)?;
        if tensor.dims() != expected {
            let (found, expected) = (tensor.dims().into(), expected.into());
            return Err(LoadError::Shape { name: self.name(name), found, expected });
        }
        Ok(tensor)
    }

    /// A tensor of whatever shape.
    pub fn tensor(&self, name: &str) -> Result<Tensor, LoadError> {
        self.store.read(&self.name(name))
    }

    /// What the adapters add to the layer at this place.
    pub fn adapters(&self) -> Vec<Adapter> {
        self.adapters.as_ref().map_or_else(Vec::new, |(adapters, part)| adapters.of(part, &self.place))
    }

    fn name(&self, name: &str) -> String {
        if self.place.is_empty() { name.into() } else { format!("{}.{name}", self.place) }
    }

    /// Where this is, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl Store {
    fn read(&self, name: &str) -> Result<Tensor, LoadError> {
        if let Some(tensor) = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(tensor.clone());
        }
        let entry = self.entries.get(name).ok_or_else(|| LoadError::Missing { name: name.into() })?;
        let tensor = self.convert(name, entry)?;
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), tensor.clone());
        Ok(tensor)
    }

    fn convert(&self, name: &str, entry: &Entry) -> Result<Tensor, LoadError> {
        let bytes = &self.files[entry.file][entry.bytes.clone()];
        let Compute { device, dtype } = &self.compute;
        if matches!(device, Device::Cpu) && *dtype == DType::F32 {
            let values = single(bytes, entry.kind);
            let values =
                values.ok_or_else(|| LoadError::Kind { name: name.into(), found: format!("{:?}", entry.kind) });
            return Ok(Tensor::from_vec(values?, entry.shape.as_slice(), device)?);
        }
        let kind = DType::try_from(entry.kind)?;
        Ok(Tensor::from_raw_buffer(bytes, kind, &entry.shape, device)?.to_dtype(*dtype)?)
    }
}

#[expect(unsafe_code, reason = "mapping a file has no safe form")]
fn map(path: &Path) -> Result<Mmap, LoadError> {
    let file = |source| LoadError::File { path: path.into(), source };
    let opened = File::open(path).map_err(file)?;
    // SAFETY: installed weights are replaced by renaming, never written in place.
    unsafe { Mmap::map(&opened) }.map_err(file)
}

/// Single precision from stored values, over all threads. `None`: stored as something else.
pub(crate) fn single(bytes: &[u8], kind: Dtype) -> Option<Vec<f32>> {
    type Fill = fn(&mut [f32], &[u8]);
    let (width, fill): (usize, Fill) = match kind {
        Dtype::F32 => (4, |out, bytes| {
            out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, bytes)| *out = f32::from_le_bytes(*bytes));
        }),
        Dtype::F64 => (8, |out, bytes| {
            out.iter_mut().zip(bytes.as_chunks().0).for_each(|(out, bytes)| *out = f64::from_le_bytes(*bytes) as f32);
        }),
        Dtype::F16 => (2, |out, bytes| {
            bits(bytes).reinterpret_cast::<half::f16>().convert_to_f32_slice(out);
        }),
        Dtype::BF16 => (2, |out, bytes| {
            bits(bytes).reinterpret_cast::<half::bf16>().convert_to_f32_slice(out);
        }),
        _ => return None,
    };
    let mut values = vec![0.0; bytes.len() / width];
    values.par_chunks_mut(PIECE).zip(bytes.par_chunks(PIECE * width)).for_each(|(out, bytes)| fill(out, bytes));
    Some(values)
}

/// Sixteen-bit words, copied only where they do not lie evenly.
fn bits(bytes: &[u8]) -> std::borrow::Cow<'_, [u16]> {
    bytemuck::try_cast_slice(bytes).map_or_else(
        |_| bytes.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>().into(),
        Into::into,
    )
}

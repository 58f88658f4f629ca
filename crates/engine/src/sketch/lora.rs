//! Files of low-rank adapters and learned words: what training makes and `loras` names.
//!
//! A file holds a pair of matrices for each layer that it changes, under the layer's name, and the embeddings of its
//! words. Nothing in it is taken on trust: every tensor must fit the layer that it is for.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::{
    network::Adapter,
    weights::{LoadError, Weights},
};

const DOWN: &str = ".lora_A.weight";
const UP: &str = ".lora_B.weight";
const WORDS: &str = "words.weight";
/// The one entry of the file's metadata: one, because several would be written in no order.
const ABOUT: &str = "tintype-sketch-lora";

#[derive(Debug, thiserror::Error)]
pub(super) enum LoraError {
    #[error("it is a pickle, which may run code when it is opened: convert it to safetensors")]
    Pickle,
    #[error("it is not a safetensors file: {0}")]
    File(#[from] safetensors::SafeTensorError),
    #[error("its metadata has no `{ABOUT}` that can be read: {0}")]
    About(#[from] serde_json::Error),
    #[error("it has `{tensor}`, and this model has no such layer: it was trained for another model")]
    UnknownLayer { tensor: String },
    #[error("it has `{layer}{found}` without `{layer}{missing}`")]
    Half { layer: String, found: &'static str, missing: &'static str },
    #[error("`{tensor}` is {found:?}, and this model needs {needed}")]
    Shape { tensor: String, found: Vec<usize>, needed: String },
    #[error("`{tensor}` holds values that are not numbers")]
    NotFinite { tensor: String },
    #[error("it holds no layer and no word")]
    Empty,
    #[error("a tensor cannot be used: {0}")]
    Tensor(#[from] candle_core::Error),
}

#[derive(Default, Serialize, Deserialize)]
struct About {
    #[serde(default)]
    words: Vec<String>,
}

/// One such file.
#[derive(Clone)]
pub(super) struct Lora {
    pub adapters: BTreeMap<String, Adapter>,
    pub words: Vec<String>,
    /// One row a word.
    pub embeddings: Option<Tensor>,
}

impl Lora {
    /// `shapes`: what the model's own tensors are called, and their dimensions.
    pub fn read(bytes: &[u8], shapes: &[(&str, &[usize])]) -> Result<Self, LoraError> {
        if is_pickle(bytes) {
            return Err(LoraError::Pickle);
        }
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let about = header.metadata().as_ref().and_then(|metadata| metadata.get(ABOUT));
        let About { words } = about.map(|text| serde_json::from_str(text)).transpose()?.unwrap_or_default();
        let mut tensors = HashMap::new();
        for (name, tensor) in candle_core::safetensors::load_buffer(bytes, &Device::Cpu)? {
            let tensor = tensor.to_dtype(DType::F32)?;
            check_finite(&name, &tensor)?;
            tensors.insert(name, tensor);
        }
        let embeddings = tensors.remove(WORDS);
        check_words(&words, embeddings.as_ref(), shapes)?;
        let adapters = pairs(tensors, shapes)?;
        if adapters.is_empty() && embeddings.is_none() {
            return Err(LoraError::Empty);
        }
        Ok(Self { adapters, words, embeddings })
    }

    /// The same values give the same bytes.
    pub fn write(&self) -> Result<Vec<u8>, LoraError> {
        let mut tensors: Vec<(String, &Tensor)> = Vec::new();
        for (layer, Adapter { down, up }) in &self.adapters {
            tensors.extend([(format!("{layer}{DOWN}"), down), (format!("{layer}{UP}"), up)]);
        }
        tensors.extend(self.embeddings.as_ref().map(|embeddings| (WORDS.to_owned(), embeddings)));
        let about = serde_json::to_string(&About { words: self.words.clone() })?;
        Ok(serialize(&tensors, (ABOUT, about))?)
    }

    pub fn merge(&self, weights: &mut Weights, scale: f32) -> Result<(), LoadError> {
        for (layer, adapter) in &self.adapters {
            weights.add(&format!("{layer}.weight"), &(adapter.product()? * f64::from(scale))?)?;
        }
        self.embeddings.as_ref().map_or(Ok(()), |embeddings| weights.append_words(embeddings))
    }
}

/// Single-precision tensors as a file with one entry of metadata.
pub(super) fn serialize(
    tensors: &[(String, &Tensor)],
    (key, value): (&str, String),
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, tensor)| bytes_of(tensor)).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        TensorView::new(Dtype::F32, tensor.dims().to_vec(), bytes).map(|view| (name.as_str(), view))
    });
    let views: Vec<_> = views.collect::<Result<_, _>>()?;
    safetensors::serialize(views, Some(HashMap::from([(key.to_owned(), value)])))
}

fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    let values: Vec<f32> = tensor.flatten_all().and_then(|flat| flat.to_vec1()).unwrap_or_default();
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What `torch.save` writes: a pickle, or a zip archive with pickles in it.
fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..]) || bytes.starts_with(b"PK\x03\x04")
}

fn pairs(
    mut tensors: HashMap<String, Tensor>,
    shapes: &[(&str, &[usize])],
) -> Result<BTreeMap<String, Adapter>, LoraError> {
    let mut names: Vec<String> = tensors.keys().cloned().collect();
    names.sort_unstable();
    let mut adapters = BTreeMap::new();
    for tensor in names {
        let unknown = || LoraError::UnknownLayer { tensor: tensor.clone() };
        let Some(layer) = tensor.strip_suffix(DOWN) else {
            let layer = tensor.strip_suffix(UP).ok_or_else(unknown)?;
            if tensors.contains_key(&tensor) && !adapters.contains_key(layer) {
                return Err(LoraError::Half { layer: layer.into(), found: UP, missing: DOWN });
            }
            continue;
        };
        let weight = weight_of(layer, shapes).ok_or_else(unknown)?;
        let (down, up) = (tensors.remove(&tensor), tensors.remove(&format!("{layer}{UP}")));
        let (Some(down), Some(up)) = (down, up) else {
            return Err(LoraError::Half { layer: layer.into(), found: DOWN, missing: UP });
        };
        check_pair(layer, &down, &up, weight)?;
        adapters.insert(layer.to_owned(), Adapter { down, up });
    }
    Ok(adapters)
}

/// The shape of the weight of a layer that can be adapted: a product or a convolution.
pub(super) fn weight_of<'a>(layer: &str, shapes: &[(&str, &'a [usize])]) -> Option<&'a [usize]> {
    let found = shapes.iter().find(|(name, _)| name.strip_suffix(".weight") == Some(layer))?.1;
    (layer != "embed" && matches!(found.len(), 2 | 4)).then_some(found)
}

fn check_pair(layer: &str, down: &Tensor, up: &Tensor, weight: &[usize]) -> Result<(), LoraError> {
    let rank = down.dims().first().copied().unwrap_or(0);
    let mut wide = weight.to_vec();
    let mut tall: Vec<usize> = weight.iter().map(|_| 1).collect();
    (wide[0], tall[0], tall[1]) = (rank, weight[0], rank);
    for (suffix, tensor, needed) in [(DOWN, down, wide), (UP, up, tall)] {
        if tensor.dims() != needed || rank == 0 {
            let needed = format!("{needed:?} for its layer {weight:?}");
            return Err(LoraError::Shape { tensor: format!("{layer}{suffix}"), found: tensor.dims().into(), needed });
        }
    }
    Ok(())
}

fn check_words(words: &[String], found: Option<&Tensor>, shapes: &[(&str, &[usize])]) -> Result<(), LoraError> {
    let width = shapes.iter().find(|(name, _)| *name == "embed.weight").map_or(0, |(_, dims)| dims[1]);
    let dims = found.map(|tensor| tensor.dims().to_vec()).unwrap_or_default();
    if (found.is_none() && words.is_empty()) || dims == [words.len(), width] {
        return Ok(());
    }
    let needed = format!("{:?}, a row for each of its words", [words.len(), width]);
    Err(LoraError::Shape { tensor: WORDS.into(), found: dims, needed })
}

fn check_finite(name: &str, tensor: &Tensor) -> Result<(), LoraError> {
    let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    if values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(LoraError::NotFinite { tensor: name.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [(&str, &[usize]); 3] =
        [("a.weight", &[6, 4]), ("c.weight", &[3, 2, 5, 5]), ("embed.weight", &[9, 4])];

    fn ones(dims: &[usize]) -> Tensor {
        Tensor::ones(dims, DType::F32, &Device::Cpu).unwrap()
    }

    fn file(tensors: &[(&str, &[usize])], about: &str) -> Vec<u8> {
        let tensors: Vec<_> = tensors.iter().map(|(name, dims)| ((*name).to_owned(), ones(dims))).collect();
        let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor)).collect();
        serialize(&tensors, (ABOUT, about.into())).unwrap()
    }

    fn refused(tensors: &[(&str, &[usize])], about: &str) -> String {
        Lora::read(&file(tensors, about), &SHAPES).err().unwrap().to_string()
    }

    #[test]
    fn what_was_written_is_read_back() {
        let adapter = Adapter { down: ones(&[2, 2, 5, 5]), up: ones(&[3, 2, 1, 1]) };
        assert_eq!(adapter.product().unwrap().dims(), [3, 2, 5, 5]);
        let lora = Lora {
            adapters: [("c".to_owned(), adapter)].into(),
            words: vec!["arrow".into()],
            embeddings: Some(ones(&[1, 4])),
        };
        let bytes = lora.write().unwrap();
        let back = Lora::read(&bytes, &SHAPES).unwrap();
        assert_eq!((back.words.clone(), back.write().unwrap()), (vec!["arrow".to_owned()], bytes));
    }

    #[test]
    fn a_file_for_another_model_is_refused_by_the_name_of_what_does_not_fit() {
        let good: (&str, &[usize]) = ("a.lora_A.weight", &[2, 4]);
        let wrong = refused(&[good, ("a.lora_B.weight", &[5, 2])], "{}");
        assert_eq!(wrong, "`a.lora_B.weight` is [5, 2], and this model needs [6, 2] for its layer [6, 4]");
        assert!(refused(&[("z.lora_A.weight", &[2, 4])], "{}").contains("`z.lora_A.weight`"));
        assert!(refused(&[("embed.lora_A.weight", &[2, 4])], "{}").contains("no such layer"));
        assert!(refused(&[good], "{}").contains("without `a.lora_B.weight`"));
        assert!(refused(&[("a.lora_B.weight", &[6, 2])], "{}").contains("without `a.lora_A.weight`"));
        assert!(refused(&[("words.weight", &[2, 4])], r#"{"words":["one"]}"#).contains("[1, 4]"));
        assert!(refused(&[], "{}").contains("no layer"));
    }

    #[test]
    fn pickles_and_files_that_lie_are_refused() {
        for pickle in [&b"\x80\x02}q\x00."[..], b"PK\x03\x04archive/data.pkl"] {
            assert!(matches!(Lora::read(pickle, &SHAPES), Err(LoraError::Pickle)));
        }
        let good = file(&[("a.lora_A.weight", &[2, 4]), ("a.lora_B.weight", &[6, 2])], "{}");
        assert!(Lora::read(&good, &SHAPES).is_ok());
        for length in [0, 7, 20, good.len() - 1] {
            assert!(Lora::read(&good[..length], &SHAPES).is_err());
        }
        let mut huge = good.clone();
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Lora::read(&huge, &SHAPES).is_err());
        let mut nan = good;
        let end = nan.len();
        nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(matches!(Lora::read(&nan, &SHAPES), Err(LoraError::NotFinite { .. })));
    }
}

//! `tintype/solids`: simple solids from words, as a GLB file.
//!
//! No model was trained for this: words of a small vocabulary are read one after the other, and every solid is computed.
//! What is not understood is said in the log and in the answer.

mod arrange;
mod glb;
mod material;
mod mesh;
mod read;
mod shapes;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tintype_engine::{Detail, Fields, Invalid, Made, Output, Place, Plan, RunError, Wanted, Watch};

use crate::Route;
use read::Scene;

const LONGEST_PROMPT: usize = 1000;
/// Segments around a round solid.
const DETAIL: (u64, u64) = (8, 128);
const USUAL_DETAIL: u32 = 48;

/// The routes of `solids`.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new("", plan)]
}

/// A prompt that was understood.
struct Sculpture {
    scene: Scene,
    detail: u32,
    inline: bool,
    prompt: String,
}

fn plan(input: &Map<String, Value>) -> Result<Sculpture, Invalid> {
    let mut fields = Fields::new(input);
    fields.require("prompt");
    let prompt = fields.text("prompt", LONGEST_PROMPT).unwrap_or_default();
    let detail = fields.whole("detail", DETAIL.0, DETAIL.1).map_or(USUAL_DETAIL, |detail| detail as u32);
    let inline = fields.flag("sync_mode").unwrap_or(false);
    fields.finish()?;
    let scene = read::read(&prompt);
    if scene.items.is_empty() {
        let message = format!("The prompt names no solid; this model knows {}", shapes::words().join(", "));
        return Err(Detail::new("prompt", "value_error", message).found(&prompt.into()).into());
    }
    if scene.count() > read::MOST {
        let message = format!("The prompt asks for {} solids; at most {} are made", scene.count(), read::MOST);
        let detail = Detail::new("prompt", "value_error", message).with("limit", read::MOST);
        return Err(detail.found(&prompt.into()).into());
    }
    Ok(Sculpture { scene, detail, inline, prompt })
}

impl Plan for Sculpture {
    fn files(&self) -> Vec<Wanted> {
        Vec::new()
    }

    fn inline(&self) -> bool {
        self.inline
    }

    fn run(self: Box<Self>, _files: Vec<Bytes>, watch: &mut dyn Watch) -> Result<Output, RunError> {
        let Self { scene, detail, prompt, .. } = *self;
        if !scene.unknown.is_empty() {
            watch.note(&format!("not understood: {}", scene.unknown.join(", ")));
        }
        let placed = arrange::arrange(&scene.items);
        let bytes = glb::write(&placed, detail);
        let file = Made { bytes: bytes.into(), content_type: "model/gltf-binary", extension: "glb", facts: Map::new() };
        let solids: Vec<Value> = placed.iter().map(arrange::Placed::described).collect();
        let mut fields = Map::new();
        fields.insert("solids".into(), solids.into());
        fields.insert("not_understood".into(), json!(scene.unknown));
        fields.insert("prompt".into(), prompt.into());
        Ok(Output { files: vec![(Place::Member("model_mesh"), file)], fields, units: None })
    }
}

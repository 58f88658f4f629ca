//! glTF 2.0 in its binary form: <https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#binary-gltf-layout>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{arrange::Placed, material::Material, mesh::Mesh, shapes::Shape};

const MAGIC: &[u8; 4] = b"glTF";
const VERSION: u32 = 2;
const FLOAT: u32 = 5126;
const UNSIGNED_INT: u32 = 5125;
const ARRAY_BUFFER: u32 = 34962;
const ELEMENT_ARRAY_BUFFER: u32 = 34963;

/// The document while it grows, and the bytes that it speaks of.
#[derive(Default)]
struct Draft {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
    meshes: Vec<Value>,
    materials: Vec<Value>,
    known_shapes: BTreeMap<Shape, [usize; 3]>,
    known_materials: BTreeMap<Material, usize>,
    known_meshes: BTreeMap<(Shape, Material), usize>,
}

/// Solids that are alike share their triangles.
pub(super) fn write(placed: &[Placed], detail: u32) -> Vec<u8> {
    let mut draft = Draft::default();
    let nodes: Vec<Value> = placed.iter().map(|solid| draft.node(solid, detail)).collect();
    let all: Vec<usize> = (0..nodes.len()).collect();
    let document = json!({
        "asset": {"version": "2.0", "generator": concat!("tintype/", env!("CARGO_PKG_VERSION"))},
        "scene": 0,
        "scenes": [{"nodes": all}],
        "nodes": nodes,
        "meshes": draft.meshes,
        "materials": draft.materials,
        "accessors": draft.accessors,
        "bufferViews": draft.views,
        "buffers": [{"byteLength": draft.bytes.len()}],
    });
    container(document.to_string().into_bytes(), draft.bytes)
}

impl Draft {
    fn node(&mut self, solid: &Placed, detail: u32) -> Value {
        let mesh = self.mesh(solid.shape, solid.material, detail);
        json!({"name": solid.shape.name(), "mesh": mesh, "translation": solid.at, "scale": solid.scale})
    }

    fn mesh(&mut self, shape: Shape, material: Material, detail: u32) -> usize {
        if let Some(known) = self.known_meshes.get(&(shape, material)) {
            return *known;
        }
        let [positions, normals, indices] = self.shape(shape, detail);
        let material_at = self.material(material);
        self.meshes.push(json!({
            "name": shape.name(),
            "primitives": [{
                "attributes": {"POSITION": positions, "NORMAL": normals},
                "indices": indices,
                "material": material_at,
            }],
        }));
        self.known_meshes.insert((shape, material), self.meshes.len() - 1);
        self.meshes.len() - 1
    }

    fn material(&mut self, material: Material) -> usize {
        let next = self.materials.len();
        *self.known_materials.entry(material).or_insert_with(|| {
            self.materials.push(material.described());
            next
        })
    }

    fn shape(&mut self, shape: Shape, detail: u32) -> [usize; 3] {
        if let Some(known) = self.known_shapes.get(&shape) {
            return *known;
        }
        let Mesh { positions, normals, indices } = shape.mesh(detail);
        let bound = |pick: fn(f32, f32) -> f32| {
            [0, 1, 2].map(|axis| positions.iter().map(|point| point[axis]).reduce(pick).unwrap_or_default())
        };
        let bounds = json!({"min": bound(f32::min), "max": bound(f32::max)});
        let numbers = |vectors: &[[f32; 3]]| vectors.iter().flatten().flat_map(|part| part.to_le_bytes()).collect();
        let count = positions.len();
        let at = [
            self.accessor(numbers(&positions), ARRAY_BUFFER, (FLOAT, "VEC3", count), Some(&bounds)),
            self.accessor(numbers(&normals), ARRAY_BUFFER, (FLOAT, "VEC3", count), None),
            self.accessor(
                indices.iter().flat_map(|index| index.to_le_bytes()).collect(),
                ELEMENT_ARRAY_BUFFER,
                (UNSIGNED_INT, "SCALAR", indices.len()),
                None,
            ),
        ];
        self.known_shapes.insert(shape, at);
        at
    }

    /// All parts are of four bytes, so everything lies where it may.
    fn accessor(
        &mut self,
        content: Vec<u8>,
        target: u32,
        (component, kind, count): (u32, &str, usize),
        bounds: Option<&Value>,
    ) -> usize {
        let view = json!({
            "buffer": 0, "byteOffset": self.bytes.len(), "byteLength": content.len(), "target": target,
        });
        self.bytes.extend(content);
        self.views.push(view);
        let mut accessor = json!({
            "bufferView": self.views.len() - 1, "componentType": component, "count": count, "type": kind,
        });
        if let Some(bounds) = bounds {
            accessor["min"] = bounds["min"].clone();
            accessor["max"] = bounds["max"].clone();
        }
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }
}

fn container(mut document: Vec<u8>, mut bytes: Vec<u8>) -> Vec<u8> {
    document.resize(document.len().next_multiple_of(4), b' ');
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let total = 12 + 8 + document.len() + 8 + bytes.len();
    let mut file = Vec::with_capacity(total);
    file.extend(MAGIC);
    file.extend(VERSION.to_le_bytes());
    file.extend((total as u32).to_le_bytes());
    for (kind, content) in [(b"JSON", document), (b"BIN\0", bytes)] {
        file.extend((content.len() as u32).to_le_bytes());
        file.extend(kind);
        file.extend(content);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::{
        super::{arrange::arrange, read::read},
        *,
    };

    fn document(prompt: &str) -> (Value, usize) {
        let file = write(&arrange(&read(prompt).items), 24);
        assert_eq!(&file[..4], MAGIC);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(word(8), file.len());
        let document = serde_json::from_slice(&file[20..20 + word(12)]).unwrap();
        (document, word(20 + word(12)))
    }

    #[test]
    fn a_file_says_how_long_its_parts_are() {
        let (document, binary) = document("a red cube");
        assert_eq!(document["buffers"][0]["byteLength"], binary);
        assert_eq!(document["accessors"][0]["max"], json!([0.5, 1.0, 0.5]));
    }

    #[test]
    fn solids_that_are_alike_share_triangles_and_materials() {
        let (document, _) = document("five red balls, two blue balls and a red cone");
        let count = |member: &str| document[member].as_array().unwrap().len();
        assert_eq!((count("nodes"), count("meshes"), count("materials")), (8, 3, 2));
        assert_eq!(count("accessors"), 6);
    }
}

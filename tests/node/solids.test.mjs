// tintype/solids: what it makes is glTF to the letter, by the validator of those who wrote the format.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import validator from "gltf-validator";

import { startServer } from "./support/server.mjs";
import { byMiddleware } from "./support/ways.mjs";

let server, fal;
before(async () => {
  server = await startServer();
  fal = byMiddleware(server.url);
});
after(() => server.stop());

const EVERY_SHAPE =
  "a cube, a sphere, a cylinder, a cone, a pyramid, a ring, a tube, a dome, a capsule, a prism, " +
  "a tetrahedron, an octahedron and an icosahedron";

for (const [prompt, detail] of [
  ["a red cube", 48],
  [EVERY_SHAPE, 8],
  ["five small glass balls on a flat gold box, a tall matte blue cone behind it", 128],
]) {
  test(`valid: ${prompt}`, async () => {
    const { data } = await fal.subscribe("tintype/solids", { input: { prompt, detail } });
    const { url, content_type: type, file_size: size } = data.model_mesh;
    assert.equal(type, "model/gltf-binary");
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    assert.equal(bytes.length, size);
    const { issues, info } = await validator.validateBytes(bytes);
    assert.deepEqual(issues.messages, []);
      assert.ok(info.materialCount > 0);
  });
}

test("a prompt without a solid is refused with the words that are known", async () => {
  await assert.rejects(fal.run("tintype/solids", { input: { prompt: "a dreamy cat" } }), (error) => {
    assert.equal(error.status, 422);
    assert.match(error.body.detail[0].msg, /cube/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { importText } from "./load.mjs";

const { createModel, unpack } = await importText("vae_teach/widgets/parts/host.js");

test("a set trait is read back and its listeners hear the new value, once each", () => {
  const model = createModel({ z: [0] });
  const heard = [];
  model.on("change:z", (_, value) => heard.push(value));
  model.on("change", () => heard.push("any"));
  model.set("z", [1]);
  assert.deepEqual(model.get("z"), [1]);
  assert.deepEqual(heard, [[1], "any"]);
});

test("setting the same value is no change, and another trait's listener stays silent", () => {
  const model = createModel({ z: 1, axes: 2 });
  let heard = 0;
  model.on("change:z", () => (heard += 1));
  model.set("z", 1);
  model.set("axes", 3);
  assert.equal(heard, 0);
});

test("off silences one listener and leaves the other", () => {
  const model = createModel({ z: 0 });
  const heard = [];
  const first = () => heard.push("first");
  model.on("change:z", first);
  model.on("change:z", () => heard.push("second"));
  model.off("change:z", first);
  model.off("change:never", first);
  model.set("z", 1);
  model.save_changes();
  assert.deepEqual(heard, ["second"]);
});

test("a listener may remove itself while it is called", () => {
  const model = createModel({ z: 0 });
  let heard = 0;
  const once = () => {
    heard += 1;
    model.off("change:z", once);
  };
  model.on("change:z", once);
  model.on("change:z", () => (heard += 10));
  model.set("z", 1);
  model.set("z", 2);
  assert.equal(heard, 21);
});

test("the models of two widgets share nothing", () => {
  const state = { z: 0 };
  const [a, b] = [createModel(state), createModel(state)];
  a.set("z", 5);
  assert.equal(b.get("z"), 0);
});

test("unpack gives module, style and state, binary traits as DataViews of their own bytes", async () => {
  const header = {
    esm: "export default {}; // </script> é",
    css: "p {}",
    state: { z: [0.5] },
    buffers: [
      ["weights", 3],
      ["empty", 0],
      ["labels", 2],
    ],
  };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const packed = deflateSync(Buffer.concat([length, text, Buffer.from([1, 2, 3, 8, 9])]));
  const { esm, css, state } = await unpack(packed.toString("base64"));
  const bytes = (view) => [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];
  assert.equal(esm, header.esm);
  assert.equal(css, header.css);
  assert.deepEqual(state.z, [0.5]);
  assert.deepEqual(bytes(state.weights), [1, 2, 3]);
  assert.deepEqual(bytes(state.empty), []);
  assert.deepEqual(bytes(state.labels), [8, 9]);
});

// node decode.mjs page.html < codes.json: the pixels that the page's decoder makes of each code.
import { readFileSync } from "node:fs";
import { importBundle } from "./load.mjs";

const { unpack } = await importBundle("vae_teach/widgets/parts/host.js");
const { makeDecoder } = await importBundle("vae_teach/widgets/parts/decoder.js");
const { unpackHalves } = await importBundle("vae_teach/widgets/parts/float16.js");

const page = readFileSync(process.argv[2], "utf8");
const [, payload] = page.match(/<script type="text\/plain">([^<]*)</);
const { state } = await unpack(payload);
const decode = makeDecoder(state.steps, unpackHalves(state.weights));
const codes = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(codes.map((z) => [...decode(z)])));

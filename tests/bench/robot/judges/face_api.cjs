// Reads faces with the networks of npm's @vladmandic/face-api, on tfjs's WebAssembly backend.
//
// usage: node face_api.cjs FOLDER, where FOLDER/node_modules holds the packages.
// stdin:  pictures, each as u32 height, u32 width (little endian), then height*width*3 bytes of RGB.
// stdout: a line of JSON per picture: {"neutral": 0.1, ...}, or null where no face is found.
const path = require("node:path");
const { createRequire } = require("node:module");

const folder = path.resolve(process.argv[2]);
const need = createRequire(path.join(folder, "package.json"));
const tf = need("@tensorflow/tfjs");
const wasm = need("@tensorflow/tfjs-backend-wasm");
const faceapi = need("@vladmandic/face-api/dist/face-api.node-wasm.js");
const fs = require("node:fs");

function readAll() {
  const parts = [];
  const piece = Buffer.alloc(1 << 20);
  for (;;) {
    let n = 0;
    try {
      n = fs.readSync(0, piece, 0, piece.length, null);
    } catch (error) {
      if (error.code === "EAGAIN") continue;
      if (error.code === "EOF") break;
      throw error;
    }
    if (n === 0) break;
    parts.push(Buffer.from(piece.subarray(0, n)));
  }
  return Buffer.concat(parts);
}

async function main() {
  wasm.setWasmPaths(path.join(folder, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
  await tf.setBackend("wasm");
  await tf.ready();
  const weights = path.join(folder, "node_modules/@vladmandic/face-api/model");
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(weights);
  await faceapi.nets.faceLandmark68Net.loadFromDisk(weights);
  await faceapi.nets.faceExpressionNet.loadFromDisk(weights);
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: 0.2, maxResults: 1 });
  const all = readAll();
  for (let at = 0; at < all.length; ) {
    const height = all.readUInt32LE(at);
    const width = all.readUInt32LE(at + 4);
    const size = height * width * 3;
    const picture = tf.tensor3d(new Int32Array(all.subarray(at + 8, at + 8 + size)), [height, width, 3], "int32");
    const found = await faceapi.detectSingleFace(picture, options).withFaceLandmarks().withFaceExpressions();
    process.stdout.write(JSON.stringify(found ? { ...found.expressions } : null) + "\n");
    picture.dispose();
    at += 8 + size;
  }
}

main().catch((error) => {
  process.stderr.write(String(error && error.stack ? error.stack : error) + "\n");
  process.exit(1);
});

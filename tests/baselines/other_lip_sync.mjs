// Runs the open lip-sync packages @met4citizen/headaudio and wawa-lipsync in node, on recordings
// instead of a browser's audio graph; called by `speech.py` beside it.
//
//   npm install --prefix FOLDER @met4citizen/headaudio wawa-lipsync
//   node other_lip_sync.mjs FOLDER in.json out.json
//
// in.json: {"rate": 16000, "clips": ["a.f32", ...]}, raw float32 files. out.json: package -> one
// opening track per clip at 60 frames a second. HeadAudio's own processor and its own easing run
// as they are; of the browser there is a stub that carries messages. wawa-lipsync reads an
// AnalyserNode: that one is written here after the Web Audio specification (Blackman window,
// smoothing 0.8, -100 to -30 dB as bytes).

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const FPS = 60;
// How far an Oculus viseme opens the lips; both packages leave that to the rig.
const OPENING = {
  aa: 1, E: 0.6, I: 0.4, O: 0.7, U: 0.35, RR: 0.3, nn: 0.2, kk: 0.25, DD: 0.2, CH: 0.25,
  SS: 0.15, TH: 0.2, FF: 0.05, PP: 0, sil: 0,
};
const bare = (name) => name.replace("viseme_", "");

async function headaudio(folder, clips, rate) {
  const root = join(folder, "node_modules/@met4citizen/headaudio");
  const from = (path) => import(pathToFileURL(join(root, path)));
  globalThis.AudioWorkletNode = class {
    constructor() { this.port = { postMessage: () => {} }; }
  };
  const { Processor } = await from("modules/processor.mjs");
  const { Training } = await from("modules/training.mjs");
  const { HeadAudio } = await from("modules/headaudio.mjs");
  const bytes = readFileSync(join(root, "dist/model-en-mixed.bin"));
  globalThis.fetch = async () => new Response(bytes);
  const { model } = await new Training().loadModel("model");
  return clips.map((samples) => {
    const node = new HeadAudio(null, {});
    const port = { postMessage: (data) => node._onmessage({ data }) };
    const processor = new Processor({ sampleRate: rate }, { port });
    processor._onmessage({ data: { event: "model", reset: true, model } });
    const values = {};
    node.onvalue = (name, value) => { values[bare(name)] = value; };
    const track = [];
    let at = 0;
    for (let k = 0; k < Math.ceil((samples.length * FPS) / rate); k++) {
      const end = Math.round((k * rate) / FPS);
      for (; at + 128 <= end; at += 128) processor.process(samples.subarray(at, at + 128));
      node.update(1000 / FPS);
      track.push(Object.entries(values).reduce((sum, [n, v]) => sum + OPENING[n] * v, 0));
    }
    return track;
  });
}

/** One AnalyserNode over a whole recording, read at chosen moments. */
class Analyser {
  constructor(samples, size) {
    this.samples = samples; this.fftSize = size; this.at = 0;
    this.smooth = new Float64Array(size / 2);
    this.window = Float64Array.from({ length: size }, (_, n) => {
      const x = (2 * Math.PI * n) / size;
      return 0.42 - 0.5 * Math.cos(x) + 0.08 * Math.cos(2 * x);
    });
  }
  get frequencyBinCount() { return this.fftSize / 2; }
  getByteFrequencyData(out) {
    const n = this.fftSize, re = new Float64Array(n), im = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      re[i] = (this.samples[this.at - n + i] ?? 0) * this.window[i];
    }
    fft(re, im);
    for (let k = 0; k < n / 2; k++) {
      this.smooth[k] = 0.8 * this.smooth[k] + (0.2 * Math.hypot(re[k], im[k])) / n;
      const decibels = 20 * Math.log10(this.smooth[k] || 1e-12);
      out[k] = Math.max(0, Math.min(255, Math.floor((255 / 70) * (decibels + 100))));
    }
  }
}

function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
  }
  for (let size = 2; size <= n; size *= 2) {
    for (let k = 0; k < size / 2; k++) {
      const c = Math.cos((-2 * Math.PI * k) / size), s = Math.sin((-2 * Math.PI * k) / size);
      for (let a = k; a < n; a += size) {
        const b = a + size / 2;
        const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
      }
    }
  }
}

async function wawa(folder, clips, rate) {
  const path = join(folder, "node_modules/wawa-lipsync/dist/wawa-lipsync.es.js");
  let now = 0;
  globalThis.performance.now = () => now;
  globalThis.window = {
    AudioContext: class {
      constructor() { this.sampleRate = rate; }
      createAnalyser() { return new Analyser(new Float32Array(0), 1024); }
    },
  };
  // The packages are named .js and written as modules.
  const source = readFileSync(path, "utf8");
  const { Lipsync } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  return clips.map((clip) => {
    // 1024 at 16 kHz are nearest to the 2048 at 48 kHz that it was made with.
    const lips = new Lipsync({ fftSize: 1024, historySize: 10 });
    lips.analyser = new Analyser(clip, 1024);
    const track = [];
    let opening = 0;
    for (let k = 0; k < Math.ceil((clip.length * FPS) / rate); k++) {
      now = (1000 * k) / FPS;
      lips.analyser.at = Math.round((k * rate) / FPS);
      lips.processAudio();
      // Its examples follow the viseme by a tenth (vowels) to a fifth a frame.
      opening += 0.2 * (OPENING[bare(lips.viseme)] - opening);
      track.push(opening);
    }
    return track;
  });
}

const [folder, source, target] = process.argv.slice(2);
const { rate, clips: names } = JSON.parse(readFileSync(source, "utf8"));
const clips = names.map((name) => {
  const raw = readFileSync(name);
  return new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
});
const out = { wawa: await wawa(folder, clips, rate), headaudio: await headaudio(folder, clips, rate) };
writeFileSync(target, JSON.stringify(out));

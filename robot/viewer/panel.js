'use strict';
// The rig's view: presets, a slider per actuator, loads. Built once from ``hello``.
mien.on('hello', ({ emotions, shapes, sliders }) => {
  if (document.querySelector('[role="tablist"]')) return;  // the same rig after a lost connection
  const HAND_MS = 800;
  const { el, button, slider, chips, ask, askSoon } = mien;
  let preset = emotions[0], touched = -Infinity;

  const choose = (name) => { preset = name; mark(); send(); };
  const send = () => askSoon({ intent: 'preset', preset, strength: strength.get() });
  const strength = slider({ label: 'strength', low: 0, high: 1, step: 0.05, value: 1, input: () => { if (preset) send(); } });
  const emotion = chips({ label: 'Emotion', options: emotions, pick: choose });
  const regions = [...new Set(shapes.map((name) => name.match(/^[a-z]+/)[0]))];
  const groups = regions.map((region) => chips({ label: region, options: shapes.filter((name) => name.startsWith(region)), value: null, pick: choose }));
  const mark = () => [emotion, ...groups].forEach((group) => group.set(preset));

  const bank = mien.bank(sliders, (pose) => {
    touched = performance.now();
    preset = '';
    mark();
    askSoon({ intent: 'pose', pose });
  });
  const neutral = button('NEUTRAL', () => ask({ intent: 'neutral' }));
  neutral.title = 'All commands to 0';

  const servos = el('div'), tendons = el('div'), pulled = el('h2', { hidden: true }, 'Tendon tension');
  mien.tabs({
    Presets: [strength.row, emotion.row, ...groups.map((group) => group.row)],
    Actuators: bank.rows,
    Loads: [el('h2', {}, 'Servo load, share of stall torque'), el('p', { className: 'scale' }, 'at rest', el('i'), 'at the limit'), servos, pulled, tendons],
  });
  document.getElementById('desk').prepend(el('div', { className: 'rig-bar' }, neutral, stage.clear('see through the skin')));

  // What somebody chose, here or on another page. A hand on a slider is not pulled away from it.
  mien.on('choice', (choice) => {
    if (performance.now() - touched < HAND_MS) return;
    bank.set(choice.pose);
    preset = choice.preset;
    strength.set(choice.strength);
    mark();
  });

  function bars(box, lines) {
    while (box.children.length < lines.length) box.append(el('div', { className: 'load' }, el('span'), el('span', { className: 'bar' }, el('i')), el('output')));
    lines.forEach(([label, share, value, ...color], k) => {
      const [name, bar, said] = box.children[k].children;
      name.textContent = label;
      bar.firstChild.style.width = `${100 * share}%`;
      bar.firstChild.style.background = `rgb(${color.join(' ')})`;
      said.textContent = value;
    });
  }
  mien.on('loads', (m) => {
    bars(servos, m.servos);
    bars(tendons, m.tendons);
    pulled.hidden = !m.tendons.length;
  });
});

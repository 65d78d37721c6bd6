'use strict';
// The panel of a live face: what is built once from ``hello`` and filled by ``meters``.
mien.on('hello', ({ emotions, sliders }) => {
  if (document.querySelector('[role="tablist"]')) return;  // the same run after a lost connection
  const { el, button, slider, chips, check, rows, ask, askSoon } = mien;

  const PATIENCE_MS = 1000;

  // Face
  const bar = el('i'), level = el('span', { className: 'said' }, 'waiting for the first tick');
  const voice = el('tbody');
  const feel = () => askSoon({ intent: 'feel', emotion: emotion.get(), intensity: strength.get() });
  const emotion = chips({ label: 'Emotion', options: emotions, pick: feel });
  const strength = slider({ label: 'intensity', low: 0, high: 1, step: 0.05, value: 0.7, input: feel });
  const style = chips({ label: 'Style of the voice', options: [], pick: (name) => { picked = performance.now(); ask({ intent: 'style', style: name }); } });
  let styles = '', picked = -Infinity;
  const look = () => askSoon({ intent: 'look', yaw: yaw.get(), pitch: pitch.get() });
  const yaw = slider({ label: 'left to right', low: -1, high: 1, step: 0.05, input: look });
  const pitch = slider({ label: 'down to up', low: -1, high: 1, step: 0.05, input: look });
  const ahead = button('look ahead', () => { yaw.set(0); pitch.set(0); look(); });
  const rest = button('End: come to rest', () => ask({ intent: 'rest' }), 'button wide');

  // Tune
  const limits = sliders.map((s) => Math.min(Math.max(0, s.low), s.high));
  const tune = () => askSoon({ intent: 'tune', pose: hand.box.checked ? bank.get() : null });
  const hand = check('tune by hand', false, tune);
  const bank = mien.bank(sliders, () => { if (hand.box.checked) tune(); });
  const neutral = button('all neutral', () => { bank.set(limits); if (hand.box.checked) tune(); });

  // Record
  const name = el('input', { type: 'text', maxLength: 80, spellcheck: false, autocomplete: 'off' });
  const begin = button('● record', () => ask({ intent: 'record', recording: name.value }));
  const end = button('■ stop and save', () => ask({ intent: 'record', recording: null }));
  const choice = chips({ label: 'Replay on the face, instead of the voice', options: [] });
  const play = button('▶ replay', () => (choice.get() ? ask({ intent: 'replay', recording: choice.get() }) : mien.toast('nothing was recorded yet')));
  const halt = button('■ stop replay', () => ask({ intent: 'replay', recording: null }));
  const lines = el('div', { role: 'status' });
  const none = el('p', { className: 'said' }, 'There is no recording yet.');
  let names = '', free = '';

  const board = el('tbody'), heat = el('tbody');
  mien.tabs({
    Face: [el('span', { className: 'bar' }, bar), level, emotion.row, strength.row, style.row,
      el('h2', {}, 'Gaze'), yaw.row, pitch.row, el('div', { className: 'buttons' }, ahead),
      el('h2', {}, 'Latency'), el('table', {}, voice),
      el('h2', {}, 'Picture'), stage.dots('target landmarks (orange)', 'target'),
      stage.dots('landmarks that are reached (blue)', 'reached'), rest],
    Servos: [el('p', { className: 'said' }, 'Temperatures are estimates. The warmest come first.'), el('table', {}, heat)],
    Board: [el('table', {}, board)],
    Record: [el('h2', {}, 'Record everything that the face does'), el('label', {}, el('span', { className: 'said' }, 'name'), name),
      el('div', { className: 'buttons' }, begin, end), choice.row, none, el('div', { className: 'buttons' }, play, halt), lines],
    Tune: [hand.row, el('p', { className: 'said' }, 'While this is on, the sliders hold the face instead of the voice.'), neutral, ...bank.rows],
  });

  const temperature = (s) => el('tr', {}, el('th', { scope: 'row' }, s.name),
    el('td', { className: s.hot ? 'warn' : '' }, `${s.celsius} °C`), loaded(s));
  function loaded(s) {
    const fill = el('i');
    fill.style.width = `${100 * s.share}%`;
    return el('td', {}, `${s.load} %`, el('span', { className: s.hot ? 'bar hot' : 'bar' }, fill));
  }
  mien.on('meters', (m) => {
    bar.style.width = `${100 * m.level.share}%`;
    level.textContent = m.level.text + (m.level.voice ? ', voice' : '');
    rows(voice, m.voice);
    rows(board, m.serial);
    heat.replaceChildren(...m.servos.map(temperature));
    const r = m.recordings;
    style.row.hidden = !m.style;
    if (styles !== m.styles.join()) { styles = m.styles.join(); style.offer(m.styles); }
    if (performance.now() - picked > PATIENCE_MS) style.set(m.style);  // what is worn, also if it was refused
    lines.replaceChildren(...r.lines.map((line) => el('p', { className: 'said' }, line)),
      ...(r.wrong ? [el('p', { className: 'warn' }, r.wrong)] : []));
    begin.disabled = r.recording;
    end.disabled = !r.recording;
    halt.disabled = !r.playing;
    if (names !== r.names.join()) {
      names = r.names.join();
      choice.set(r.names.at(-1));
      choice.offer(r.names);
      none.hidden = r.names.length > 0;
    }
    if (name.value === free || r.names.includes(name.value)) name.value = r.free;
    free = r.free;
  });
});
